import { openHub, showClient } from './shared/hub-client.js';

const form = document.querySelector('form');
const receipt = document.querySelector('.receipt');
const complaint = document.querySelector('.error');
const seen = document.querySelector('.witness');

const hub = openHub(
  'shop',
  {
    witness: (line) => {
      const className = line.startsWith('error') ? 'failed' : '';
      seen.append(Object.assign(document.createElement('li'), { textContent: line, className }));
      seen.scrollTop = seen.scrollHeight;
    },
  },
  { state: showClient(document.querySelector('.client')), connected() {} },
);

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const { email, product, count } = Object.fromEntries(new FormData(form));
  void attempt(async () => {
    const { text, left, took } = await hub.invoke('place', { email, product, count: Number(count) });
    receipt.textContent = `Ordered ${text}; ${left} left. It took ${took.toFixed(2)} ms.`;
  });
});

document.querySelector('.crash').addEventListener('click', () => void attempt(() => hub.invoke('crash')));

await hub.start();

/** Shows what goes wrong: broken rules beside their fields, everything else below. */
async function attempt(action) {
  receipt.textContent = '';
  complaint.hidden = true;
  for (const field of document.querySelectorAll('.broken')) {
    field.textContent = '';
  }
  try {
    await action();
  } catch (error) {
    const others = error.message.split('\n').filter((line) => !showBeside(line));
    complaint.textContent = others.join('\n');
    complaint.hidden = others.length === 0;
  }
}

/** Each rule begins with the name of its field. */
function showBeside(rule) {
  const [name] = rule.split(' ');
  const field = document.querySelector(`.broken[data-field="${CSS.escape(name)}"]`);
  if (field !== null) {
    field.textContent += (field.textContent === '' ? '' : '\n') + rule;
  }
  return field !== null;
}
