const { HubConnectionBuilder, HubConnectionState } = window.signalR;

const RESTART_AFTER = 5_000;

/** The chat through @microsoft/signalr. */
export class CoreChat {
  #connection = new HubConnectionBuilder().withUrl('/signalr/chatHub').withAutomaticReconnect().build();
  #events;
  #starting;
  #restart;
  #stopped = false;

  constructor(events) {
    this.#events = events;
    for (const method of ['welcome', 'addMessage', 'announce', 'connectionCount']) {
      this.#connection.on(method, events[method]);
    }
    this.#connection.onreconnecting(() => events.state('reconnecting'));
    this.#connection.onreconnected(() => {
      events.state('connected');
      events.connected();
    });
    // Also called when the attempts of withAutomaticReconnect() are used up.
    this.#connection.onclose(() => this.#disconnected());
  }

  async start() {
    clearTimeout(this.#restart);
    this.#stopped = false;
    if (this.#connection.state !== HubConnectionState.Connected) {
      this.#starting ??= this.#start().finally(() => (this.#starting = undefined));
      await this.#starting;
    }
  }

  async stop() {
    clearTimeout(this.#restart);
    this.#stopped = true;
    await this.#connection.stop();
  }

  async join(name) {
    return await this.#invoke('join', name);
  }

  async send(message) {
    await this.#invoke('send', message);
  }

  async #start() {
    this.#events.state('connecting');
    try {
      await this.#connection.start();
    } catch (error) {
      this.#disconnected();
      throw error;
    }
    this.#events.state('connected');
    this.#events.connected();
  }

  #disconnected() {
    this.#events.state('disconnected');
    if (!this.#stopped) {
      this.#restart = setTimeout(() => void this.start().catch(() => {}), RESTART_AFTER);
    }
  }

  async #invoke(method, ...args) {
    try {
      return await this.#connection.invoke(method, ...args);
    } catch (error) {
      // ASP.NET Core puts a sentence before the text of a HubException; the reader wants the text.
      const [, text] = /HubException: (.*)$/s.exec(error.message) ?? [];
      throw text === undefined ? error : new Error(text, { cause: error });
    }
  }
}
