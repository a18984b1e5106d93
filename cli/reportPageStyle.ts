/** Style of a report, beside that of the frame (page.ts). */
export const REPORT_STYLE = `
:root { --burst: #b06a00; --spot: #8a93a0; }
@media (prefers-color-scheme: dark) { :root { --burst: #f0b44c; --spot: #7d8794; } }
header { margin-bottom: 14px; }
#tiles { display: grid; grid-template-columns: repeat(8, minmax(0, 1fr)); gap: 10px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; min-width: 0; }
.tile .name { color: var(--soft); font-size: 0.78rem; }
.tile .value { font-size: 1.25rem; font-weight: 650; font-variant-numeric: tabular-nums; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.tile .note { color: var(--soft); font-size: 0.75rem; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.good { color: var(--good); } .bad { color: var(--bad); }
.warning { border-left: 4px solid var(--burst); background: var(--card); border-radius: 4px; padding: 8px 12px; margin-top: 12px; font-size: 0.9rem; }
#equity { height: 400px; }
#price { height: 440px; }
.controls { display: flex; flex-wrap: wrap; gap: 8px 12px; align-items: flex-end; margin-bottom: 8px; }
.controls label { display: flex; flex-direction: column; gap: 2px; font-size: 0.78rem; color: var(--soft); min-width: 0; }
.controls select, .controls input { width: 100%; min-width: 0; }
.controls select, .controls input, .controls button { font-size: 0.85rem; min-height: 34px; }
.buttons { display: flex; gap: 6px; }
button:hover { border-color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
input { font: inherit; color: var(--ink); background: var(--back); border: 1px solid var(--line); border-radius: 6px; padding: 5px 8px; }
#picked { margin-top: 6px; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
#groups { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 12px; }
#groups .wide { grid-column: 1 / -1; }
#groups h3, #figures h3, #run h3 { margin: 0 0 6px; font-size: 0.9rem; font-weight: 600; }
#groups .plot { height: 210px; }
#groups .wide .plot { height: 230px; }
#figures, #run { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 12px; align-items: start; }
#figures td { white-space: normal; }
#figures td, #run td { vertical-align: top; }
.stack { display: grid; gap: 12px; min-width: 0; }
#run td.long { white-space: normal; overflow-wrap: anywhere; }
#run td.meaning { white-space: normal; min-width: 190px; }
#figures td:first-child, #run td:first-child, #run td.text { text-align: left; }
#figures td.value { white-space: nowrap; }
#figures .note { color: var(--soft); font-size: 0.8rem; }
#run .broad { grid-column: span 2; }
#run ul { margin: 0; padding-left: 1.1em; }
#run .changed td { font-weight: 600; }
#table { max-height: 560px; }
#table th { cursor: pointer; user-select: none; z-index: 1; }
#table th button { all: unset; cursor: pointer; }
#table tbody tr { cursor: pointer; }
#table tbody tr:hover td { background: color-mix(in srgb, var(--accent) 8%, transparent); }
#table tr.picked td { background: color-mix(in srgb, var(--accent) 20%, transparent); }
#count { margin-bottom: 6px; font-size: 0.85rem; }
@media (max-width: 1100px) {
  #tiles { grid-template-columns: repeat(4, minmax(0, 1fr)); }
  #groups { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  #figures, #run { grid-template-columns: minmax(0, 1fr); }
  #run .broad { grid-column: auto; }
}
@media (max-width: 620px) {
  body { padding: 12px; }
  #tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 8px; }
  #groups { grid-template-columns: minmax(0, 1fr); }
  #equity { height: 330px; }
  #price { height: 380px; }
  .controls label { flex: 1 1 36%; }
  .controls label:has(#day) { flex: 0 1 126px; }
  #run td.meaning { white-space: nowrap; }
  .controls .wide { flex-basis: 100%; }
  .card { padding: 10px; }
}
@media (min-width: 621px) { .controls .wide { flex: 1 1 260px; max-width: 520px; } }
@media print { #table { max-height: none; } .controls { display: none; } }
`
