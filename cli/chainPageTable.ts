/** Draws the table of the chain page, after chainPageScript.ts; its last lines begin. */
export const CHAIN_TABLE_SCRIPT = String.raw`
const number = (value, digits) => value.toLocaleString('en-US', { maximumFractionDigits: digits });
const price = (value) => value >= 1000 && narrow ? number(value, 0) : value >= 10000 ? number(value, 1) : value >= 1 ? value.toLocaleString('en-US', { minimumFractionDigits: value % 1 ? 2 : 0, maximumFractionDigits: 2 }) : Number(value.toPrecision(4)).toString();
const amount = (value) => {
  if (value >= 1e7) return number(value / 1e6, 1) + 'M';
  if (value >= 1e4) return number(value / 1e3, value >= 1e5 ? 0 : 1) + 'k';
  const digits = !chain.fractions || value === 0 ? 0 : value < 1 ? 2 : 1;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
};
const small = (value) => value === 0 ? '0' : Math.abs(value) >= 1e-3 ? Number(value.toPrecision(3)).toString() : value.toExponential(1);
const aged = (seconds) => seconds < 100 ? Math.max(0, Math.floor(seconds)) + 's' : seconds < 6000 ? Math.floor(seconds / 60) + 'm' : seconds < 360000 ? Math.floor(seconds / 3600) + 'h' : Math.floor(seconds / 86400) + 'd';

/** Columns of the calls from the left; the puts have bid and ask first, the others the other way round. */
const COLUMNS = [
  ['age', 'Age', 'Age of the quote'], ['oi', 'OI', 'Open interest'], ['volume', 'Vol', 'Volume'], ['vega', 'Vega', 'Vega'], ['theta', 'Theta', 'Theta, a day'],
  ['gamma', 'Gamma', 'Gamma'], ['delta', 'Delta', 'Delta'], ['iv', 'IV %', 'Implied volatility, per cent'], ['last', 'Last', 'Last trade'], ['mark', 'Mark', 'Mark price'], ['bid', 'Bid', 'Best bid'], ['ask', 'Ask', 'Best ask'],
];
const FORMAT = { bid: price, ask: price, mark: price, last: price, iv: (value) => (value * 100).toFixed(1), delta: (value) => value.toFixed(2).replace(/^-(?=0\.00$)/, ''), gamma: small, vega: small, theta: small, oi: amount, volume: amount };
const FLASHING = ['bid', 'ask', 'mark', 'last'];
const picked = () => COLUMNS.filter(([name]) => chosen.columns.includes(name));
const book = ([name]) => name === 'bid' || name === 'ask';
const mirrored = (columns) => [...columns.filter(book), ...columns.filter((one) => !book(one)).reverse()];
const sideColumns = (side) => side === 0 ? picked() : mirrored(picked());
const calm = matchMedia('(prefers-reduced-motion: reduce)');

/** Rows that are drawn, by strike: { row, cells: [of the call, of the put] by column, strike }. */
let drawn = new Map();
let atm;

const valueOf = (quote, name) => quote === undefined || quote[chain.places[name]] === undefined ? null : quote[chain.places[name]];

/** 70000, 7* or 65000..72000, several with commas between them. */
function finder(text) {
  const parts = text.split(',').map((part) => part.trim().replaceAll(' ', '')).filter(Boolean).map((part) => {
    const [, low, high] = /^(\d*\.?\d*)\.\.(\d*\.?\d*)$/.exec(part) || [];
    if (low !== undefined) return (strike) => strike >= Number(low || 0) && strike <= Number(high || Infinity);
    if (part.includes('*')) { const like = new RegExp('^' + part.replace(/[.+?^$()|[\]\\{}]/g, '\\$&').replaceAll('*', '.*') + '$'); return (strike) => like.test(String(strike)); }
    return (strike) => String(strike) === part || (part.length < 3 && String(strike).startsWith(part));
  });
  return (strike) => parts.length === 0 || parts.some((part) => part(strike));
}

/** Whether a side of a strike has as much open interest and volume as is asked for. */
function passes(quote) {
  const [oi, volume] = [Number($('oi').value) || 0, Number($('volume').value) || 0];
  return (oi === 0 || (valueOf(quote, 'oi') ?? -1) >= oi) && (volume === 0 || (valueOf(quote, 'volume') ?? -1) >= volume);
}

/** Strikes to be drawn, in order. */
function visible() {
  const all = [...chain.strikes.keys()].sort((a, b) => a - b);
  atm = undefined;
  if (chain.forward) for (const strike of all) if (atm === undefined || Math.abs(strike - chain.forward.price) < Math.abs(atm - chain.forward.price)) atm = strike;
  const find = finder($('find').value);
  let near = all;
  if (chosen.span !== 'all' && $('find').value.trim() === '') {
    const middle = atm === undefined ? all.length >> 1 : all.indexOf(atm);
    near = all.slice(Math.max(0, middle - Number(chosen.span)), middle + Number(chosen.span) + 1);
  }
  return near.filter((strike) => find(strike) && chain.strikes.get(strike).some((quote) => quote !== undefined && passes(quote)));
}

function drawHead() {
  const [top, names] = [make('tr'), make('tr')];
  const width = picked().length;
  const group = (text, className) => { const cell = make('th', text, className); cell.scope = 'colgroup'; cell.colSpan = Math.max(1, width); return cell; };
  const middle = make('th', 'Strike', 'strike');
  middle.scope = 'col';
  top.append(group('Calls', 'calls'), make('th', '', 'strike'), group('Puts', 'puts'));
  const heads = (side) => sideColumns(side).map(([name, text, title]) => { const cell = make('th', text, name); cell.scope = 'col'; cell.title = title; return cell; });
  names.append(...heads(0), middle, ...heads(1));
  $('table').tHead.replaceChildren(top, names);
}

function makeRow(strike) {
  const row = make('tr');
  const head = make('th', number(strike, 8), 'strike');
  head.scope = 'row';
  const cells = [0, 1].map((side) => new Map(sideColumns(side).map(([name]) => [name, make('td', '', name)])));
  row.append(...cells[0].values(), head, ...cells[1].values());
  return { row, head, cells, shown: [{}, {}] };
}

/** Brings the cells of a strike to what is known; what moved is shown to have. */
function fill(strike, flash) {
  const line = drawn.get(strike);
  const pair = chain.strikes.get(strike);
  for (const side of [0, 1]) {
    const quote = pair[side];
    const out = quote !== undefined && !passes(quote);
    for (const [name, cell] of line.cells[side]) {
      cell.classList.toggle('out', out);
      if (name === 'age') continue;
      const value = valueOf(quote, name);
      const before = line.shown[side][name];
      if (value === before) continue;
      line.shown[side][name] = value;
      cell.textContent = value === null ? '\u2013' : FORMAT[name](value);
      if (value !== null && FLASHING.includes(name)) cell.title = String(value);
      if (flash && typeof before === 'number' && value !== null && FLASHING.includes(name)) move(cell, value > before);
    }
  }
  age(strike);
}

function move(cell, up) {
  if (calm.matches) return;
  const colour = getComputedStyle(document.documentElement).getPropertyValue(up ? '--good' : '--bad').trim();
  // Without an end it goes to what the cell has by itself.
  cell.animate([{ backgroundColor: colour + '38', offset: 0 }], { duration: 900, easing: 'ease-out' });
}

function age(strike) {
  const line = drawn.get(strike);
  const pair = chain.strikes.get(strike);
  for (const side of [0, 1]) {
    const quote = pair[side];
    const seconds = quote === undefined ? NaN : (serverNow() - quote[2]) / 1000;
    const old = seconds > chain.staleAfter;
    for (const cell of line.cells[side].values()) cell.classList.toggle('old', old);
    const cell = line.cells[side].get('age');
    if (cell) { const text = quote === undefined ? '\u2013' : aged(seconds); if (cell.textContent !== text) cell.textContent = text; }
  }
}

function drawMarks() {
  for (const [strike, { row, head, cells }] of drawn) {
    const is = strike === atm;
    if (row.classList.contains('atm') !== is) {
      row.classList.toggle('atm', is);
      head.replaceChildren(number(strike, 8), ...(is ? [make('span', 'ATM', 'tag')] : []));
    }
    const forward = chain.forward ? chain.forward.price : NaN;
    for (const cell of cells[0].values()) cell.classList.toggle('in', strike < forward);
    for (const cell of cells[1].values()) cell.classList.toggle('in', strike > forward);
  }
}

function drawSummary(shownStrikes) {
  $('chain').textContent = chain.underlying ? chain.underlying + ' ' + shownDate(chain.expiry) + ', ' + shownDays(chain.expiry) : '';
  const { forward } = chain;
  $('forward').replaceChildren(...(forward ? [forward.from + ' ', make('b', price(forward.price))] : [chain.underlying ? 'price of the underlying not known' : '']));
  let stale = 0;
  for (const pair of chain.strikes.values()) for (const quote of pair) if (quote && (serverNow() - quote[2]) / 1000 > chain.staleAfter) stale++;
  $('note').textContent = chain.strikes.size ? shownStrikes + ' of ' + chain.strikes.size + ' strikes' + (stale ? '; ' + stale + (stale === 1 ? ' quote' : ' quotes') + ' older than ' + aged(chain.staleAfter) : '') : '';
  $('empty').hidden = shownStrikes > 0;
  $('empty').textContent = chain.strikes.size ? 'No strike passes the filters.' : chain.underlying ? 'No quote of this chain has come yet.' : 'No option has come yet.';
  $('box').hidden = shownStrikes === 0;
}

/** Everything anew: another chain, other columns or filters. */
function drawAll() {
  drawHead();
  drawn = new Map();
  drawChanged(new Set());
}

/** What changed; the body anew only where other strikes are to be seen. */
function drawChanged(changed) {
  const strikes = visible();
  const before = [...drawn.keys()];
  if (strikes.length !== before.length || strikes.some((strike, i) => strike !== before[i])) {
    const old = drawn;
    drawn = new Map(strikes.map((strike) => [strike, old.get(strike) || makeRow(strike)]));
    $('table').tBodies[0].replaceChildren(...[...drawn.values()].map(({ row }) => row));
    for (const strike of strikes) fill(strike, old.has(strike));
  } else for (const strike of changed) if (drawn.has(strike)) fill(strike, true);
  drawMarks();
  drawSummary(strikes.length);
  $('box').classList.toggle('wide', $('table').offsetWidth > $('box').clientWidth);
}

/** The ATM row into the middle of a box that scrolls. */
function toMiddle() {
  const line = drawn.get(atm);
  if (line) $('box').scrollTop = line.row.offsetTop - $('box').clientHeight / 2;
}

function drawColumns() {
  const boxes = mirrored(COLUMNS).map(([name, text, title]) => {
    const [label, box] = [make('label'), make('input')];
    Object.assign(box, { type: 'checkbox', value: name, checked: chosen.columns.includes(name) });
    box.addEventListener('change', () => { chosen.columns = box.checked ? [...chosen.columns, name] : chosen.columns.filter((one) => one !== name); keep(); drawAll(); });
    label.title = title;
    label.append(box, text);
    return label;
  });
  $('columns').append(...boxes);
}

setInterval(() => { for (const strike of drawn.keys()) age(strike); drawSummary(drawn.size); }, 1000);
drawColumns();
drawAll();
const asked = new URLSearchParams(location.hash.slice(1));
if (asked.get('underlying') && /^\d{4}-\d\d-\d\d$/.test(asked.get('expiry') || '')) Object.assign(chain, { underlying: asked.get('underlying'), expiry: asked.get('expiry') });
connect();
`
