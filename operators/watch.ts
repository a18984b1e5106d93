import type { OperatorFunction } from 'rxjs'
import { Alert, type WatchRule, watchedColumns } from '../core/alerts.ts'
import type { Batch, Schema } from '../core/batch.ts'
import { TickloomError } from '../core/errors.ts'
import type { Instruments } from '../core/instruments.ts'
import type { RowBuffer } from '../core/rowBuffer.ts'
import type { Step } from '../core/step.ts'
import { f64 } from '../core/table.ts'
import { SECOND } from '../core/time.ts'
import { usual, watchRules, wayOf } from '../core/watchRules.ts'
import { BurstWatch } from './watchBurst.ts'
import { ChangeWatch } from './watchChange.ts'
import type { Watch } from './watchEdge.ts'
import { LevelWatch } from './watchLevel.ts'
import { selects } from './watchSelection.ts'

export interface WatchOptions<S extends Schema> {
  readonly schema: S
  readonly rules: readonly WatchRule[]
}

interface Watched {
  readonly watch: Watch
  readonly column: string
  readonly cooldown: number
  readonly selected: (id: number) => boolean
}

/**
 * Alerts where a rule (core/alerts.ts) comes to be true of an instrument: once, and again only after it was not true.
 *
 *     above 100, rearm 95    90    101    99    102    94    -    103
 *     true                   no    yes    yes   yes    no    no   yes
 *     alert                        yes                            yes, if `cooldown` is over
 *
 * A rule that is true of the first row of an instrument is an alert too. What is missing (NaN) changes nothing. Rows
 * older than the newest of their instrument are passed over.
 *
 * Takes rows in the order of arrival. Rows: one out per alert, rows in order, of one row by the order of the rules. Counted:
 * `cooldown`, alerts that were too near the one before; `late`. State: per rule and instrument what its kind of rule
 * needs, and when the newest row was. Throws PARAMETER_INVALID for a rule that is none or watches a column not there.
 */
export function watch<S extends Schema & { ts: 'time'; instrument: 'instrument' }>(
  step: Step,
  { schema, rules }: WatchOptions<S>,
): OperatorFunction<Batch<S>, Batch<Alert>> {
  const newest = step.table('newest', { version: 1, fields: { ts: f64(-Infinity) } })
  const watched = watchRules(rules).map((rule) => watchedBy(step, rule, schema))
  const late = step.counter('late')
  const tooNear = step.counter('cooldown')
  const out = step.scratch(Alert)

  return step.map<S, Alert>((batch) => {
    out.clear()
    const { ts, instrument } = batch.col as unknown as Batch<{ ts: 'time'; instrument: 'instrument' }>['col']
    const columns = watched.map(({ column }) => batch.col[column] as Float64Array)
    newest.admit(instrument, batch.n)
    for (let i = 0; i < batch.n; i++) {
      const id = instrument[i]
      const t = ts[i]
      const k = newest.slotOf[id]
      if (!(t >= newest.col.ts[k]) || t === Infinity) {
        late.add(1)
        continue
      }
      newest.col.ts[k] = t
      for (let r = 0; r < watched.length; r++) {
        const { watch, selected, cooldown } = watched[r]
        if (!selected(id) || !watch.look(id, t, columns[r][i])) continue
        if (watch.fire(id, t, cooldown)) write(out, t, id, r, watch)
        else tooNear.add(1)
      }
    }
    return out.view(batch.watermark)
  })
}

function write(out: RowBuffer<Alert>, ts: number, instrument: number, rule: number, { what, value, bound, reference }: Watch): void {
  out.reserve(out.n + 1)
  const n = out.n++
  out.col.ts[n] = ts
  out.col.instrument[n] = instrument
  out.col.rule[n] = rule
  out.col.what[n] = what
  out.col.value[n] = value
  out.col.bound[n] = bound
  out.col.reference[n] = reference
}

function watchedBy(step: Step, rule: WatchRule, schema: Schema): Watched {
  const way = wayOf(rule)
  const column = watchedColumns[way === 'burst' ? 'volume' : (rule.column ?? 'last')]
  if (schema[column] !== 'f64')
    throw new TickloomError('PARAMETER_INVALID', `rule "${rule.name}" watches ${rule.column ?? 'volume'}, which is not among what comes in`, {
      rule: rule.name,
      column,
    })
  const watch =
    way === 'burst' ? new BurstWatch(step, rule) : way === 'above' || way === 'below' ? new LevelWatch(step, rule) : new ChangeWatch(step, rule)
  return { watch, column, cooldown: (rule.cooldown ?? usual.cooldown) * SECOND, selected: remembered(step.instruments, rule) }
}

/** Whether the rule is for an instrument, read from its name once. */
function remembered(instruments: Instruments, rule: WatchRule): (id: number) => boolean {
  const matches = selects(rule)
  const [UNKNOWN, YES, NO] = [0, 1, 2]
  let known = new Uint8Array(64)
  return (id) => {
    if (id >= known.length) {
      const grown = new Uint8Array(Math.max(id + 1, known.length * 2))
      grown.set(known)
      known = grown
    }
    if (known[id] === UNKNOWN) known[id] = matches(instruments.contract(id)) ? YES : NO
    return known[id] === YES
  }
}
