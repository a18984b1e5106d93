/** Script of a report: texts, summary, equity, groups and figures. It runs in the browser, inside the frame of page.ts. */
export const REPORT_SCRIPT = String.raw`
const make = (tag, text, className) => { const made = document.createElement(tag); if (text !== undefined && text !== null) made.textContent = text; if (className) made.className = className; return made; };
const byId = (id) => document.getElementById(id);
const colours = () => { const style = getComputedStyle(document.documentElement); return { ...theme(), burst: style.getPropertyValue('--burst').trim(), spot: style.getPropertyValue('--spot').trim() }; };
const html = (text) => echarts.format.encodeHTML(String(text));
const narrow = () => document.documentElement.clientWidth <= 620;

const locale = data.currency === '\u20b9' ? 'en-IN' : 'en-US';
const NONE = '\u2013';
const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);
/** Money with its sign before the currency; paise where they can be read. */
const money = (value, places) => {
  if (!isNumber(value)) return NONE;
  const size = Math.abs(value);
  const digits = places !== undefined ? places : size >= 100000 ? 0 : 2;
  const text = size.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return (value < 0 && /[1-9]/.test(text) ? '\u2212' : '') + data.currency + text;
};
const price = (value) => isNumber(value) ? value.toLocaleString(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 }) : NONE;
/** 1h 05m, 7m 59s, 12s. */
const span = (seconds) => {
  if (!isNumber(seconds)) return NONE;
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n) => String(n).padStart(2, '0');
  return h > 0 ? h + 'h ' + two(m) + 'm' : m > 0 ? m + 'm ' + two(s) + 's' : s + 's';
};
const SHAPES = {
  money, seconds: span, text: String, count: (value) => value.toLocaleString(locale),
  ratio: (value) => (value < 0 ? '\u2212' : '') + Math.abs(value).toFixed(2),
  percent: (value) => (value * 100).toFixed(Math.abs(value) < 0.01 && value !== 0 ? 3 : 1) + '\u202f%',
};
const figure = ({ value, shape }) => value === null || value === undefined ? NONE : SHAPES[shape](value);
const judge = ({ value, judged }) => judged && isNumber(value) ? (value > 0 ? ' good' : value < 0 ? ' bad' : '') : '';

/** The wall clock of the market at an instant: date, time with its fraction where it has one. */
const wall = (ts) => {
  if (!isNumber(ts)) return ['', ''];
  const local = ts + data.zone.offset;
  const micros = ((local % 1e6) + 1e6) % 1e6;
  const text = new Date((local - micros) / 1000).toISOString();
  return [text.slice(0, 10), text.slice(11, 19) + (micros ? '.' + String(micros).padStart(6, '0') : '')];
};
const wallText = (ts) => wall(ts).join(' ').trim();

function drawTiles() {
  byId('tiles').replaceChildren(...data.tiles.map((tile) => {
    const box = make('div', undefined, 'tile');
    box.append(make('div', tile.name, 'name'), make('div', tile.shape === 'money' && Math.abs(tile.value) >= 1000 ? money(tile.value, 0) : figure(tile), 'value' + judge(tile)), make('div', tile.note || '\u00a0', 'note'));
    return box;
  }));
}

function drawWarnings() {
  const warnings = data.checks.filter((check) => !check.holds).map((check) => 'Does not hold: ' + check.what + ' (' + check.told + '). Do not rely on this report.');
  if (data.trades.length === 0) warnings.push('The run has no trades.');
  byId('warnings').replaceChildren(...warnings.map((text) => make('div', text, 'warning')));
}

const axisStyle = (t) => ({ axisLabel: { color: t.soft, hideOverlap: true }, axisLine: { lineStyle: { color: t.line } }, axisTick: { show: false }, splitLine: { lineStyle: { color: t.line, opacity: 0.6 } } });
const tooltipStyle = (t) => ({ confine: true, backgroundColor: t.card, borderColor: t.line, textStyle: { color: t.ink, fontSize: 12 }, extraCssText: 'max-width: 320px; white-space: normal;' });
/** Axis labels that fit: 1.2L, 35k. */
const short = (value) => { const size = Math.abs(value); const sign = value < 0 ? '\u2212' : ''; return sign + (size >= 1e7 && locale === 'en-IN' ? +(size / 1e7).toFixed(2) + 'Cr' : size >= 1e5 && locale === 'en-IN' ? +(size / 1e5).toFixed(2) + 'L' : size >= 1e6 ? +(size / 1e6).toFixed(2) + 'M' : size >= 1000 ? +(size / 1000).toFixed(1) + 'k' : String(+size.toFixed(2))); };

const equity = chart(byId('equity'));
function drawEquity() {
  const t = colours();
  const { ts, value, under, marked } = data.curve;
  const walls = ts.map(wall);
  const firsts = new Set(walls.map(([day], i) => (i === 0 || walls[i - 1][0] !== day ? i : -1)));
  const oneDay = new Set(walls.map(([day]) => day)).size <= 1;
  const label = { color: t.soft, hideOverlap: true, formatter: (_, i) => oneDay ? walls[i][1].slice(0, 5) : walls[i][0].slice(5), ...(oneDay ? {} : { interval: (i) => firsts.has(i) }) };
  const x = (gridIndex, labelled) => ({ ...axisStyle(t), gridIndex, type: 'category', data: ts.map((_, i) => i), boundaryGap: false, axisLabel: labelled ? { ...label, alignMinLabel: 'left', alignMaxLabel: 'right' } : { show: false }, splitLine: { show: !oneDay && firsts.size <= 40, interval: (i) => firsts.has(i), lineStyle: { color: t.line, opacity: 0.5 } } });
  const y = (gridIndex, name) => ({ ...axisStyle(t), gridIndex, type: 'value', name, nameTextStyle: { color: t.soft, align: 'left' }, nameGap: 10, scale: true, splitNumber: gridIndex ? 2 : 5, axisLabel: { color: t.soft, formatter: short } });
  const left = 52;
  equity.setOption({
    backgroundColor: 'transparent', animation: false, textStyle: { color: t.ink, fontFamily: 'system-ui, sans-serif' },
    axisPointer: { link: [{ xAxisIndex: 'all' }] },
    grid: [{ left, right: 16, top: 30, height: '52%' }, { left, right: 16, top: '70%', bottom: 24 }],
    tooltip: { ...tooltipStyle(t), trigger: 'axis', formatter: ([{ dataIndex: i }]) => html(walls[i].join(' ')) + '<br>equity <b>' + money(value[i]) + '</b><br>drawdown <b>' + money(under[i]) + '</b>' },
    xAxis: [x(0, false), x(1, true)],
    yAxis: [y(0, marked ? 'equity, marked to market' : 'equity after each trade'), y(1, 'drawdown')],
    series: [
      { type: 'line', xAxisIndex: 0, yAxisIndex: 0, data: value, showSymbol: false, sampling: 'none', step: marked ? false : 'end', lineStyle: { color: t.accent, width: 1.8 }, itemStyle: { color: t.accent }, areaStyle: { color: t.accent, opacity: 0.1 },
        markLine: { silent: true, symbol: 'none', label: { show: false }, lineStyle: { color: t.soft, type: 'dashed', width: 1 }, data: [{ yAxis: 0 }] } },
      { type: 'line', xAxisIndex: 1, yAxisIndex: 1, data: under, showSymbol: false, step: marked ? false : 'end', lineStyle: { color: t.bad, width: 1.2 }, itemStyle: { color: t.bad }, areaStyle: { color: t.bad, opacity: 0.22 } },
    ],
  }, true);
}

const GROUPS = [['day', 'PnL by day of the exit'], ['hour', 'PnL by hour of the entry'], ['distance', 'PnL by strikes from the money'], ['reason', 'PnL by exit reason'], ['kind', 'PnL by kind of contract']];
const plots = GROUPS.map(([by, title]) => {
  const box = make('section', undefined, 'card' + (by === 'day' ? ' wide' : ''));
  const plot = make('div', undefined, 'plot');
  plot.id = 'by-' + by;
  plot.setAttribute('role', 'img');
  plot.setAttribute('aria-label', title);
  box.append(make('h3', title), plot);
  byId('groups').append(box);
  return [by, plot];
}).map(([by, plot]) => [by, chart(plot)]);

function drawGroups() {
  const t = colours();
  for (const [by, plot] of plots) {
    const groups = data.groups[by];
    plot.setOption({
      backgroundColor: 'transparent', animation: false, textStyle: { color: t.ink, fontFamily: 'system-ui, sans-serif' },
      title: { show: groups.length === 0, text: 'no trades', left: 'center', top: 'middle', textStyle: { color: t.soft, fontSize: 12, fontWeight: 400 } },
      grid: { left: 4, right: 8, top: 12, bottom: 6, containLabel: true },
      tooltip: { ...tooltipStyle(t), trigger: 'axis', axisPointer: { type: 'shadow' }, formatter: ([{ dataIndex: i }]) => { const g = groups[i]; return '<b>' + html(g.key) + '</b><br>PnL <b>' + money(g.pnl) + '</b><br>' + g.trades + ' trades, ' + g.wins + ' won<br>fees ' + money(g.fees); } },
      xAxis: { ...axisStyle(t), type: 'category', data: groups.map((g) => g.key), axisLabel: { color: t.soft, hideOverlap: true, interval: by === 'day' ? 'auto' : 0, rotate: by !== 'day' && by !== 'hour' && groups.length > 5 && narrow() ? 40 : 0, formatter: (key) => by === 'day' ? key.slice(5) : by === 'hour' ? key.slice(0, 2) : key.replace('_', ' ') } },
      yAxis: { ...axisStyle(t), type: 'value', splitNumber: 4, axisLabel: { color: t.soft, formatter: short } },
      series: [{ type: 'bar', barMaxWidth: 42, data: groups.map((g) => ({ value: g.pnl, itemStyle: { color: g.pnl < 0 ? t.bad : t.good, borderRadius: 2 } })) }],
    }, true);
  }
}

function rowsTable(rows) {
  const table = make('table');
  for (const cells of rows) {
    const row = make('tr');
    for (const [text, className, note] of cells) {
      const cell = make('td', text, className);
      if (note) cell.append(' ', make('span', note, 'note'));
      row.append(cell);
    }
    table.append(row);
  }
  return table;
}
function boxed(title, content, className) {
  const box = make('section', undefined, 'card' + (className ? ' ' + className : ''));
  const scroll = make('div', undefined, 'scroll');
  scroll.append(content);
  box.append(make('h3', title), scroll);
  return box;
}

function stacked(...boxes) { const stack = make('div', undefined, 'stack'); stack.append(...boxes); return stack; }

function drawFigures() {
  const boxes = data.figures.map(({ title, metrics }) => boxed(title, rowsTable(metrics.map((one) => [[one.name, '', one.note], [figure(one), 'value' + judge(one)]]))));
  const parts = [];
  if (data.fees.length > 0) parts.push(boxed('Fees by kind', rowsTable(data.fees.map(({ kind, fees }) => [[kind], [money(fees)]]))));
  if (data.orders.length > 0) parts.push(boxed('Orders', rowsTable(data.orders.map(({ purpose, fate, orders }) => [[purpose.replace('_', ' ')], [fate.replace('_', ' '), fate === 'filled' ? 'text' : 'text bad'], [orders.toLocaleString(locale)]]))));
  const [costs, ...others] = boxes.reverse();
  byId('figures').replaceChildren(...others.reverse(), stacked(costs, ...parts));
}

function drawRun() {
  const list = make('ul');
  for (const text of data.missing) list.append(make('li', text));
  const parameters = make('table');
  const head = make('tr');
  for (const name of ['parameter', 'value', 'unit', 'by default', 'meaning']) head.append(make('th', name, name === 'value' || name === 'by default' ? '' : 'text'));
  parameters.append(head);
  for (const { name, value, unit, usual, description } of data.parameters) {
    const row = make('tr', undefined, usual !== '' && usual !== value ? 'changed' : '');
    row.append(make('td', name, 'text'), make('td', value), make('td', unit, 'text'), make('td', usual), make('td', description, 'text meaning'));
    parameters.append(row);
  }
  const identity = boxed('Identity', rowsTable(data.identity.map(([name, value]) => [[name], [value, 'text long']])));
  const checks = boxed('Checks of this report', rowsTable(data.checks.map(({ what, holds }) => [[what], [holds ? '\u2713' : 'does not hold', holds ? 'good' : 'bad']])));
  const right = stacked(boxed('Parameters', parameters), ...(data.missing.length > 0 ? [boxed('What the run does not say', list)] : []));
  right.classList.add('broad');
  byId('run').replaceChildren(stacked(identity, checks), right);
}
`
