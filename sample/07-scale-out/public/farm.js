/** Shows how the nodes do, and lets the reader do them harm. */
export function showFarm(section) {
  const rows = section.querySelector('tbody');
  const template = section.querySelector('template');
  const restart = section.querySelector('.restart');

  restart.addEventListener('click', () => void fetch('farm/restart', { method: 'POST' }));
  new EventSource('farm').addEventListener('message', ({ data }) => JSON.parse(data).forEach(show));

  function show({ name, state, pid, starts }) {
    const row = rows.querySelector(`[data-node="${name}"]`) ?? addRow(name);
    row.dataset.starts = starts;
    row.querySelector('.state').textContent = state;
    row.querySelector('.state').dataset.state = state;
    row.querySelector('.pid').textContent = pid ?? '–';
    row.querySelector('.starts').textContent = starts;
    row.querySelector('.kill').disabled = state !== 'running';
  }

  function addRow(name) {
    const row = template.content.firstElementChild.cloneNode(true);
    row.dataset.node = name;
    row.querySelector('.name').textContent = name;
    row
      .querySelector('.kill')
      .addEventListener('click', () => void fetch(`farm/kill?node=${name}`, { method: 'POST' }));
    rows.append(row);
    return row;
  }
}
