import { ClientCard } from './client-card.js';
import { ClassicClient, CoreClient } from './clients.js';
import { showFarm } from './farm.js';

const select = (selector) => document.querySelector(selector);

showFarm(select('.farm'));
for (const [selector, Client] of [
  ['#classic', ClassicClient],
  ['#core', CoreClient],
]) {
  const card = new ClientCard(select(selector), Client);
  void card.start();
}
