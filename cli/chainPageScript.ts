/**
 * What the chain page knows and asks for: the events, the choices, what is remembered of them. It runs in the browser,
 * before chainPageTable.ts, which draws.
 */
export const CHAIN_SCRIPT = String.raw`
'use strict';
const $ = (id) => document.getElementById(id);
const make = (tag, text, className) => { const made = document.createElement(tag); if (text !== undefined) made.textContent = text; if (className) made.className = className; return made; };

/** What the reader chose, kept in the browser; a browser that keeps nothing is fine. */
const narrow = matchMedia('(max-width: 620px)').matches;
const PLACE = 'tickloom.chain.' + (narrow ? 'narrow' : 'wide');
const kept = (() => { try { return JSON.parse(localStorage.getItem(PLACE)) || {}; } catch { return {}; } })();
const chosen = { span: narrow ? '10' : '15', columns: narrow ? ['iv', 'bid', 'ask'] : ['oi', 'volume', 'delta', 'iv', 'last', 'mark', 'bid', 'ask', 'age'], theme: '', open: !narrow, ...kept };
const keep = () => { try { localStorage.setItem(PLACE, JSON.stringify(chosen)); } catch { /* Nothing is kept. */ } };

/** The chain shown: rows by strike, each with its call and put as they were sent. */
const chain = { underlying: '', expiry: '', chains: [], places: {}, strikes: new Map(), fractions: false, forward: null, staleAfter: 60 };
/** Milliseconds that the server's clock is ahead of this one. */
let ahead = 0;
const serverNow = () => Date.now() + ahead;

function state(name, text) {
  if (document.documentElement.dataset.state === name && $('state').textContent === text) return;
  document.documentElement.dataset.state = name;
  $('state').textContent = text;
}

let source;
let heard = 0;
let retry;

function connect() {
  clearTimeout(retry);
  if (source) source.close();
  heard = Date.now();
  const asked = chain.underlying ? '?' + new URLSearchParams({ underlying: chain.underlying, expiry: chain.expiry }) : '';
  source = new EventSource('chain/events' + asked);
  const on = (name, take) => source.addEventListener(name, (event) => { heard = Date.now(); state('live', 'live'); take(JSON.parse(event.data)); });
  on('full', takeFull);
  on('rows', takeRows);
  on('chains', (said) => { chain.chains = said.chains; drawChains(); });
  on('status', takeStatus);
  source.onerror = () => {
    state('lost', 'connection lost; trying again');
    // After an answer that is no stream the browser does not try again by itself.
    if (source.readyState === EventSource.CLOSED) { clearTimeout(retry); retry = setTimeout(connect, 2000); }
  };
}
/** The server speaks every second; a connection that is silent for long is dead, whatever the system says of it. */
setInterval(() => { if (Date.now() - heard > 8000) { state('lost', 'nothing heard; trying again'); connect(); } }, 1000);

/** The choice is in the address: of who loads the page anew before an answer has come, too. */
function keepAddress() {
  if (chain.underlying) history.replaceState(null, '', '#' + new URLSearchParams({ underlying: chain.underlying, expiry: chain.expiry }));
}

function takeFull(said) {
  const anew = said.underlying !== chain.underlying || said.expiry !== chain.expiry || chain.strikes.size === 0;
  chain.underlying = said.underlying || chain.underlying;
  chain.expiry = said.expiry || chain.expiry;
  chain.chains = said.chains;
  chain.staleAfter = said.staleAfter;
  chain.places = Object.fromEntries(said.columns.map((name, i) => [name === 'price' ? 'last' : name, i + 3]));
  chain.strikes.clear();
  chain.fractions = false;
  keepAddress();
  drawChains();
  takeRows({ forward: null, ...said });
  drawAll();
  if (anew) toMiddle();
}

function takeRows(said) {
  if (said.now) ahead = said.now - Date.now();
  if (said.forward !== undefined) chain.forward = said.forward;
  const changed = new Set();
  for (const row of said.rows) {
    let pair = chain.strikes.get(row[0]);
    if (!pair) chain.strikes.set(row[0], pair = [undefined, undefined]);
    pair[row[1]] = row;
    // Of an exchange that trades parts of contracts, all amounts have a digit behind the point.
    chain.fractions ||= row[chain.places.oi] % 1 > 0 || row[chain.places.volume] % 1 > 0;
    changed.add(row[0]);
  }
  drawChanged(changed);
}

function takeStatus(said) {
  ahead = said.now - Date.now();
  const { now, updates, symbols, ...others } = said;
  const parts = [...(updates === null ? [] : [updates.toLocaleString('en-US') + ' updates/s']), symbols.toLocaleString('en-US') + ' symbols'];
  for (const [name, count] of Object.entries(others)) parts.push(count.toLocaleString('en-US') + ' ' + name);
  $('figures').textContent = '\u00b7 ' + parts.join(' \u00b7 ');
}

const day = (date) => new Date(date + 'T00:00:00Z');
const shownDate = (date) => day(date).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: narrow ? '2-digit' : 'numeric', timeZone: 'UTC' });
const daysTo = (date) => Math.round((day(date) - day(new Date(serverNow()).toISOString().slice(0, 10))) / 86400000);
const shownDays = (date) => { const days = daysTo(date); return days === 0 ? 'today' : days < 0 ? 'expired' : days + ' d'; };

function options(select, values, value) {
  const found = values.some(([one]) => one === value);
  select.replaceChildren(...(found || !value ? values : [[value, value], ...values]).map(([one, text]) => { const made = make('option', text); made.value = one; return made; }));
  select.value = value;
}

function drawChains() {
  options($('underlying'), chain.chains.map(([name]) => [name, name]), chain.underlying);
  const [, expiries] = chain.chains.find(([name]) => name === chain.underlying) || ['', []];
  options($('expiry'), expiries.map((date) => [date, shownDate(date) + ', ' + shownDays(date)]), chain.expiry);
}

function show(underlying, expiry) {
  Object.assign(chain, { underlying, expiry, forward: null });
  chain.strikes.clear();
  keepAddress();
  drawAll();
  connect();
}

$('underlying').addEventListener('change', ({ target }) => {
  const [, expiries] = chain.chains.find(([name]) => name === target.value) || ['', []];
  const same = expiries.includes(chain.expiry) ? chain.expiry : expiries.find((date) => daysTo(date) >= 0) || expiries.at(-1) || '';
  show(target.value, same);
});
$('expiry').addEventListener('change', ({ target }) => show(chain.underlying, target.value));
$('choices').addEventListener('submit', (event) => event.preventDefault());
for (const id of ['find', 'oi', 'volume']) $(id).addEventListener('input', () => drawAll());
if (narrow) for (const option of $('span').options) option.textContent = option.textContent.replace('ATM ', '');
$('span').value = chosen.span;
$('span').addEventListener('change', ({ target }) => { chosen.span = target.value; keep(); drawAll(); toMiddle(); });
$('more').open = chosen.open;
$('more').addEventListener('toggle', () => { chosen.open = $('more').open; keep(); });

/** The system's colours, until the reader asks for the others. */
const system = matchMedia('(prefers-color-scheme: dark)');
function theme() {
  const dark = chosen.theme ? chosen.theme === 'dark' : system.matches;
  if (chosen.theme) document.documentElement.dataset.theme = chosen.theme;
  else delete document.documentElement.dataset.theme;
  $('theme').textContent = dark ? 'Light' : 'Dark';
  $('theme').setAttribute('aria-label', 'Use ' + (dark ? 'light' : 'dark') + ' colours');
}
$('theme').addEventListener('click', () => {
  const wanted = (chosen.theme ? chosen.theme === 'dark' : system.matches) ? 'light' : 'dark';
  chosen.theme = wanted === (system.matches ? 'dark' : 'light') ? '' : wanted;
  keep();
  theme();
});
system.addEventListener('change', theme);
theme();
`
