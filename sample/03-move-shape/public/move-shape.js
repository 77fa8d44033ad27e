import { openHub, showClient } from './shared/hub-client.js';

/** A client sends this often at most, however fast the pointer moves. */
const INTERVAL = 40;
const STEP = 0.02;

const board = document.querySelector('.board');
const shape = document.querySelector('.shape');
const output = document.querySelector('.position output');
const complaint = document.querySelector('.error');

/** Centre of the shape, as parts of the free room of the board. */
let position = { left: 0.5, top: 0.5 };
/** True if the server does not know the position yet. */
let isUnsent = false;
/** Where the pointer holds the shape, in pixels from its corner. */
let grip;

const hub = openHub(
  'moveShape',
  { updateShape: (moved) => place(moved) },
  { state: showClient(document.querySelector('.client')), connected() {} },
);

shape.addEventListener('pointerdown', (event) => {
  shape.setPointerCapture(event.pointerId);
  grip = { x: event.offsetX, y: event.offsetY };
  shape.classList.add('dragging');
});

shape.addEventListener('pointermove', (event) => {
  if (grip !== undefined) {
    const { left, top } = board.getBoundingClientRect();
    const room = roomOnBoard();
    move((event.clientX - left - grip.x) / room.x, (event.clientY - top - grip.y) / room.y);
  }
});

for (const end of ['pointerup', 'pointercancel']) {
  shape.addEventListener(end, () => {
    grip = undefined;
    shape.classList.remove('dragging');
  });
}

shape.addEventListener('keydown', (event) => {
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const step = steps[event.key];
  if (step !== undefined) {
    event.preventDefault();
    move(position.left + step[0] * STEP, position.top + step[1] * STEP);
  }
});

addEventListener('resize', () => place(position));
setInterval(() => void send(), INTERVAL);
hub.start().catch(complain);

function move(left, top) {
  place({ left: clamp(left), top: clamp(top) });
  isUnsent = true;
}

async function send() {
  if (!isUnsent) {
    return;
  }
  isUnsent = false;
  try {
    await hub.invoke('updateModel', position);
    complaint.hidden = true;
  } catch (error) {
    complain(error);
  }
}

function place(next) {
  position = next;
  const room = roomOnBoard();
  shape.style.transform = `translate(${position.left * room.x}px, ${position.top * room.y}px)`;
  output.textContent = `${Math.round(position.left * 100)} %, ${Math.round(position.top * 100)} %`;
}

function roomOnBoard() {
  return { x: board.clientWidth - shape.offsetWidth, y: board.clientHeight - shape.offsetHeight };
}

function clamp(part) {
  return Math.min(1, Math.max(0, part));
}

function complain(error) {
  complaint.textContent = error.message;
  complaint.hidden = false;
}
