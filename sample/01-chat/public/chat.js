import { ClassicChat } from './classic-client.js';
import { CoreChat } from './core-client.js';
import { Panel } from './panel.js';

open('#classic', ClassicChat);
open('#core', CoreChat);

/** Connects one panel to one client. Both clients have the same four methods and report the same events. */
function open(selector, Client) {
  /** The name to take part under; null while only looking on. */
  let name = null;

  const panel = new Panel(document.querySelector(selector), {
    async join(wanted) {
      await client.start();
      panel.enter(await client.join(wanted));
      name = wanted;
    },
    send: (text) => client.send(text),
    async leave() {
      name = null;
      panel.exit();
      await client.stop();
    },
  });

  const client = new Client({
    state: (state) => panel.showState(state),
    // A new connection is a stranger to the server, so whoever was in the chat joins again.
    connected: () => {
      if (name !== null) {
        client.join(name).then(
          (participant) => panel.enter(participant),
          (error) => panel.showError(error),
        );
      }
    },
    welcome: (welcome) => panel.showWelcome(welcome),
    addMessage: (message) => panel.addMessage(message),
    announce: (announcement) => panel.addAnnouncement(announcement),
    connectionCount: (count) => panel.showCount(count),
  });

  client.start().catch((error) => panel.showError(error));
}
