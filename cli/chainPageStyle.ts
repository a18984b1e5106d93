/** Style of the chain page, beside the frame's own (page.ts). */
export const CHAIN_STYLE = `
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.top { display: flex; justify-content: space-between; align-items: center; gap: 12px; }
#status { margin: 2px 0 12px; font-size: 0.88rem; display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 8px; font-variant-numeric: tabular-nums; }
#dot { width: 9px; height: 9px; border-radius: 50%; background: var(--soft); align-self: center; }
[data-state=live] #dot { background: var(--good); }
[data-state=lost] #dot { background: var(--bad); }
[data-state=lost] #state { color: var(--bad); font-weight: 600; }
form .row { display: flex; flex-wrap: wrap; gap: 8px 14px; }
form label { display: flex; flex-direction: column; gap: 2px; min-width: 0; }
form label > span, legend, summary { font-size: 0.8rem; color: var(--soft); }
input { font: inherit; color: var(--ink); background: var(--back); border: 1px solid var(--line); border-radius: 6px; padding: 5px 8px; width: 100%; min-width: 0; }
select { width: 100%; }
#find { width: 15rem; max-width: 100%; }
#oi, #volume { width: 7.5rem; max-width: 100%; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
details { margin-top: 10px; }
summary { cursor: pointer; padding: 4px 0; width: fit-content; }
details .row { margin-top: 4px; }
fieldset { border: 0; padding: 0; margin: 10px 0 0; display: flex; flex-wrap: wrap; gap: 4px 14px; min-width: 0; }
legend { float: left; padding: 0; margin-right: 14px; }
fieldset label { flex-direction: row; align-items: center; gap: 5px; font-size: 0.88rem; }
fieldset input { width: auto; accent-color: var(--accent); margin: 0; }
#summary { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 14px; margin: 16px 0 8px; font-variant-numeric: tabular-nums; }
#forward b { color: var(--accent); }
#note { font-size: 0.85rem; }
#box { border: 1px solid var(--line); border-radius: 8px; background: var(--back); overscroll-behavior-x: contain; }
@media (min-width: 621px) and (min-height: 620px) {
  body { height: 100vh; height: 100dvh; display: flex; flex-direction: column; }
  main { flex: 1; min-height: 0; display: flex; flex-direction: column; }
  #box { max-height: 100%; min-height: 0; }
}
#table { border-collapse: separate; border-spacing: 0; font-size: 0.85rem; }
#table th, #table td { padding: 3px 7px; }
#table thead th { z-index: 2; border-bottom-color: var(--line); }
#table thead tr:first-child th { border-bottom: 0; padding-top: 6px; height: 28px; }
#table thead tr:nth-child(2) th { top: 28px; }
#table th.calls { text-align: left; } #table th.puts { text-align: right; }
#table th.strike { position: sticky; left: 0; right: 0; z-index: 1; text-align: center; background: var(--card); color: var(--ink); border-left: 1px solid var(--line); border-right: 1px solid var(--line); font-weight: 600; }
#table thead th.strike { z-index: 3; color: var(--soft); }
#table td.in { background: color-mix(in srgb, var(--accent) 7%, var(--back)); }
#table tbody tr:last-child > * { border-bottom: 0; }
#table tbody tr:hover td { background: color-mix(in srgb, var(--ink) 6%, var(--back)); }
#table tr.atm > * { border-top: 2px solid var(--accent); border-bottom: 2px solid var(--accent); }
#table tr.atm th.strike { background: var(--accent); color: var(--back); }
#table .tag { font-size: 0.68rem; font-weight: 700; letter-spacing: 0.04em; margin-left: 5px; vertical-align: 1px; }
#table td.old { color: color-mix(in srgb, var(--ink) 45%, var(--back)); font-style: italic; }
#table td.out { opacity: 0.3; }
#table td.bid, #table td.ask { font-weight: 600; }
#table td.up { color: var(--good); } #table td.down { color: var(--bad); }
@media (max-width: 620px) {
  body { padding: 10px; }
  h1 { font-size: 1.15rem; }
  form .row { display: grid; grid-template-columns: minmax(0, 1.1fr) minmax(0, 1.4fr) minmax(0, 0.75fr); gap: 8px; }
  details .row { grid-template-columns: minmax(0, 1.4fr) minmax(0, 1fr) minmax(0, 1fr); }
  #find, #oi, #volume { width: 100%; }
  input, select { font-size: 16px; padding: 5px 2px 5px 5px; }
  fieldset { gap: 6px 14px; }
  fieldset label { min-height: 28px; }
  #summary { margin-top: 12px; }
  #box { overflow: visible; margin: 0 -4px; }
  #box.wide { overflow-x: auto; }
  #table { font-size: 0.8rem; }
  #table th, #table td { padding: 6px 4px; }
  #table .tag { display: none; }
}
@media (prefers-reduced-motion: no-preference) { #table td { transition: color 0.5s; } }
`
