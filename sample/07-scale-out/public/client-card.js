import { Tally } from './tally.js';

/** How many nodes the page names that a client has been served by. */
const PATH_LENGTH = 12;

/** Shows one client: over which transport, at which node, and whether its numbers are complete. */
export class ClientCard {
  #card;
  #client;
  #tally = new Tally();
  #nodes = [];

  constructor(card, Client) {
    this.#card = card;
    this.#client = new Client({
      state: (state) => this.#showState(state),
      renewed: () => this.#tally.startAnew(),
      tick: (number) => this.#count(number),
      servedBy: (node) => this.#showNode(node),
    });
    const select = this.#select('select');
    select.append(...Client.transports.map((name) => new Option(name)));
    select.addEventListener('change', () => void this.#switchTo(select.value));
  }

  async start() {
    await this.#client.start(this.#select('select').value);
  }

  /** Another transport is another connection: its numbers are counted from the first one that it gets. */
  async #switchTo() {
    await this.#client.stop();
    this.#tally = new Tally();
    this.#nodes = [];
    await this.start();
  }

  #count(number) {
    this.#tally.add(number);
    for (const name of ['last', 'received', 'gaps', 'doubles', 'signalled']) {
      this.#select(`.${name}`).textContent = this.#tally[name];
    }
  }

  #showNode(node) {
    this.#nodes = [...this.#nodes, node].slice(-PATH_LENGTH);
    this.#select('.node').textContent = node;
    this.#select('.path').textContent = this.#nodes.join(' → ');
  }

  #showState(state) {
    this.#select('.state').textContent = state;
    this.#select('.state').dataset.state = state;
  }

  #select(selector) {
    return this.#card.querySelector(selector);
  }
}
