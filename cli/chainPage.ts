import { createHash } from 'node:crypto'
import { CHAIN_SCRIPT } from './chainPageScript.ts'
import { CHAIN_STYLE } from './chainPageStyle.ts'
import { CHAIN_TABLE_SCRIPT } from './chainPageTable.ts'
import { FRAME_STYLE, inScript } from './page.ts'

/**
 * The live options chain as one HTML file that asks nothing of any host but its own. Nothing of the market is in it: that
 * comes by events, and is put into the page as text.
 */
export function chainPage(): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Options chain</title>
<style>${style}</style>
</head>
<body>
${BODY}
<script>${script}</script>
</body>
</html>
`
}

/** Lets this script and this style run, and the page talk to its own host. */
export function chainPolicy(): string {
  const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  return `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'`
}

const style = `${FRAME_STYLE}${CHAIN_STYLE}`
const script = inScript(`${CHAIN_SCRIPT}${CHAIN_TABLE_SCRIPT}`)

const choice = (id: string, name: string, control: string): string => `<label for="${id}"><span>${name}</span>${control}</label>`
const least = (id: string): string => `<input id="${id}" type="number" min="0" step="any" inputmode="decimal" placeholder="0">`

const BODY = `<header>
<div class="top"><h1>Options chain</h1><button id="theme" type="button">Theme</button></div>
<p id="status"><span id="dot" aria-hidden="true"></span><span id="state" role="status">connecting</span><span id="figures" class="soft"></span></p>
</header>
<form id="choices" autocomplete="off">
<div class="row">
${choice('underlying', 'Underlying', '<select id="underlying"></select>')}
${choice('expiry', 'Expiry', '<select id="expiry"></select>')}
${choice('span', 'Strikes', '<select id="span"><option value="5">ATM ± 5</option><option value="10">ATM ± 10</option><option value="15">ATM ± 15</option><option value="25">ATM ± 25</option><option value="all">all</option></select>')}
</div>
<details id="more"><summary>Filters and columns</summary>
<div class="row">
${choice('find', 'Find strikes', '<input id="find" type="search" placeholder="70000, 6*, 65000..72000">')}
${choice('oi', 'Least OI', least('oi'))}
${choice('volume', 'Least volume', least('volume'))}
</div>
<fieldset id="columns"><legend>Columns</legend></fieldset>
</details>
</form>
<main>
<div id="summary"><strong id="chain"></strong><span id="forward"></span><span id="note" class="soft"></span></div>
<div id="box" class="scroll" tabindex="0" role="region" aria-labelledby="chain"><table id="table"><caption class="unseen">Calls on the left, puts on the right, strikes between them</caption><thead></thead><tbody></tbody></table></div>
<p id="empty" class="soft" hidden></p>
</main>`
