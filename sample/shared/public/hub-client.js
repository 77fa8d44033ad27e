/**
 * One hub through either client, behind the same two methods. Which one is used is in the address of the page:
 * `?client=core` for @microsoft/signalr, anything else for jquery.signalR.
 */
export const family = new URLSearchParams(location.search).get('client') === 'core' ? 'core' : 'classic';

/**
 * @param {string} name the hub, as the generated proxy and the path of Core clients have it.
 * @param {Record<string, (...args: unknown[]) => void>} handlers what the server calls.
 * @param {{ state(state: string): void, connected(): void, token?(): string | Promise<string> }} events `connected` runs for
 * every new connection, `token` before, to get what the client is known by.
 */
export function openHub(name, handlers, events) {
  return family === 'core' ? new CoreHub(name, handlers, events) : new ClassicHub(name, handlers, events);
}

class ClassicHub {
  #hub = window.$.connection.hub;
  #proxy;
  #events;
  #token;

  constructor(name, handlers, events) {
    const { connectionState } = window.$.signalR;
    const names = Object.fromEntries(
      Object.entries(connectionState).map(([state, number]) => [number, state]),
    );
    this.#events = events;
    this.#proxy = window.$.connection[name];
    // Has to stand before start(): only hubs with a handler are subscribed.
    Object.assign(this.#proxy.client, handlers);
    this.#hub.stateChanged(({ oldState, newState }) => {
      events.state(names[newState]);
      if (oldState === connectionState.connecting && newState === connectionState.connected) {
        events.connected();
      }
    });
  }

  async start() {
    if (this.#events.token !== undefined) {
      this.#token ??= this.#sendTokens();
      // Browsers set no headers on sockets and event streams: there it comes in the query.
      this.#hub.qs = { access_token: (this.#token.value = await this.#events.token()) };
    }
    await this.#hub.start();
  }

  /** Begins anew with another token. */
  async renew() {
    this.#hub.stop();
    await this.start();
  }

  async invoke(method, ...args) {
    return await this.#proxy.server[method](...args);
  }

  #sendTokens() {
    const token = { value: '' };
    window.$.ajaxPrefilter((options, original, request) => {
      if (token.value !== '') {
        request.setRequestHeader('Authorization', `Bearer ${token.value}`);
      }
    });
    return token;
  }
}

class CoreHub {
  #connection;
  #events;

  constructor(name, handlers, events) {
    const { HubConnectionBuilder } = window.signalR;
    this.#events = events;
    this.#connection = new HubConnectionBuilder()
      .withUrl(`/signalr/${name}`, events.token === undefined ? {} : { accessTokenFactory: events.token })
      .withAutomaticReconnect()
      .build();
    for (const [method, handler] of Object.entries(handlers)) {
      this.#connection.on(method, handler);
    }
    this.#connection.onreconnecting(() => events.state('reconnecting'));
    this.#connection.onreconnected(() => this.#connected());
    this.#connection.onclose(() => events.state('disconnected'));
  }

  async start() {
    this.#events.state('connecting');
    try {
      await this.#connection.start();
    } catch (error) {
      this.#events.state('disconnected');
      throw error;
    }
    this.#connected();
  }

  /** The server closes a connection whose token has expired, and automatic reconnect asks for another one. */
  async renew() {}

  async invoke(method, ...args) {
    try {
      return await this.#connection.invoke(method, ...args);
    } catch (error) {
      // ASP.NET Core puts a sentence before the text of a HubException; the reader wants the text.
      const [, text] = /HubException: (.*)$/s.exec(error.message) ?? [];
      throw text === undefined ? error : new Error(text, { cause: error });
    }
  }

  #connected() {
    this.#events.state('connected');
    this.#events.connected();
  }
}

/** Shows the state of the connection, and which client it is; the other one is a link. */
export function showClient(element) {
  const other = family === 'core' ? 'classic' : 'core';
  const labels = { classic: 'jquery.signalR 2.4.3', core: '@microsoft/signalr 10' };
  const state = Object.assign(document.createElement('span'), { className: 'state', role: 'status' });
  const link = Object.assign(document.createElement('a'), { href: `?client=${other}` });
  link.textContent = `Use ${labels[other]}`;
  element.append(state, ` with ${labels[family]} · `, link);
  return (text) => {
    state.textContent = text;
    state.dataset.state = text;
  };
}
