import { TickloomError } from '../core/errors.ts'
import { trackerCosts } from './trackerCosts.ts'
import type { TrackerSettings } from './trackerSettings.ts'
import { type Figure, type PlannedLoad, type Predicted, predictedBy, type TrackerPlan, terms } from './trackerTerms.ts'

export function trackerPlan(load: PlannedLoad): TrackerPlan {
  const of = (figure: Figure): Predicted => predictedBy(trackerCosts.figures[figure], terms[figure](load))
  return {
    memoryMb: of('memoryMb'),
    cpuPercent: of('cpuPercent'),
    fileMb: of('fileMb'),
    logMb: of('logMb'),
    writtenGbPerDay: of('writtenGbPerDay'),
  }
}

/** `tickloom tracker plan`. Throws OPTION_INVALID where it is not said for what. */
export async function printPlan(given: { readonly symbols?: number; readonly updates?: number; readonly json?: boolean }, settings: TrackerSettings) {
  const { symbols, updates } = given
  if (symbols === undefined || updates === undefined)
    throw new TickloomError('OPTION_INVALID', 'tracker plan wants --symbols and --updates, such as --symbols 2000 --updates 500', {
      option: symbols === undefined ? '--symbols' : '--updates',
    })
  const { profile, batch_timeout: batchTimeout, max_queue_size: queue } = settings
  const load = { symbols, updates, batchTimeout }
  const plan = trackerPlan(load)
  const warnings = warningsOf(load, queue)
  if (given.json) {
    process.stdout.write(`${JSON.stringify({ profile, ...load, ...plan, fileMbPerDay: 0, measured: trackerCosts.measured, warnings })}\n`)
    return
  }
  const { table } = await import('./tables.ts')
  const shown = ({ value, error }: Predicted): readonly [string, string] => [rounded(value), `± ${rounded(error)}`]
  const rows = [
    ['memory, MB', ...shown(plan.memoryMb)],
    ['CPU, % of a core', ...shown(plan.cpuPercent)],
    ['database, MB', ...shown(plan.fileMb)],
    ['its log, MB', ...shown(plan.logMb)],
    ['growth, MB a day', '0', 'without --history'],
    ['written, GB a day', ...shown(plan.writtenGbPerDay)],
  ]
  const head = [`${symbols} symbols, ${updates} updates/s`, profile, 'error']
  process.stdout.write(`${table(head, rows)}\nmeasured on ${trackerCosts.measured}\n${warnings.map((line) => `${line}\n`).join('')}`)
}

function warningsOf({ symbols, updates }: PlannedLoad, queue: number): string[] {
  const { symbols: mostSymbols, updates: mostUpdates } = trackerCosts.upTo
  return [
    ...(symbols > queue ? [`--max-queue-size is ${queue}: quotes of ${symbols - queue} symbols could be dropped when all change at once`] : []),
    ...(symbols > mostSymbols || updates > mostUpdates
      ? [`measured up to ${mostSymbols} symbols and ${mostUpdates} updates/s: beyond that the errors are not known`]
      : []),
  ]
}

/** Three digits that count. */
function rounded(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2)
}
