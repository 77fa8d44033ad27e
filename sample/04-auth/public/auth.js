import { openHub, showClient } from './shared/hub-client.js';
import { Session } from './session.js';

const select = (name) => document.querySelector(name);
const [login, compose, complaint] = [select('.login'), select('.compose'), select('.error')];
const showState = showClient(select('.client'));

/** Who is signed in; undefined while nobody is. */
let session;

const hub = openHub(
  'mail',
  {
    welcome: (member) => {
      select('.member').textContent = member.name;
      note(`Connected with a token of ${member.name}.`);
    },
    receive: ({ from, text }) => {
      const item = document.createElement('li');
      item.append(Object.assign(document.createElement('b'), { textContent: from }), text);
      select('.inbox').append(item);
    },
  },
  {
    state: (state) => {
      showState(state);
      if (state === 'reconnecting') {
        note('The connection was closed; coming back.');
      }
    },
    connected() {},
    token: () => session?.token() ?? '',
  },
);

const members = await (await fetch('auth/members')).json();
for (const list of document.querySelectorAll('select')) {
  list.append(...members.map(({ email, name }) => new Option(`${name} (${email})`, email)));
}

on(login, 'submit', async () => {
  const { email, password } = Object.fromEntries(new FormData(login));
  session = await Session.open(email, password);
  session.onExpired = () => void comeBack();
  note('Signed in.');
  await hub.start();
  login.hidden = true;
  compose.hidden = false;
});

on(select('.intrude'), 'click', async () => {
  session = undefined;
  await hub.start();
});

on(compose, 'submit', async () => {
  const { to, text } = Object.fromEntries(new FormData(compose));
  await hub.invoke('send', to, text);
  compose.elements.text.value = '';
});

setInterval(() => {
  if (session !== undefined) {
    select('.token output').textContent = Math.max(0, Math.ceil(session.secondsLeft));
  }
}, 250);

/** The token has expired. The server closes Core connections by itself; a classic one is renewed here. */
async function comeBack() {
  note('The token has expired.');
  try {
    await session.refresh();
    note('Got a new token.');
    await hub.renew();
  } catch (error) {
    showError(error);
  }
}

/** Shows what goes wrong while an event is handled, and nothing of what went wrong before. */
function on(element, type, handle) {
  element.addEventListener(type, async (event) => {
    event.preventDefault();
    complaint.hidden = true;
    try {
      await handle();
    } catch (error) {
      showError(error);
    }
  });
}

function showError(error) {
  complaint.textContent = error.message;
  complaint.hidden = false;
}

function note(text) {
  select('.events').append(Object.assign(document.createElement('li'), { textContent: text }));
}
