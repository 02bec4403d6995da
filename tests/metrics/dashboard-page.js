// Draws the panels of a Grafana dashboard, in the browser: numbers (stat) and lines over time (timeseries).
(() => {
  const kColours = ['#73bf69', '#f2cc0c', '#5794f2', '#ff9830', '#f2495c', '#b877d9', '#37872d', '#fade2a', '#8ab8ff', '#ffa6b0'];
  const kThresholds = { green: '#1a7f4b', orange: '#c4701a', red: '#c4313c' };

  /// A number in one of the units that the dashboard uses.
  function format(value, unit, decimals) {
    const short = (number, digits = 1) => String(Number(number.toFixed(decimals ?? digits)));
    if (unit === 'percentunit') return `${short(value * 100)} %`;
    if (unit === 'reqps') return `${short(value)}/s`;
    if (unit !== 's') return short(value);
    const size = Math.abs(value);
    if (size >= 86_400) return `${short(value / 86_400)} days`;
    if (size >= 3600) return `${short(value / 3600)} h`;
    if (size >= 60) return `${short(value / 60)} min`;
    if (size >= 1 || size === 0) return `${short(value, 2)} s`;
    if (size >= 0.001) return `${short(value * 1000)} ms`;
    return `${short(value * 1e6, 0)} µs`;
  }

  function element(parent, name, className, text = '') {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = text;
    parent.append(made);
    return made;
  }

  function drawStat(panel, { series, defaults }) {
    const last = series[0]?.values.at(-1)[1];
    const { color } = defaults.thresholds.steps.filter(({ value }) => value === null || last >= value).at(-1);
    const mapped = defaults.mappings?.[0].options[last]?.text;
    const text = last === undefined ? 'no data' : mapped ?? format(last, defaults.unit, defaults.decimals);
    element(panel, 'div', 'value', text).style.background = kThresholds[color];
  }

  /// What uPlot draws: one list of times, and a list of values for each series, with gaps where there is none.
  function aligned(series) {
    const times = [...new Set(series.flatMap(({ values }) => values.map(([time]) => time)))].sort((a, b) => a - b);
    return [times, ...series.map(({ values }) => {
      const known = new Map(values.filter(([, value]) => Number.isFinite(value)));
      return times.map((time) => known.get(time) ?? null);
    })];
  }

  /// Each series on the sum of those before it; drawn from the top down.
  function stacked([times, ...lists]) {
    const sums = times.map(() => 0);
    return [times, ...lists.map((list) => list.map((value, i) => (sums[i] += value ?? 0))).reverse()];
  }

  function drawLines(panel, { series, defaults }) {
    const { custom, unit } = defaults;
    const isStack = custom.stacking.mode === 'normal';
    const colours = series.map((_, i) => kColours[i % kColours.length]);
    const chart = element(panel, 'div', 'chart');
    const legend = element(panel, 'div', 'legend');
    series.forEach(({ name }, i) => element(legend, 'span', '', name).style.setProperty('--colour', colours[i]));
    const opacity = Math.round(custom.fillOpacity * 2.55).toString(16).padStart(2, '0');
    const lines = colours.map((stroke) => (
      { stroke, width: 1.3, fill: isStack ? stroke : `${stroke}${opacity}`, points: { show: false }, spanGaps: false }));
    const axis = { stroke: '#9a9aa5', font: '10px "DejaVu Sans"', grid: { stroke: '#26292f', width: 1 }, ticks: { show: false } };
    const draw = new globalThis.uPlot({
      width: chart.clientWidth, height: chart.clientHeight, legend: { show: false }, cursor: { show: false },
      series: [{}, ...(isStack ? lines.reverse() : lines)],
      scales: { y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.08 : 1] } },
      axes: [
        { ...axis, space: 60, size: 22, values: (_, ticks) => ticks.map((time) => new Date(time * 1000).toISOString().slice(11, 19)) },
        { ...axis, size: 54, values: (_, ticks) => ticks.map((value) => format(value, unit)) },
      ],
    }, isStack ? stacked(aligned(series)) : aligned(series), chart);
    return draw;
  }

  globalThis.drawDashboard = (title, panels) => {
    document.title = title;
    const grid = element(document.body, 'div', 'grid');
    for (const shown of panels) {
      const panel = element(grid, 'div', `panel ${shown.type}`);
      const { x, y, w, h } = shown.gridPos;
      panel.style.gridArea = `${y + 1} / ${x + 1} / span ${h} / span ${w}`;
      element(panel, 'h2', '', shown.title);
      (shown.type === 'stat' ? drawStat : drawLines)(panel, shown);
    }
  };
})();
