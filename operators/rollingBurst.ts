import type { OperatorFunction } from 'rxjs'
import { abreast } from '../core/abreast.ts'
import { type Batch, type Columns, withColumns } from '../core/batch.ts'
import { TickloomError } from '../core/errors.ts'
import type { Second } from '../core/market.ts'
import type { Step } from '../core/step.ts'
import { f64, i32, type Table } from '../core/table.ts'
import { isNewDay, SECOND } from '../core/time.ts'

const Rolled = { burst: 'f64', baseline: 'f64' } as const

export interface RollingBurstOptions {
  /** W: length of the burst window, whole seconds. */
  readonly window: number
  /** A: length of the baseline, whole seconds, at least W. */
  readonly baseline: number
}

/**
 * What traded over the last W seconds, beside what usually trades over W seconds.
 *
 *     burst(s)    = sum of vol over (s - W, s]
 *     baseline(s) = (sum of vol over (s - A, s]) / A * W     the same unit; NaN until A seconds of the session have passed
 *
 * Seconds before an instrument's first row of the session count as 0. Both start anew with every session.
 *
 * Takes perSecond's rows. Rows: one out per row in, in order, with the columns it came with. State: an instrument's last A volumes and both sums
 * as they are, so that a restored sum is the same to the last bit.
 */
export function rollingBurst<S extends Second>(
  step: Step,
  { window, baseline }: RollingBurstOptions,
): OperatorFunction<Batch<S>, Batch<S & typeof Rolled>> {
  if (!Number.isInteger(window) || !Number.isInteger(baseline) || window < 1 || baseline < window) {
    throw new TickloomError(
      'PARAMETER_INVALID',
      `${step.id}: window and baseline are whole seconds with 1 <= window <= baseline, not ${window} and ${baseline}`,
      { step: step.id },
    )
  }
  const sums = step.table('sums', { version: 1, fields: fieldsOf(baseline) })
  const day = step.cells('day', { version: 1, cells: { open: -Infinity } })
  const out = step.scratch(Rolled)
  const level: Level = { opened: NaN, second: NaN, slots: 0 }
  step.onRestore(() => {
    level.opened = NaN
  })

  return step.map<S, S & typeof Rolled>((given) => {
    const batch = given as unknown as Batch<Second>
    out.reserve(batch.n)
    for (let from = 0; from < batch.n; ) {
      const opened = batch.col.ts[from] - batch.col.second[from] * SECOND
      if (isNewDay(opened, day.open)) {
        sums.clear()
        day.open = opened
        level.opened = NaN
      }
      const second = batch.col.second[from]
      if (level.opened !== opened || level.second !== second - 1) survey(sums, level, opened, second - 1)
      const rows = Math.min(abreast(batch, from, sums), level.slots)
      if (rows > 0) rollTogether(batch, from, rows, sums, out.col, window, baseline)
      const next = rollEach(batch, from, from + rows, opened, sums, out.col, window, baseline)
      level.second = next === from + rows ? second : NaN
      level.slots = rows
      from = next
    }
    return withColumns(given, { burst: out.col.burst, baseline: out.col.baseline })
  })
}

type Sums = Table<ReturnType<typeof fieldsOf>>
const fieldsOf = (baseline: number) => ({ ring: f64(0, baseline), short: f64(0), long: f64(0), open: f64(NaN), last: i32(-1) })

/**
 * What the table's slots have in common: the first `slots` of them stand at one second of one session. A cache of the
 * table, no state: unknown (NaN) after anything but their moving on together, and then surveyed.
 */
interface Level {
  opened: number
  second: number
  slots: number
}

function survey(sums: Sums, level: Level, opened: number, second: number): void {
  const { open, last } = sums.col
  let k = 0
  while (k < sums.size && last[k] === second && open[k] === opened) k++
  level.opened = opened
  level.second = second
  level.slots = k
}

/** Rolls on over the rows of one second that stand abreast of the slots 0, 1, 2 ..., all of them at the second before. */
function rollTogether(
  batch: Batch<Second>,
  from: number,
  rows: number,
  sums: Sums,
  out: Columns<typeof Rolled>,
  window: number,
  length: number,
): void {
  const { vol, second } = batch.col
  const { ring, short, long, last } = sums.col
  const { burst, baseline } = out
  const s = second[from]
  const now = (s % length) * sums.stride
  const old = ((s - window + length) % length) * sums.stride
  for (let k = 0; k < rows; k++) {
    const v = vol[from + k]
    const sum = short[k] + (v - ring[old + k])
    const whole = long[k] + (v - ring[now + k])
    short[k] = sum
    long[k] = whole
    ring[now + k] = v
    burst[from + k] = sum
    baseline[from + k] = (whole / length) * window
  }
  if (s + 1 < length) baseline.fill(NaN, from, from + rows)
  last.fill(s, 0, rows)
}

/** Rolls on over the rows from `from` on that are of the second of row `of`, wherever their slots are; returns the first row of another. */
function rollEach(
  batch: Batch<Second>,
  of: number,
  from: number,
  opened: number,
  sums: Sums,
  out: Columns<typeof Rolled>,
  window: number,
  length: number,
): number {
  const { ts, instrument, second, vol } = batch.col
  const { burst, baseline } = out
  const t = ts[of]
  const s = second[of]
  let i = from
  for (; i < batch.n && ts[i] === t && second[i] === s; i++) {
    const k = sums.slot(instrument[i])
    const { ring, short, long, open, last } = sums.col
    if (open[k] !== opened || last[k] !== s - 1) catchUp(sums, k, opened, s, window, length)
    const now = (s % length) * sums.stride + k
    const v = vol[i]
    short[k] += v - ring[((s - window + length) % length) * sums.stride + k]
    long[k] += v - ring[now]
    ring[now] = v
    last[k] = s
    burst[i] = short[k]
    baseline[i] = s + 1 >= length ? (long[k] / length) * window : NaN
  }
  return i
}

/** Brings an instrument to the second before s: a new session begins with nothing traded, a missing second had no volume. */
function catchUp(sums: Sums, k: number, opened: number, s: number, window: number, length: number): void {
  const { ring, short, long, open, last } = sums.col
  const { stride } = sums
  if (open[k] !== opened) {
    for (let j = 0; j < length; j++) ring[j * stride + k] = 0
    short[k] = 0
    long[k] = 0
    open[k] = opened
    last[k] = s - 1
  }
  for (let missing = last[k] + 1; missing < s; missing++) {
    const now = (missing % length) * stride + k
    short[k] -= ring[((missing - window + length) % length) * stride + k]
    long[k] -= ring[now]
    ring[now] = 0
  }
}
