/** Script of a report: the trades on the price, and their table. Follows that of reportPageScript.ts. */
export const TRADES_SCRIPT = String.raw`
const column = Object.fromEntries(data.columns.map((name, i) => [name, i]));
const trades = data.trades.map((row, number) => {
  const trade = Object.fromEntries(data.columns.map((name, i) => [name, row[i]]));
  const [date, left] = wall(trade.ts);
  const [enteredOn, entered] = wall(trade.entered);
  return { ...trade, row, number, date, left, enteredOn, enteredAt: entered, distance: data.distances[number], sign: trade.direction === 'short' ? -1 : 1 };
});
const MIDNIGHT = (day) => day * 86400 * 1e6 - data.zone.offset;
const lineOf = (instrument, date) => data.lines.find((line) => line.instrument === instrument && wall(MIDNIGHT(line.day))[0] === date);
const short4 = (instrument) => { const [symbol, expiry, strike, type] = instrument.split(':'); return type ? symbol + ' ' + strike + ' ' + type + ' ' + expiry.slice(5) : instrument.replaceAll(':', ' '); };
const lots = (trade) => isNumber(trade.lots) ? trade.lots + (trade.lots === 1 ? ' lot' : ' lots') + ' (' + shown(trade.quantity) + ')' : isNumber(trade.quantity) ? shown(trade.quantity) : '';

const chosen = { trade: trades.length > 0 ? 0 : -1, date: trades.length > 0 ? trades[0].date : '', instrument: trades.length > 0 ? trades[0].instrument : '', whole: false };

function option(select, value, text) { const made = make('option', text); made.value = value; select.append(made); }
function drawControls() {
  const [day, contract, trade] = ['day', 'contract', 'trade'].map(byId);
  for (const select of [day, contract, trade]) select.replaceChildren();
  for (const date of new Set(trades.map((one) => one.date))) option(day, date, date);
  const ofDay = trades.filter((one) => one.date === chosen.date);
  for (const instrument of new Set(ofDay.map((one) => one.instrument))) option(contract, instrument, short4(instrument));
  const here = ofDay.filter((one) => one.instrument === chosen.instrument);
  for (const one of here) option(trade, String(one.number), '#' + (one.number + 1) + ' ' + (one.enteredAt ? one.enteredAt + ' \u2192 ' : '') + one.left + '  ' + one.reason.replace('_', ' ') + '  ' + money(one.pnl));
  day.value = chosen.date; contract.value = chosen.instrument; trade.value = String(chosen.trade);
  for (const select of [day, contract, trade]) select.disabled = trades.length === 0;
  byId('previous').disabled = chosen.trade <= 0;
  byId('next').disabled = chosen.trade >= trades.length - 1;
  byId('whole').textContent = chosen.whole ? 'this trade' : 'whole day';
}

function pick(number, keepTable) {
  const trade = trades[number];
  if (!trade) return;
  Object.assign(chosen, { trade: number, date: trade.date, instrument: trade.instrument });
  drawControls(); drawPrice();
  if (!keepTable) markRow();
}
byId('day').addEventListener('change', ({ target }) => pick(trades.find((one) => one.date === target.value).number));
byId('contract').addEventListener('change', ({ target }) => pick(trades.find((one) => one.date === chosen.date && one.instrument === target.value).number));
byId('trade').addEventListener('change', ({ target }) => pick(Number(target.value)));
byId('previous').addEventListener('click', () => pick(chosen.trade - 1));
byId('next').addEventListener('click', () => pick(chosen.trade + 1));
byId('whole').addEventListener('click', () => { chosen.whole = !chosen.whole; drawControls(); drawPrice(); });

const priceChart = chart(byId('price'));
/** Seconds after local midnight as the chart's milliseconds. */
const since = (ts, date) => { const midnight = Date.parse(date + 'T00:00:00Z') * 1000 - data.zone.offset; return (ts - midnight) / 1000; };
const pointsOf = (line) => { let t = 0; return line ? line.at.map((step, i) => { t = i === 0 ? step : t + step; return [t * 1000, line.price[i]]; }) : []; };
const clock = (ms) => isNumber(ms) ? new Date(ms).toISOString().slice(11, 19) : '';
const at = (points, ms) => { let [low, high] = [0, points.length - 1]; if (high < 0 || points[0][0] > ms) return null; while (low < high) { const middle = (low + high + 1) >> 1; if (points[middle][0] <= ms) low = middle; else high = middle - 1; } return points[low][1]; };

/** A label that can be read where it lies upon lines. */
const halo = (t, color) => ({ color, fontWeight: 600, distance: 8, textBorderColor: t.card, textBorderWidth: 4 });

function marksOf(here, t) {
  const marks = { entries: [], exits: [], ways: [], levels: [], spans: [], reach: [] };
  for (const one of here) {
    const picked = one.number === chosen.trade;
    const end = since(one.ts, chosen.date);
    const begin = isNumber(one.entered) ? Math.max(0, since(one.entered, chosen.date)) : null;
    const colour = one.pnl < 0 ? t.bad : t.good;
    const told = { trade: one, picked };
    if (isNumber(one.exit)) marks.exits.push({ ...told, value: [end, one.exit], itemStyle: { color: colour, borderColor: t.back, borderWidth: 1 }, symbolSize: picked ? 13 : 9, label: { show: picked && !narrow(), formatter: one.reason.replace('_', ' '), position: 'right', ...halo(t, colour) } });
    if (begin === null) continue;
    if (isNumber(one.entry)) marks.entries.push({ ...told, value: [begin, one.entry], symbol: 'triangle', symbolRotate: one.sign < 0 ? 180 : 0, symbolSize: picked ? 15 : 10, itemStyle: { color: t.ink, borderColor: t.back, borderWidth: 1 }, label: { show: picked && !narrow(), formatter: one.sign < 0 ? 'sold' : 'bought', position: 'left', ...halo(t, t.ink) } });
    if (isNumber(one.entry) && isNumber(one.exit)) marks.ways.push([{ coord: [begin, one.entry], lineStyle: { color: colour, type: 'solid', width: picked ? 2 : 1 } }, { coord: [end, one.exit] }]);
    if (picked) marks.spans.push([{ xAxis: begin }, { xAxis: end }]);
    if (picked && isNumber(one.entry)) for (const [name, part, way] of [['stop', data.levels.stop, -1], ['target', data.levels.target, 1]]) {
      if (part === null) continue;
      const level = one.entry * (1 + way * one.sign * part);
      marks.reach.push(level);
      marks.levels.push([{ coord: [begin, level], name, lineStyle: { color: way < 0 ? t.bad : t.good, type: 'dashed', width: 1.2 }, label: { show: true, formatter: name + ' ' + price(level), position: 'insideStartTop', color: way < 0 ? t.bad : t.good, fontSize: 11 } }, { coord: [Math.max(end, begin + 1000), level] }]);
    }
  }
  return marks;
}

function signalsHere(points) {
  return data.signals.filter(([ts, instrument]) => instrument === chosen.instrument && wall(ts)[0] === chosen.date).map(([ts, , value, ratio, taken]) => {
    const ms = since(ts, chosen.date);
    return { value: [ms, isNumber(value) ? value : at(points, ms)], ratio, taken };
  }).filter(({ value }) => value[1] !== null);
}

/** The stretch of the day that is shown first: the trade with a part of its length on either side. */
function stretch(points) {
  const one = trades[chosen.trade];
  const all = points.length ? [points[0][0], points[points.length - 1][0]] : undefined;
  if (chosen.whole || !one) return all;
  const end = since(one.ts, chosen.date);
  const begin = isNumber(one.entered) ? Math.max(0, since(one.entered, chosen.date)) : end;
  const around = Math.max(120e3, (end - begin) * 0.35);
  return [begin - around, end + around];
}

function drawPrice() {
  const t = colours();
  const one = trades[chosen.trade];
  const points = pointsOf(lineOf(chosen.instrument, chosen.date));
  const underlying = chosen.instrument.split(':')[0];
  const spots = underlying === chosen.instrument ? [] : pointsOf(lineOf(underlying, chosen.date));
  const here = trades.filter((other) => other.date === chosen.date && other.instrument === chosen.instrument);
  const marks = marksOf(here, t);
  const signals = signalsHere(points);
  const shownPart = stretch(points);
  const top = narrow() ? 52 : 36;
  const told = ({ trade }) => '#' + (trade.number + 1) + ' ' + html(trade.direction) + ' ' + html(trade.reason.replace('_', ' ')) + '<br>' + html(trade.enteredAt) + ' at <b>' + price(trade.entry) + '</b><br>' + html(trade.left) + ' at <b>' + price(trade.exit) + '</b><br>PnL <b>' + money(trade.pnl) + '</b>';
  const lines = (params) => { const ms = params[0].axisValue; const spot = at(spots, ms); return clock(ms) + '<br>' + html(short4(chosen.instrument)) + ' <b>' + price(at(points, ms)) + '</b>' + (spot === null ? '' : '<br>' + html(underlying) + ' <b>' + price(spot) + '</b>'); };
  /** The axis reaches to the stop and the target, with some room. */
  const reached = (of, end) => (range) => { const all = of(range[end], ...marks.reach); const room = (range.max - range.min) * 0.04 * (end === 'min' ? -1 : 1); return isNumber(all) ? Number((all + room).toPrecision(4)) : null; };
  const own = (formatter) => ({ trigger: 'item', formatter });
  priceChart.setOption({
    useUTC: true, backgroundColor: 'transparent', animation: false, textStyle: { color: t.ink, fontFamily: 'system-ui, sans-serif' },
    legend: { type: 'plain', top: 0, left: 0, right: 0, itemGap: narrow() ? 8 : 12, textStyle: { color: t.soft }, inactiveColor: t.line, itemWidth: 16, itemHeight: 9 },
    grid: { left: 8, right: 8, top, bottom: 52, containLabel: true },
    tooltip: { ...tooltipStyle(t), trigger: 'axis', axisPointer: { type: 'cross', label: { show: false }, lineStyle: { color: t.soft }, crossStyle: { color: t.soft } }, formatter: lines },
    xAxis: { ...axisStyle(t), type: 'time', splitLine: { show: false }, axisLabel: { color: t.soft, hideOverlap: true, formatter: (ms) => clock(ms).replace(/:00$/, '') } },
    yAxis: [
      { ...axisStyle(t), type: 'value', scale: true, min: reached(Math.min, 'min'), max: reached(Math.max, 'max'), axisLabel: { color: t.soft, showMinLabel: marks.reach.length === 0, showMaxLabel: marks.reach.length === 0, formatter: (value) => shown(value) } },
      { ...axisStyle(t), type: 'value', scale: true, splitLine: { show: false }, axisLabel: { color: t.spot, show: spots.length > 0, formatter: (value) => shown(value) } },
    ],
    dataZoom: [
      { type: 'slider', height: 22, bottom: 6, filterMode: 'filter', ...(shownPart ? { startValue: shownPart[0], endValue: shownPart[1] } : {}), borderColor: t.line, backgroundColor: 'transparent', fillerColor: t.accent + '22', dataBackground: { lineStyle: { color: t.soft }, areaStyle: { color: t.soft, opacity: 0.15 } }, selectedDataBackground: { lineStyle: { color: t.accent }, areaStyle: { color: t.accent, opacity: 0.2 } }, handleStyle: { color: t.back, borderColor: t.soft }, moveHandleStyle: { color: t.soft }, textStyle: { color: t.soft }, labelFormatter: (ms) => clock(ms) },
      ...(narrow() ? [] : [{ type: 'inside', filterMode: 'filter', zoomOnMouseWheel: 'ctrl', moveOnMouseWheel: false }]),
    ],
    series: [
      ...(spots.length ? [{ name: underlying, type: 'line', yAxisIndex: 1, data: spots, showSymbol: false, step: 'end', lineStyle: { color: t.spot, width: 1, opacity: 0.75 }, itemStyle: { color: t.spot } }] : []),
      { name: chosen.instrument ? short4(chosen.instrument) : 'price', type: 'line', data: points, showSymbol: false, step: 'end', lineStyle: { color: t.accent, width: 1.5 }, itemStyle: { color: t.accent },
        markArea: { silent: true, itemStyle: { color: t.accent, opacity: 0.07 }, data: marks.spans },
        markLine: { silent: true, symbol: 'none', animation: false, label: { show: false }, data: [...marks.ways, ...marks.levels] } },
      ...(signals.length ? [{ name: 'signals', type: 'scatter', symbol: 'diamond', data: signals.map(({ value, ratio, taken }) => ({ value, ratio, taken, symbolSize: taken ? 13 : 8, itemStyle: { color: t.burst, opacity: taken ? 1 : 0.55 } })), itemStyle: { color: t.burst }, tooltip: own(({ data: mark }) => 'signal ' + (mark.taken ? '(taken) ' : '') + clock(mark.value[0]) + (isNumber(mark.ratio) ? '<br>' + mark.ratio + ' times its baseline' : '')) }] : []),
      { name: 'entries', type: 'scatter', symbol: 'triangle', data: marks.entries, itemStyle: { color: t.ink }, z: 5, tooltip: own(({ data: mark }) => told(mark)) },
      { name: 'exits', type: 'scatter', symbol: 'circle', data: marks.exits, itemStyle: { color: one && one.pnl < 0 ? t.bad : t.good }, z: 5, tooltip: own(({ data: mark }) => told(mark)) },
    ],
  }, true);
  const picked = byId('picked');
  picked.replaceChildren();
  if (!one) { picked.textContent = 'No trades.'; return; }
  const result = make('strong', money(one.pnl), one.pnl < 0 ? 'bad' : 'good');
  picked.append('#' + (one.number + 1) + ' ' + short4(one.instrument) + ', ' + one.direction + ' ' + lots(one) + ': ' + [one.enteredOn !== one.date ? one.enteredOn : '', one.enteredAt].join(' ').trim() + ' at ' + price(one.entry) + ', ended ' + one.left + ' at ' + price(one.exit) + ' by ' + one.reason.replace('_', ' ') + '. Gross ' + money(one.gross) + ', fees ' + money(one.fees) + ', net ', result, '.' + (points.length ? '' : ' The run has no prices of this contract.'));
}
priceChart.on('click', ({ data: mark }) => { if (mark && mark.trade) pick(mark.trade.number); });

const COLUMNS = [
  ['#', (one) => one.number + 1, 'number', (one) => String(one.number + 1)],
  ['contract', (one) => one.instrument, 'text', (one) => short4(one.instrument)],
  ['side', (one) => one.direction, 'text', (one) => one.direction],
  ['entered', (one) => one.entered, 'text', (one) => (one.enteredOn + ' ' + one.enteredAt).trim() || NONE],
  ['held', (one) => isNumber(one.entered) ? one.ts - one.entered : null, 'number', (one) => isNumber(one.entered) ? span((one.ts - one.entered) / 1e6) : NONE],
  ['qty', (one) => one.quantity, 'number', (one) => shown(one.quantity)],
  ['entry', (one) => one.entry, 'number', (one) => price(one.entry)],
  ['exit', (one) => one.exit, 'number', (one) => price(one.exit)],
  ['by', (one) => one.reason, 'text', (one) => one.reason.replace('_', ' ')],
  ['from ATM', (one) => one.distance, 'number', (one) => isNumber(one.distance) ? (one.distance > 0 ? '+' : '') + one.distance : NONE],
  ['gross', (one) => one.gross, 'number', (one) => money(one.gross, 2)],
  ['fees', (one) => one.fees, 'number', (one) => money(one.fees, 2)],
  ['PnL', (one) => one.pnl, 'number', (one) => money(one.pnl, 2)],
];
const PAGE = 300;
const view = { by: 0, up: true, text: '', reason: '', result: '', rows: PAGE };
function filtered() {
  const words = view.text.toLowerCase().split(/\s+/).filter(Boolean);
  const [, of] = COLUMNS[view.by];
  return trades
    .filter((one) => (view.reason === '' || one.reason === view.reason) && (view.result === '' || (view.result === 'won' ? one.pnl > 0 : one.pnl < 0)))
    .filter((one) => { const text = [one.instrument, short4(one.instrument), one.direction, one.date, one.enteredOn, one.reason, one.reason.replace('_', ' ')].join(' ').toLowerCase(); return words.every((word) => text.includes(word)); })
    .sort((a, b) => { const [p, q] = [of(a), of(b)]; if (p === null || q === null) return Number(p === null) - Number(q === null) || a.number - b.number; return (p < q ? -1 : p > q ? 1 : 0) * (view.up ? 1 : -1) || a.number - b.number; });
}
function drawTable() {
  const rows = filtered();
  const table = make('table');
  const head = make('tr');
  COLUMNS.forEach(([name, , kind], i) => {
    const cell = make('th', undefined, kind === 'text' ? 'text' : '');
    cell.setAttribute('aria-sort', view.by === i ? (view.up ? 'ascending' : 'descending') : 'none');
    cell.append(make('button', name + (view.by === i ? (view.up ? ' \u2191' : ' \u2193') : '')));
    cell.addEventListener('click', () => { view.up = view.by === i ? !view.up : kind === 'text' || i === 0; view.by = i; drawTable(); });
    head.append(cell);
  });
  const headed = make('thead');
  headed.append(head);
  const body = make('tbody');
  for (const one of rows.slice(0, view.rows)) {
    const row = make('tr', undefined, one.number === chosen.trade ? 'picked' : '');
    row.dataset.number = String(one.number);
    COLUMNS.forEach(([name, , kind, text]) => row.append(make('td', text(one), (kind === 'text' ? 'text' : '') + (name === 'PnL' ? (one.pnl < 0 ? ' bad' : one.pnl > 0 ? ' good' : '') : ''))));
    row.addEventListener('click', () => { pick(one.number); byId('price').scrollIntoView({ block: 'center' }); });
    body.append(row);
  }
  table.append(headed, body);
  const box = byId('table');
  box.replaceChildren(table);
  if (rows.length > view.rows) {
    const more = make('button', 'show more');
    more.addEventListener('click', () => { view.rows += PAGE; drawTable(); });
    box.append(more);
  }
  const sum = rows.reduce((all, one) => all + one.pnl, 0);
  byId('count').textContent = (rows.length === trades.length ? '' : rows.length + ' of ') + trades.length + ' trades, PnL ' + money(sum) + '. The CSV has all columns of those shown here, times of ' + data.zone.name + '.';
}
function markRow() { for (const row of document.querySelectorAll('#table tbody tr')) row.className = Number(row.dataset.number) === chosen.trade ? 'picked' : ''; }
byId('filter').addEventListener('input', ({ target }) => { view.text = target.value; view.rows = PAGE; drawTable(); });
byId('reason').addEventListener('change', ({ target }) => { view.reason = target.value; drawTable(); });
byId('result').addEventListener('change', ({ target }) => { view.result = target.value; drawTable(); });
option(byId('reason'), '', 'all');
for (const reason of [...new Set(trades.map((one) => one.reason))].sort()) if (reason) option(byId('reason'), reason, reason.replace('_', ' '));

byId('csv').addEventListener('click', () => {
  const cell = (value, name) => { const text = value === null ? '' : data.times.includes(name) ? wallText(value) : String(value); return /[",\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text; };
  const lines = [data.columns.join(','), ...filtered().map((one) => data.columns.map((name) => cell(one.row[column[name]], name)).join(','))];
  const link = make('a');
  link.href = URL.createObjectURL(new Blob([lines.join('\n') + '\n'], { type: 'text/csv' }));
  link.download = 'trades.csv';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
});

drawTiles(); drawWarnings(); drawControls(); drawFigures(); drawRun(); drawTable();
onTheme(() => { drawEquity(); drawGroups(); drawPrice(); });
let wasNarrow = narrow();
addEventListener('resize', () => { if (narrow() !== wasNarrow) { wasNarrow = narrow(); drawGroups(); drawPrice(); } });
requestAnimationFrame(() => requestAnimationFrame(() => { document.documentElement.dataset.drawn = 'yes'; }));
`
