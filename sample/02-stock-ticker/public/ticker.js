import { openHub, showClient } from './shared/hub-client.js';

const rows = document.querySelector('tbody');
const complaint = document.querySelector('.error');
const marketState = document.querySelector('.market-state');
const buttons = [...document.querySelectorAll('[data-command]')];

/** Symbols that this page follows. A new connection is in no group, so they are asked for again. */
const followed = new Set();

const ticker = openHub(
  'stockTicker',
  { updateStockPrice: show, marketStateChanged: showMarket, marketReset: showAll },
  { state: showClient(document.querySelector('.client')), connected: () => void attempt(load) },
);

for (const button of buttons) {
  button.addEventListener('click', () => void attempt(() => ticker.invoke(button.dataset.command)));
}
void attempt(() => ticker.start());

/** Runs what may fail, and shows the reader why it did. */
async function attempt(work) {
  complaint.hidden = true;
  try {
    await work();
  } catch (error) {
    complaint.textContent = error.message;
    complaint.hidden = false;
  }
}

async function load() {
  const stocks = await ticker.invoke('getAllStocks');
  const isFirst = rows.childElementCount === 0;
  showAll(stocks);
  showMarket(await ticker.invoke('getMarketState'));
  for (const { symbol } of stocks) {
    if (isFirst || followed.has(symbol)) {
      await follow(symbol, true);
    }
  }
}

async function follow(symbol, wanted) {
  await ticker.invoke(wanted ? 'follow' : 'unfollow', symbol);
  if (wanted) {
    followed.add(symbol);
  } else {
    followed.delete(symbol);
  }
  rowOf(symbol).querySelector('input').checked = wanted;
}

function showMarket(state) {
  marketState.textContent = state;
}

function showAll(stocks) {
  stocks.forEach(show);
}

function show(stock) {
  const row = rowOf(stock.symbol);
  const change = stock.price - stock.dayOpen;
  const trend = change > 0 ? 'up' : change < 0 ? 'down' : '';
  const values = [stock.price, stock.dayOpen, stock.dayHigh, stock.dayLow].map((price) => price.toFixed(2));
  const signs = { up: '▲ ', down: '▼ ', '': '' };
  values.push(signs[trend] + Math.abs(change).toFixed(2), ((100 * change) / stock.dayOpen).toFixed(2));
  values.forEach((text, index) => (row.cells[index + 2].textContent = text));
  row.cells[6].className = row.cells[7].className = trend;
  row.classList.remove('changed');
  // Reading the layout makes the browser notice that the animation starts anew.
  void row.offsetWidth;
  row.classList.add('changed');
}

function rowOf(symbol) {
  return rows.querySelector(`[data-symbol="${CSS.escape(symbol)}"]`) ?? addRow(symbol);
}

function addRow(symbol) {
  const row = rows.insertRow();
  row.dataset.symbol = symbol;
  const box = document.createElement('input');
  box.type = 'checkbox';
  box.ariaLabel = `Follow ${symbol}`;
  box.addEventListener('change', () => void attempt(() => follow(symbol, box.checked)));
  row.insertCell().append(box);
  row.insertCell().textContent = symbol;
  for (let column = 0; column < 6; column++) {
    row.insertCell();
  }
  return row;
}
