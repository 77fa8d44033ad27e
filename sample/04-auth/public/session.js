/** Somebody who is signed in: a short-lived access token, and how to get the next one. */
export class Session {
  /** Called when the access token has expired. */
  onExpired = () => {};
  #tokens;
  #timer;

  static async open(email, password) {
    const session = new Session();
    await session.#request('login', { email, password });
    return session;
  }

  /** An access token that is good; clients ask for it whenever they connect. */
  async token() {
    if (this.secondsLeft <= 0) {
      await this.refresh();
    }
    return this.#tokens.accessToken;
  }

  get secondsLeft() {
    const [, payload] = this.#tokens.accessToken.split('.');
    const { exp } = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
    return exp - Date.now() / 1_000;
  }

  async refresh() {
    await this.#request('refresh', { refreshToken: this.#tokens.refreshToken });
  }

  async #request(operation, body) {
    const answer = await fetch(`auth/${operation}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    const content = await answer.json();
    if (!answer.ok) {
      throw new Error(content.message);
    }
    this.#tokens = content;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.onExpired(), Math.max(0, this.secondsLeft) * 1_000);
  }
}
