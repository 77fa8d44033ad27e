const TOAST_FOR = 6_000;

const states = {
  connecting: 'Connecting',
  connected: 'Connected',
  reconnecting: 'Reconnecting',
  disconnected: 'Disconnected',
};

const movements = {
  joined: 'joined',
  left: 'left',
  lost: 'lost the connection',
};

/**
 * What one client shows on the screen. It knows nothing of SignalR; everything that came over the wire is put into
 * the page as text, never as markup.
 */
export class Panel {
  #root;
  #log;
  #own = new Set();
  #shown = new Set();

  constructor(root, { join, send, leave }) {
    this.#root = root;
    root.append(document.querySelector('#panel').content.cloneNode(true));
    this.#log = this.#find('.messages');
    this.#log.setAttribute('aria-label', `Messages, ${root.querySelector('h2').firstChild.data.trim()}`);

    const joining = this.#find('.join');
    const composing = this.#find('.compose');
    this.#onSubmit(joining, () => join(joining.elements.name.value));
    this.#onSubmit(composing, async () => {
      await send(composing.elements.message.value);
      composing.reset();
    });
    this.#find('.leave').addEventListener('click', () => this.#run(leave));
    this.showState('connecting');
  }

  showState(state) {
    this.#root.dataset.state = state;
    this.#find('.state').textContent = states[state];
    this.#find('.compose [type=submit]').disabled = state !== 'connected';
    if (state !== 'connected') {
      this.#find('output').textContent = '–';
      this.#find('.wire').textContent = state === 'disconnected' ? 'Not connected' : 'Connecting…';
    }
  }

  showCount(count) {
    this.#find('output').textContent = count;
  }

  showWelcome({ transport, protocol, history }) {
    this.#find('.wire').textContent = `Transport ${transport} · protocol ${protocol}`;
    history.forEach((message) => this.addMessage(message));
  }

  /** The form for the name makes room for the one for messages. */
  enter(participant) {
    this.#own.add(participant.id);
    drawAvatar(this.#find('.compose .avatar'), participant.name);
    const hadFocus = this.#find('.join').contains(document.activeElement);
    this.#find('.join').hidden = true;
    this.#find('.compose').hidden = false;
    if (hadFocus) {
      this.#find('.compose').elements.message.focus();
    }
  }

  exit() {
    this.#find('.join').hidden = false;
    this.#find('.compose').hidden = true;
    this.#find('.join').elements.name.focus();
  }

  addMessage({ id, authorId, name, text, at, via }) {
    // The history of a new connection repeats what an earlier one has shown.
    if (this.#shown.has(id)) {
      return;
    }
    this.#shown.add(id);
    const own = this.#own.has(authorId);
    const item = create('li', own ? 'message own' : 'message');
    item.append(
      drawAvatar(create('span', 'avatar'), name),
      create('span', 'author', name),
      create('span', `via ${via}`, via),
      drawTime(at),
      create('p', 'bubble', text),
    );
    item.querySelector('.avatar').ariaHidden = 'true';
    this.#place(item, at, own);
  }

  addAnnouncement({ kind, name, at }) {
    const item = create('li', 'announcement');
    item.append(create('strong', '', name), ` ${movements[kind]} `, drawTime(at));
    this.#place(item, at);
  }

  showError(error) {
    const toast = create('div', 'toast');
    const close = create('button', '', '×');
    close.type = 'button';
    close.ariaLabel = 'Dismiss';
    close.addEventListener('click', () => toast.remove());
    toast.append(create('span', '', error.message), close);
    this.#find('.toasts').replaceChildren(toast);
    setTimeout(() => toast.remove(), TOAST_FOR);
  }

  /** Puts an item where its time belongs, and keeps the end in sight of whoever is reading there. */
  #place(item, at, follow = false) {
    const log = this.#log;
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    item.dataset.at = at;
    let before = log.lastElementChild;
    while (before && before.dataset.at > at) {
      before = before.previousElementSibling;
    }
    if (before) {
      before.after(item);
    } else {
      log.prepend(item);
    }
    if (atEnd || follow) {
      log.scrollTop = log.scrollHeight;
    }
  }

  #onSubmit(form, action) {
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#run(action);
    });
  }

  async #run(action) {
    try {
      await action();
    } catch (error) {
      this.showError(error);
    }
  }

  #find(selector) {
    return this.#root.querySelector(selector);
  }
}

function create(tag, className, text = '') {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function drawTime(at) {
  const time = create(
    'time',
    '',
    new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }),
  );
  time.dateTime = at;
  return time;
}

/** Initials on a colour: the same name looks the same on every screen. */
function drawAvatar(element, name) {
  const words = name.split(' ');
  const initials = [words[0], words.length > 1 ? words.at(-1) : ''].map((word) => [...word][0] ?? '');
  const hue = [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);
  element.textContent = initials.join('').toUpperCase();
  element.style.setProperty('--hue', hue);
  return element;
}
