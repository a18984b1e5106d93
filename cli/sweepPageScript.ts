/** Style and script of a sweep's page. The script runs in the browser, inside the frame of page.ts. */

export const SWEEP_STYLE = `
#choices { display: flex; flex-wrap: wrap; gap: 8px 16px; margin: 14px 0; }
#choices label { display: flex; flex-direction: column; gap: 2px; font-size: 0.8rem; color: var(--soft); min-width: 0; }
main { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 16px; align-items: start; }
#map { height: min(70vh, 640px); }
#equity { height: 280px; }
#table { max-height: min(64vh, 590px); }
.bar { display: flex; justify-content: space-between; align-items: center; gap: 8px; margin-bottom: 8px; }
#table th { cursor: pointer; }
#table tr.picked td { background: color-mix(in srgb, var(--accent) 25%, transparent); }
@media (max-width: 900px) {
  main { grid-template-columns: minmax(0, 1fr); }
  #map { height: 380px; }
  #table { max-height: 420px; }
}
`

export const SWEEP_SCRIPT = String.raw`
const MOST_ROWS = 500;
const { parameters, values, columns, sets } = data;
const best = sets[0];
const chosen = { metric: data.metrics[0], x: data.axes.x, y: data.axes.y, others: Object.fromEntries(parameters.map((path, i) => [path, best.values[i]])), set: best.set };
const at = (path) => parameters.indexOf(path);
const metricOf = (set, name) => { const value = set.totals[columns.indexOf(name)]; return typeof value === 'number' ? value : null; };
const texts = (path) => values[at(path)].map(String);
const make = (tag, text, className) => { const made = document.createElement(tag); if (text !== undefined) made.textContent = text; if (className) made.className = className; return made; };

/** The sets of the map: the parameters that are on no axis are as they were chosen. */
const onMap = () => sets.filter((set) => parameters.every((path, i) => path === chosen.x || path === chosen.y || set.values[i] === chosen.others[path]));

function choice(name, options, value, change) {
  const label = make('label', name);
  const select = make('select');
  select.setAttribute('data-of', name);
  for (const option of options) { const made = make('option', String(option)); made.value = String(options.indexOf(option)); select.append(made); }
  select.value = String(options.indexOf(value));
  select.addEventListener('change', () => { change(options[Number(select.value)]); draw(); });
  label.append(select);
  return label;
}

function drawChoices() {
  const box = document.getElementById('choices');
  box.replaceChildren(choice('metric', data.metrics, chosen.metric, (name) => { chosen.metric = name; }));
  const varied = parameters.filter((path, i) => values[i].length > 1);
  if (varied.length > 1) {
    const swap = (axis, other) => (path) => { if (chosen[other] === path) chosen[other] = chosen[axis]; chosen[axis] = path; };
    box.append(choice('across', varied, chosen.x, swap('x', 'y')), choice('up', varied, chosen.y, swap('y', 'x')));
  }
  for (const path of varied) if (path !== chosen.x && path !== chosen.y)
    box.append(choice(path, values[at(path)], chosen.others[path], (value) => { chosen.others[path] = value; }));
}

const map = chart(document.getElementById('map'));
map.on('click', ({ data: cell }) => { if (cell) pick(cell.set); });

function drawMap() {
  const t = theme();
  const { x, y, metric } = chosen;
  const narrow = map.getWidth() < 520;
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const shownSets = onMap();
  const known = shownSets.map((set) => metricOf(set, metric)).filter((value) => value !== null);
  const [low, high] = known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
  const far = Math.max(Math.abs(low), Math.abs(high)) || 1;
  const twoSided = low < 0;
  // Strong colours lie at the ends: there the letters take the colour of the ground.
  const strong = (value) => (twoSided ? Math.abs(value) / far : (value - low) / (high - low || 1)) > 0.75;
  const cells = shownSets.map((set) => {
    const value = metricOf(set, metric);
    const place = [x ? values[at(x)].indexOf(set.values[at(x)]) : 0, y ? values[at(y)].indexOf(set.values[at(y)]) : 0];
    return { value: [...place, value === null ? '-' : value], set: set.set, label: { color: value !== null && strong(value) ? t.back : t.ink } };
  });
  const colours = twoSided
    ? (dark ? ['#ff9b6a', '#7a4630', '#262b32', '#2c5d8f', '#7cbcff'] : ['#b8480f', '#f1b48f', '#f4f4f2', '#9cc4ea', '#1159a6'])
    : (dark ? ['#232a33', '#1f4a73', '#2f7fc4', '#8fd0ff'] : ['#eef3f8', '#a9cbe9', '#3f8acb', '#0b3f7d']);
  const [across, up] = [x ? texts(x) : [''], y ? texts(y) : ['']];
  map.setOption({
    backgroundColor: 'transparent',
    animation: false,
    textStyle: { color: t.ink },
    grid: { left: 8, right: 16, top: 34, bottom: 84, containLabel: true },
    tooltip: { confine: true, formatter: ({ data: cell }) => {
      const set = sets.find((one) => one.set === cell.set);
      const line = (name, value) => echarts.format.encodeHTML(name) + ': <b>' + echarts.format.encodeHTML(shown(value)) + '</b>';
      return ['set ' + set.set, ...parameters.map((path, i) => line(path, set.values[i])), ...[...new Set([metric, ...data.metrics.slice(0, 6)])].map((name) => line(name, metricOf(set, name)))].join('<br>');
    } },
    xAxis: { type: 'category', data: across, name: x || '', nameLocation: 'middle', nameGap: 26, nameTextStyle: { color: t.soft }, axisLabel: { color: t.ink, hideOverlap: true }, axisLine: { lineStyle: { color: t.line } }, splitArea: { show: false } },
    yAxis: { type: 'category', data: up, name: y || '', nameLocation: 'end', nameTextStyle: { color: t.soft, align: 'left' }, axisLabel: { color: t.ink }, axisLine: { lineStyle: { color: t.line } } },
    visualMap: { min: twoSided ? -far : low, max: twoSided ? far : (high > low ? high : low + 1), calculable: false, orient: 'horizontal', left: 'center', bottom: 4, itemHeight: narrow ? 160 : 260, itemWidth: 12, text: [shown(twoSided ? far : high), shown(twoSided ? -far : low)], textStyle: { color: t.soft }, inRange: { color: colours }, outOfRange: { color: t.card } },
    series: [{ type: 'heatmap', data: cells, itemStyle: { borderColor: t.back, borderWidth: 1 }, emphasis: { itemStyle: { borderColor: t.accent, borderWidth: 2 } },
      label: { show: across.length * up.length <= (narrow ? 30 : 150), fontSize: narrow ? 10 : 11, formatter: ({ value }) => shown(typeof value[2] === 'number' ? value[2] : null) } }],
  }, true);
}

const sorting = { column: undefined, up: false };
/** The metric that was chosen, the parameters, the other metrics. */
const cellOf = (set, column) => column === 0 ? metricOf(set, chosen.metric) : column <= parameters.length ? set.values[column - 1] : metricOf(set, tableMetrics()[column - parameters.length]);
const tableMetrics = () => [...new Set([chosen.metric, ...['trades', 'signals', 'pnl', 'winRate', 'profitFactor', 'drawdown', 'sharpe', 'fees'].filter((name) => columns.includes(name)), ...columns.filter((name) => data.metrics.includes(name))])];

function sorted() {
  const column = sorting.column === undefined ? 0 : sorting.column;
  const worse = sorting.column === undefined ? ['fees', 'loss', 'losses', 'drawdown'].includes(chosen.metric) : sorting.up;
  return [...sets].sort((a, b) => {
    const [p, q] = [cellOf(a, column), cellOf(b, column)];
    if (p === null || q === null) return Number(p === null) - Number(q === null);
    return (p < q ? -1 : p > q ? 1 : 0) * (worse ? 1 : -1);
  });
}

function drawTable() {
  const table = make('table');
  const names = [chosen.metric, ...parameters, ...tableMetrics().slice(1)];
  const head = make('tr');
  names.forEach((name, column) => {
    const cell = make('th', name + (sorting.column === column ? (sorting.up ? ' \u2191' : ' \u2193') : ''));
    cell.addEventListener('click', () => { sorting.up = sorting.column === column && !sorting.up; sorting.column = column; drawTable(); });
    head.append(cell);
  });
  table.append(head);
  for (const set of sorted().slice(0, MOST_ROWS)) {
    const row = make('tr', undefined, set.set === chosen.set ? 'picked' : '');
    names.forEach((_, column) => row.append(make('td', shown(cellOf(set, column)))));
    row.addEventListener('click', () => pick(set.set));
    table.append(row);
  }
  const box = document.getElementById('table');
  box.replaceChildren(table);
  if (sets.length > MOST_ROWS) box.append(make('div', 'The first ' + MOST_ROWS + ' of ' + shown(sets.length) + ' sets; all are in the CSV.', 'soft'));
  const picked = sets.find((set) => set.set === chosen.set);
  document.getElementById('picked').textContent = 'set ' + picked.set + ': ' + chosen.metric + ' ' + shown(metricOf(picked, chosen.metric));
}

function pick(number) {
  const set = sets.find((one) => one.set === number);
  chosen.set = number;
  parameters.forEach((path, i) => { chosen.others[path] = set.values[i]; });
  draw();
}

document.getElementById('csv').addEventListener('click', () => {
  const cell = (value) => /[",\n]/.test(String(value)) ? '"' + String(value).replaceAll('"', '""') + '"' : String(value === null ? '' : value);
  const lines = [['set', ...parameters, ...columns], ...sets.map((set) => [set.set, ...set.values, ...set.totals])].map((row) => row.map(cell).join(','));
  const link = make('a');
  link.href = URL.createObjectURL(new Blob([lines.join('\n') + '\n'], { type: 'text/csv' }));
  link.download = 'sweep.csv';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
});

const equity = data.walk && chart(document.getElementById('equity'));
function drawWalk() {
  if (!data.walk) return;
  const t = theme();
  const dates = data.walk.equity.map((day) => day.date);
  equity.setOption({
    backgroundColor: 'transparent', animation: false, textStyle: { color: t.ink },
    grid: { left: 8, right: 16, top: 16, bottom: 8, containLabel: true },
    tooltip: { trigger: 'axis', confine: true, valueFormatter: shown },
    xAxis: { type: 'category', data: dates, axisLabel: { color: t.soft, hideOverlap: true }, axisLine: { lineStyle: { color: t.line } } },
    yAxis: { type: 'value', scale: true, axisLabel: { color: t.soft }, splitLine: { lineStyle: { color: t.line } } },
    series: [{ name: 'pnl out of sample', type: 'line', data: data.walk.equity.map((day) => day.equity), showSymbol: dates.length < 40, lineStyle: { color: t.accent, width: 2 }, itemStyle: { color: t.accent },
      markLine: { silent: true, symbol: 'none', label: { show: false }, lineStyle: { color: t.soft, type: 'dashed' }, data: data.walk.windows.slice(1).map((one) => ({ xAxis: one.test.from })) } }],
  }, true);
}
function drawWindows() {
  if (!data.walk) return;
  const metric = data.metrics[0];
  const table = make('table');
  const head = make('tr');
  for (const name of ['trained', 'tested', 'set', ...parameters, metric + ' trained', metric + ' tested', 'pnl tested']) head.append(make('th', name, name.endsWith('ed') && !name.includes(' ') ? 'text' : ''));
  table.append(head);
  for (const { train, test, set: number } of data.walk.windows) {
    const row = make('tr');
    const set = sets.find((one) => one.set === number);
    for (const span of [train, test]) row.append(make('td', span.from + ' \u2013 ' + span.to, 'text'));
    for (const value of [number, ...set.values, train.metrics[metric], test.metrics[metric], test.metrics.pnl]) row.append(make('td', shown(value)));
    table.append(row);
  }
  document.getElementById('windows').replaceChildren(table);
}

function draw() { drawChoices(); drawMap(); drawTable(); drawWalk(); }
drawWindows();
onTheme(draw);
map.on('finished', () => { document.documentElement.dataset.drawn = 'yes'; });
`
