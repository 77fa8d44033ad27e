import { Chart } from './chart.js';

const { $, signalR } = window;
const select = (selector) => document.querySelector(selector);
const complaint = select('.error');

const core = new signalR.HubConnectionBuilder().withUrl('/signalr/lab').withAutomaticReconnect().build();
const classic = $.connection.lab;
const chart = new Chart(select('.chart polyline'));

/** How much there is to upload. */
let size = 1;
let subscription;

core.on('received', (bytes) => {
  select('input + progress').value = bytes / size;
});
core.on('confirm', confirm);
core.onreconnecting(() => show('#core-state', 'reconnecting'));
core.onreconnected(() => show('#core-state', 'connected'));
core.onclose(() => show('#core-state', 'disconnected'));

on('.watch', 'click', () => {
  subscription = core.stream('watch', 50).subscribe({
    next: (value) => {
      select('.value').textContent = value.toFixed(3);
      select('.count').textContent = chart.add(value);
    },
    error: showError,
    complete: () => {},
  });
  toggle(true);
});

on('.stop', 'click', () => {
  subscription.dispose();
  toggle(false);
});

on('input', 'change', async (input) => {
  const [file] = input.files;
  size = file.size;
  const pieces = new signalR.Subject();
  const hash = core.invoke('upload', file.name, pieces);
  await send(file, pieces);
  select('.hash').textContent = `sha256 ${await hash}`;
});

on('.reset', 'click', async () => {
  select('.outcome').textContent = await core.invoke('reset');
});

on('.calibrate', 'click', async () => {
  select('.calibrated').textContent = await classic.server.calibrate(20).progress((part) => {
    select('.calibration').value = part;
  });
});

// A client of classic SignalR only listens to hubs with a handler.
classic.client.received = () => {};
await attempt(async () => {
  await Promise.all([core.start(), $.connection.hub.start()]);
  show('#core-state', 'connected');
  show('#classic-state', 'connected');
});

/** Puts a question of the server to whoever sits there; what it resolves to is the answer. */
function confirm(question) {
  select('.question').textContent = question;
  const answers = [select('.yes'), select('.no')];
  const offer = (isOpen) => answers.forEach((button) => (button.hidden = !isOpen));
  offer(true);
  return new Promise((resolve) => {
    for (const button of answers) {
      button.onclick = () => {
        offer(false);
        select('.question').textContent = '';
        resolve(button.matches('.yes'));
      };
    }
  });
}

/** Sends a file piece by piece, in base64. */
async function send(file, pieces) {
  const PIECE = 12_288;
  for (let start = 0; start < file.size; start += PIECE) {
    const bytes = new Uint8Array(await file.slice(start, start + PIECE).arrayBuffer());
    pieces.next(btoa(String.fromCharCode(...bytes)));
  }
  pieces.complete();
}

function toggle(isWatching) {
  select('.watch').disabled = isWatching;
  select('.stop').disabled = !isWatching;
}

function on(selector, type, handle) {
  const element = select(selector);
  element.addEventListener(type, () => void attempt(() => handle(element)));
}

async function attempt(action) {
  complaint.hidden = true;
  try {
    await action();
  } catch (error) {
    showError(error);
  }
}

function showError(error) {
  complaint.textContent = error.message;
  complaint.hidden = false;
}

function show(selector, state) {
  select(selector).textContent = state;
  select(selector).dataset.state = state;
}
