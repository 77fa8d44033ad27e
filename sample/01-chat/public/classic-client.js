const { $ } = window;

const RESTART_AFTER = 5_000;

/** The chat through jquery.signalR and the generated proxy of the hub. */
export class ClassicChat {
  #hub = $.connection.hub;
  #chat = $.connection.chatHub;
  #restart;
  #stopped = false;

  constructor(events) {
    // What the server calls. Has to stand before start(): only hubs with a handler are subscribed.
    Object.assign(this.#chat.client, {
      welcome: events.welcome,
      addMessage: events.addMessage,
      announce: events.announce,
      connectionCount: events.connectionCount,
    });

    const { connecting, connected } = $.signalR.connectionState;
    const names = Object.fromEntries(Object.entries($.signalR.connectionState).map(([name, n]) => [n, name]));
    this.#hub.stateChanged(({ oldState, newState }) => {
      events.state(names[newState]);
      if (oldState === connecting && newState === connected) {
        events.connected();
      }
    });

    // The library repairs drops by itself. This is called when it gives up, or could not start at all.
    this.#hub.disconnected(() => {
      if (!this.#stopped) {
        this.#restart = setTimeout(() => void this.start().catch(() => {}), RESTART_AFTER);
      }
    });
  }

  async start() {
    clearTimeout(this.#restart);
    this.#stopped = false;
    await this.#hub.start();
  }

  async stop() {
    clearTimeout(this.#restart);
    this.#stopped = true;
    this.#hub.stop();
  }

  async join(name) {
    return await this.#chat.server.join(name);
  }

  async send(message) {
    await this.#chat.server.send(message);
  }
}
