import { wrongFlag } from './flags.ts'
import { escaped, htmlPage } from './page.ts'
import type { Axis } from './sweepGrid.ts'
import type { SweepSummary } from './sweepOptions.ts'
import { SWEEP_SCRIPT, SWEEP_STYLE } from './sweepPageScript.ts'

/** Which parameters are on the axes; the first two that vary by default. */
export interface HeatMapAxes {
  readonly x?: string
  readonly y?: string
}

/** The axes of the map, of the parameters that are varied. Throws OPTION_INVALID for one that is not. */
export function axesOf(parameters: readonly Axis[], { x, y }: HeatMapAxes): { x?: string; y?: string } {
  const paths = parameters.map(({ path }) => path)
  const varied = parameters.filter(({ values }) => values.length > 1).map(({ path }) => path)
  for (const [option, path] of [
    ['--x', x],
    ['--y', y],
  ] as const)
    if (path !== undefined && !paths.includes(path))
      throw wrongFlag(option, `${option} ${path} is not swept; swept are ${paths.join(', ') || 'none'}`)
  if (x !== undefined && x === y) throw wrongFlag('--y', `--x and --y are both ${x}`)
  const first = x ?? varied.find((path) => path !== y)
  return { x: first, y: y ?? varied.find((path) => path !== first) }
}

/**
 * The sweep as a page of its own: a heat map of two parameters, the table of all sets beside it, and where it walked
 * forward what came of that. What was chosen at the top is in force for all of it.
 */
export function sweepPage(summary: SweepSummary, grid: readonly Axis[], axes: HeatMapAxes): string {
  const { sweep, identity, dates, sets, metrics, parameters, walk } = summary
  const columns = Object.keys(sets[0].totals)
  const data = {
    parameters,
    // As the sets hold them: what a parameter was taken as, not as it was written.
    values: parameters.map((_, axis) => distinct(sets.map(({ values }) => values[axis]))),
    metrics,
    columns,
    sets: sets.map(({ set, values, totals }) => ({ set, values, totals: columns.map((name) => totals[name]) })),
    axes: axesOf(grid, axes),
    walk: walk && { windows: walk.windows, equity: walk.equity },
  }
  const span = `${dates[0]} to ${dates[dates.length - 1]}`
  const body = `<header>
<h1>${escaped(sweep)}</h1>
<div class="soft">${escaped(identity.topology)}, ${sets.length.toLocaleString('en')} sets of parameters on ${dates.length} trading day${dates.length === 1 ? '' : 's'}, ${escaped(span)}; lake ${escaped(identity.lake)}, code ${escaped(identity.code)}</div>
</header>
<div id="choices"></div>
<main>
<section class="card"><div id="map" role="img" aria-label="Heat map of the metric over two parameters"></div></section>
<section class="card"><div class="bar"><strong id="picked"></strong><button id="csv" type="button">CSV</button></div><div class="scroll" id="table"></div></section>
</main>
${walk === undefined ? '' : WALK}`
  return htmlPage({ title: `${sweep}: sweep`, body, style: SWEEP_STYLE, data, script: SWEEP_SCRIPT })
}

const WALK = `<h2>Walking forward: chosen on the training days, judged on the days after them</h2>
<section class="card"><div id="equity" role="img" aria-label="Sum of pnl over the test days"></div><div class="scroll" id="windows"></div></section>`

/** Each value once, numbers by size, others in the order of the grid. */
function distinct(values: readonly unknown[]): unknown[] {
  const once = [...new Set(values)]
  return once.every((value) => typeof value === 'number') ? (once as number[]).sort((a, b) => a - b) : once
}
