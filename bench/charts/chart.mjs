/**
 * Something to draw.
 *
 * @typedef {BarChart | LineChart} Chart
 *
 * @typedef {object} BarChart
 * @property {string} name of the file
 * @property {'bars'} kind
 * @property {string} title
 * @property {{ title: string, value: number }[]} bars
 * @property {number} [mark] a value to compare with
 *
 * @typedef {object} LineChart
 * @property {string} name of the file
 * @property {'lines'} kind
 * @property {string} title
 * @property {string[]} labels of the points, from left to right
 * @property {{ title: string, values: number[] }[]} lines
 */

const width = 760;
/** What the bars have, and the numbers behind them. */
const room = { bars: 390, numbers: 70 };
const font = 'font-family="system-ui, sans-serif" font-size="13"';
const colors = ['#57606a', '#bf8700', '#0969da', '#8250df', '#cf222e', '#1a7f37'];

/** @param {Chart} chart @returns {string} SVG that is readable on light and dark pages */
export function draw(chart) {
  return chart.kind === 'bars' ? drawBars(chart) : drawLines(chart);
}

/** @param {BarChart} chart */
function drawBars({ title, bars, mark }) {
  // A character of a title is not wider than 7 in nearly all fonts; the bars keep their room.
  const left = Math.max(300, ...bars.map(({ title: name }) => 20 + plain(name).length * 7));
  const row = 26;
  const top = 44;
  const scale = room.bars / Math.max(...bars.map(({ value }) => value), mark ?? 0);
  const parts = bars.map(({ title: name, value }, index) => {
    const y = top + index * row;
    const color = name.startsWith('nestjs-signalr') ? colors[2] : colors[0];
    return (
      text(left - 8, y + 13, plain(name), 'end') +
      `<rect x="${left}" y="${y}" width="${(value * scale).toFixed(1)}" height="18" rx="2" fill="${color}"/>` +
      text(left + value * scale + 6, y + 13, number(value))
    );
  });
  const bottom = top + bars.length * row;
  const line =
    mark === undefined
      ? ''
      : `<path d="M${(left + mark * scale).toFixed(1)} ${top - 6}V${bottom}" stroke="${colors[4]}" stroke-dasharray="4 3"/>`;
  return page(bottom + 12, title, parts.join('\n') + line, left + room.bars + room.numbers);
}

/** @param {LineChart} chart */
function drawLines({ title, labels, lines }) {
  const [left, top, right, height] = [56, 48, 270, 220];
  const highest = Math.max(...lines.flatMap(({ values }) => values));
  const x = (/** @type {number} */ index) =>
    left + (index * (width - left - right)) / Math.max(1, labels.length - 1);
  const y = (/** @type {number} */ value) => top + height - (value / highest) * height;
  const axis = [0, highest / 2, highest].map(
    (value) =>
      text(left - 8, y(value) + 4, number(value), 'end') +
      `<path d="M${left} ${y(value).toFixed(1)}H${width - right}" stroke="#8c959f" stroke-opacity="0.4"/>`,
  );
  const ticks = labels.map((label, index) => text(x(index), top + height + 20, label, 'middle'));
  const drawn = lines.map(({ title: name, values }, index) => {
    const color = colors[index % colors.length];
    const points = values.map((value, at) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
    const legend = top + 8 + index * 20;
    return (
      `<polyline points="${points}" fill="none" stroke="${color}" stroke-width="2"/>` +
      `<rect x="${width - right + 18}" y="${legend - 9}" width="12" height="4" fill="${color}"/>` +
      text(width - right + 36, legend - 3, plain(name))
    );
  });
  return page(top + height + 34, title, [...axis, ...ticks, ...drawn].join('\n'));
}

/** @param {number} height @param {string} title @param {string} content @param {number} [wide] */
function page(height, title, content, wide = width) {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${wide} ${height}" width="${wide}" height="${height}" role="img">\n` +
    `<title>${escaped(title)}</title>\n<g ${font} fill="#768390">\n` +
    `<text x="12" y="24" font-weight="600">${escaped(title)}</text>\n${content}\n</g>\n</svg>\n`
  );
}

/** @param {number} x @param {number} y @param {string} content @param {'start' | 'middle' | 'end'} [anchor] */
function text(x, y, content, anchor = 'start') {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

/** Titles are Markdown. @param {string} markdown */
function plain(markdown) {
  return markdown.replaceAll('`', '');
}

/** @param {string} content */
function escaped(content) {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

/** @param {number} value */
function number(value) {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
