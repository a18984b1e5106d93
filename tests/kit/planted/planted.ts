import { z } from 'zod'
import { type Batch, sliceRows } from '../../../core/batch.ts'
import { Second, Trade } from '../../../core/market.ts'
import type { RowBuffer } from '../../../core/rowBuffer.ts'
import { MINUTE, SECOND } from '../../../core/time.ts'
import { type Topology, topology } from '../../../core/topology.ts'
import { nseCalendar } from '../../../markets/nse/calendar.ts'
import { perSecond } from '../../../operators/perSecond.ts'
import { sessionFilter } from '../../../operators/sessionFilter.ts'
import { volDelta } from '../../../operators/volDelta.ts'

/** Seconds of the day that are looked at: plants are written to be read, not to be fast. */
const OPENING = 1200

const Said = { ts: 'time', instrument: 'instrument', value: 'f64' } as const
type Said = typeof Said

/** All seconds so far, and how far they are complete: what a plant looks at, as careless code would. */
export interface Seen {
  readonly rows: Batch<Second>
  readonly until: number
  isSpot(row: number): boolean
}

/**
 * A topology whose step `planted` says `value(seen, row)` of every second, as soon as that is a number: undefined means
 * not yet. `after` plain steps, so that the first guilty one has to be told from innocent ones on both sides.
 */
export function planted(name: string, value: (seen: Seen, row: number) => number | undefined): Topology {
  return topology({
    name,
    version: 1,
    memory: 'day',
    params: z.object({}),
    inputs: { ticks: Trade },
    outputs: { said: Said },
    wire({ ticks }, at) {
      const step = at('planted')
      const after = at('after')
      const kept = step.rows('kept', { version: 1, schema: Second })
      const next = step.cells('next', { version: 1, cells: { row: 0 } })
      const out = step.scratch(Said)
      const seconds = ticks.pipe(
        sessionFilter(at('sessionFilter'), { schema: Trade, calendar: nseCalendar }),
        volDelta(at('volDelta'), { zone: nseCalendar.zone }),
        perSecond(at('perSecond'), { calendar: nseCalendar }),
      )
      const said = seconds.pipe(
        step.map<Second, Said>((batch) => {
          for (let i = 0; i < batch.n; i++) if (batch.col.second[i] < OPENING) kept.append(batch, i, i + 1)
          out.clear()
          const seen: Seen = {
            rows: kept.view(batch.watermark),
            until: batch.watermark,
            isSpot: (i) => step.instruments.contract(kept.col.instrument[i]).kind === 'spot',
          }
          for (; next.row < kept.n; next.row++) {
            const found = value(seen, next.row)
            if (found === undefined) break
            append(out, kept, next.row, found)
          }
          return out.view(batch.watermark)
        }),
        after.map<Said, Said>((batch) => sliceRows(batch, 0, batch.n, batch.watermark)),
      )
      return { said }
    },
  })
}

function append(out: RowBuffer<Said>, { col }: RowBuffer<Second>, row: number, value: number): void {
  out.reserve(out.n + 1)
  out.col.ts[out.n] = col.ts[row]
  out.col.instrument[out.n] = col.instrument[row]
  out.col.value[out.n++] = value
}

/** In how many first seconds of a minute the row's contract traded, of those that `within` lets it see. */
export function tradedAtAnchors({ rows: { n, col } }: Seen, row: number, within: (ts: number) => boolean): number {
  let times = 0
  for (let i = 0; i < n; i++) {
    const anchor = col.ts[i] % MINUTE === 0 && within(col.ts[i])
    if (anchor && col.instrument[i] === col.instrument[row] && col.observed[i] === 1) times++
  }
  return times
}

/** The spot's price at the observed second that `better` prefers, the first argument being how far ahead it is. */
export function spotAt(seen: Seen, row: number, distance: (ahead: number) => number): number {
  const { n, col } = seen.rows
  let [best, price] = [Infinity, Number.NaN]
  for (let i = Math.max(0, row - 400); i < Math.min(n, row + 400); i++) {
    if (col.observed[i] === 0 || !seen.isSpot(i)) continue
    const away = distance(col.ts[i] - col.ts[row])
    if (away < best) [best, price] = [away, col.close[i]]
  }
  return price
}

/** Mean close of the contract over the seconds from `back` before the row's to `ahead` after it. */
export function mean({ rows: { n, col } }: Seen, row: number, back: number, ahead: number): number {
  let [sum, count] = [0, 0]
  for (let i = Math.max(0, row - 200); i < Math.min(n, row + 200); i++) {
    const away = (col.ts[i] - col.ts[row]) / SECOND
    if (col.instrument[i] !== col.instrument[row] || away < -back || away > ahead) continue
    sum += col.close[i]
    count++
  }
  return sum / count
}
