// The pictures of the README: bars, drawn as SVG that can be read on light and on dark pages.
const kWidth = 860;
const kNames = 270;           // where bars begin
const kRow = 20;
const kBar = 13;
const kTitle = 34;
const kStyle = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 13px }
  .own { fill: #0969da } .peer { fill: #8c959f } .constant { fill: #d0d7de }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .own { fill: #4493f8 } .peer { fill: #768390 } .constant { fill: #444c56 }
  }`;

const escape = (text) => text.replace(/[&<>]/g, (it) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[it]);
const format = (value, digits) => value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

function classOf({ who, signs }) {
  if (who.startsWith('blobvalet')) return 'own';
  return signs ? 'peer' : 'constant';
}

function drawBar({ who, signs, value }, y, largest, digits) {
  const length = Math.max(1, value / largest * (kWidth - kNames - 80));
  const baseline = y + kBar - 2;
  return `<text x="${kNames - 8}" y="${baseline}" text-anchor="end">${escape(who)}</text>`
    + `<rect class="${classOf({ who, signs })}" x="${kNames}" y="${y}" width="${length.toFixed(1)}" height="${kBar}" rx="2"/>`
    + `<text x="${(kNames + length + 6).toFixed(1)}" y="${baseline}">${format(value, digits)}</text>`;
}

function drawPanel({ title, values, digits }, top) {
  const largest = Math.max(...values.map(({ value }) => value));
  const bars = values.map((it, i) => drawBar(it, top + kTitle + i * kRow, largest, digits));
  return [`<text class="title" x="${kNames}" y="${top + kTitle - 10}">${escape(title)}</text>`, ...bars].join('\n');
}

/// Panels below each other, each `{title, values: [{who, signs, value}], digits}`.
export function drawSignatures(panels) {
  const height = ({ values }) => kTitle + values.length * kRow + 10;
  let top = 0;
  const parts = panels.map((panel) => {
    const part = drawPanel(panel, top);
    top += height(panel);
    return part;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${kWidth} ${top}" width="${kWidth}" height="${top}" role="img">
<title>Signatures by blobvalet (blue), by others (grey), and constant answers (pale)</title>
<style>${kStyle}
</style>
${parts.join('\n')}
</svg>
`;
}
