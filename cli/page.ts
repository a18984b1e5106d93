import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** A page that stands alone: no request leaves it. */
export interface Page {
  readonly title: string
  /** HTML of the body, its texts escaped (`escaped`). */
  readonly body: string
  /** Beside the frame's own. */
  readonly style?: string
  /** What the script reads as `data`; survives JSON, in which NaN and Infinity become null. */
  readonly data: unknown
  /** Runs when the body is there, with `data`, `echarts` and `theme` (see FRAME_SCRIPT). */
  readonly script: string
}

/** Text as HTML that shows it. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}

/** The page as one HTML file: charts, style, data and script are in it. It is light or dark as the reader's system is. */
export function htmlPage({ title, body, style = '', data, script }: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:">
<title>${escaped(title)}</title>
<style>${FRAME_STYLE}${style}</style>
</head>
<body>
${body}
<script type="application/json" id="data">${asJson(data)}</script>
<script>${inScript(charts())}</script>
<script>${inScript(FRAME_SCRIPT)}${inScript(script)}</script>
</body>
</html>
`
}

/** The chart library, as it comes. */
function charts(): string {
  return readFileSync(createRequire(import.meta.url).resolve('echarts/dist/echarts.min.js'), 'utf8')
}

/** JSON that no text in it can end the script with. */
export function asJson(data: unknown): string {
  return JSON.stringify(data)
    .replace(/</g, '\\u003c')
    .replace(/\u2028|\u2029/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`)
}

/** Code that nothing in it ends before its end. */
export function inScript(code: string): string {
  return code.replace(/<\/(script)/gi, '<\\/$1').replace(/<!--/g, '<\\!--')
}

const LIGHT = '--back: #fff; --card: #f6f7f9; --ink: #1b1f24; --soft: #5b6470; --line: #d9dde3; --accent: #0b62c4; --good: #0a7d55; --bad: #b3341f;'
const DARK = '--back: #14171b; --card: #1d2127; --ink: #e7eaee; --soft: #9aa4b0; --line: #333a43; --accent: #6fb1ff; --good: #45c796; --bad: #ff8a73;'

/** Colours are the system's, or those that `data-theme` of the root says: light or dark. */
export const FRAME_STYLE = `
:root { ${LIGHT} }
@media (prefers-color-scheme: dark) { :root:not([data-theme=light]) { ${DARK} } }
:root[data-theme=dark] { ${DARK} color-scheme: dark; }
:root[data-theme=light] { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 16px; max-width: 1500px; background: var(--back); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.35rem; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 24px 0 8px; }
.soft { color: var(--soft); overflow-wrap: anywhere; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px; min-width: 0; }
.scroll { overflow: auto; max-width: 100%; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 0.9rem; }
th, td { padding: 4px 8px; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { position: sticky; top: 0; background: var(--card); color: var(--soft); font-weight: 600; }
th.text, td.text { text-align: left; }
select, button { font: inherit; color: var(--ink); background: var(--back); border: 1px solid var(--line); border-radius: 6px; padding: 5px 8px; max-width: 100%; }
button { cursor: pointer; }
`

/**
 * data: what the page was made with. theme(): the colours in force, by the names of the style. onTheme(draw): draws now,
 * and again when the reader's system turns light or dark. chart(element): an ECharts instance that keeps the element's
 * size. shown(number): at most six digits, thousands apart; a dash for what is no number.
 */
const FRAME_SCRIPT = `
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const theme = () => Object.fromEntries(['back', 'card', 'ink', 'soft', 'line', 'accent', 'good', 'bad'].map((name) =>
  [name, getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim()]));
const onTheme = (draw) => { draw(); matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw); };
const chart = (element) => {
  const made = echarts.init(element, null, { renderer: 'canvas' });
  new ResizeObserver(() => made.resize()).observe(element);
  return made;
};
const shown = (value) => {
  if (typeof value !== 'number') return value === null || value === undefined ? '\\u2013' : String(value);
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  const size = Math.abs(value);
  if (size < 1e-6) return value.toExponential(1);
  return value.toLocaleString('en-US', size >= 1000 ? { maximumFractionDigits: 0 } : size >= 10 ? { maximumFractionDigits: 2 } : { maximumSignificantDigits: 4 });
};
`
