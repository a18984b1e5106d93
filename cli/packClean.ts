import { type MonoTypeOperatorFunction, Subject } from 'rxjs'
import { PackedBar } from '../connectors/archives/bars/barSpill.ts'
import type { BarKeeper, Cleaner, Removed } from '../connectors/archives/cleaner.ts'
import type { Reason } from '../connectors/archives/reasons.ts'
import { Packed } from '../connectors/archives/spill.ts'
import type { Batch, Schema } from '../core/batch.ts'
import type { Calendar } from '../core/calendar.ts'
import type { Instruments } from '../core/instruments.ts'
import { dayOf } from '../core/time.ts'
import { dedup } from '../operators/dedup.ts'
import { ensureOhlc } from '../operators/ensureOhlc.ts'
import { sessionFilter } from '../operators/sessionFilter.ts'
import { Flow } from '../runtime/flow.ts'

const LINES = 3

/** Bars as rows that `dedup` takes: the price of a bar is its close. */
const PricedBar = { ...PackedBar, price: 'f64' } as const
type PricedBar = typeof PricedBar

type Origin = Schema & { readonly ts: 'time'; readonly instrument: 'instrument'; readonly source: 'i32'; readonly line: 'f64' }
type Pipe<S extends Schema> = (batch: Batch<S>) => Batch<S>

/** The operators that replay cleans with, run over what is about to be packed. */
export function operatorCleaner(calendar: Calendar): Cleaner & BarKeeper {
  const opens = firstOpens(calendar)
  let ticks: { filter: Pipe<Packed>; dedup: Pipe<Packed> } | undefined
  let bars: { filter: Pipe<PricedBar>; dedup: Pipe<PricedBar>; mend: Pipe<PricedBar> } | undefined
  return {
    clean(rows, instruments) {
      if (ticks === undefined) {
        const flow = new Flow({ instruments, timed: false })
        ticks = {
          filter: through(sessionFilter(flow.at('sessionFilter'), { schema: Packed, calendar })),
          dedup: through(dedup(flow.at('dedup'), { schema: Packed })),
        }
      }
      const gone = new Gone<Packed>(opens)
      const kept = gone.clean(rows, ticks, ['price', 'volume'])
      return { kept, removed: gone.all() }
    },
    keepBars(rows, instruments, clean) {
      bars ??= wireBars(calendar, instruments)
      const priced = { ...rows, col: { ...rows.col, price: rows.col.close } }
      const gone = new Gone<PricedBar>(opens)
      const kept = clean ? gone.clean(priced, bars, ['open', 'high', 'low', 'close', 'volume']) : priced
      const mended = bars.mend(kept)
      gone.changed(kept, mended, ['open', 'high', 'low'], 'repaired')
      return { kept: mended, removed: gone.all() }
    },
  }
}

function wireBars(calendar: Calendar, instruments: Instruments) {
  const flow = new Flow({ instruments, timed: false })
  return {
    filter: through(sessionFilter(flow.at('sessionFilter'), { schema: PricedBar, calendar })),
    dedup: through(dedup(flow.at('dedup'), { schema: PricedBar })),
    mend: through(ensureOhlc<PricedBar>(flow.at('ensureOhlc'))),
  }
}

/** When the first session of a time's day opens, in any segment; never on a day without one. */
function firstOpens(calendar: Calendar): (ts: number) => number {
  const known = new Map<number, number>()
  return (ts) => {
    const day = dayOf(ts, calendar.zone)
    let open = known.get(day)
    if (open === undefined) {
      open = Math.min(...calendar.segments.flatMap((_, segment) => calendar.sessions(day, segment).map((session) => session.open)))
      known.set(day, open)
    }
    return open
  }
}

function through<S extends Schema>(operator: MonoTypeOperatorFunction<Batch<S>>): Pipe<S> {
  const input = new Subject<Batch<S>>()
  let output: Batch<S> | undefined
  operator(input).subscribe((batch) => {
    output = batch
  })
  return (batch) => {
    input.next(batch)
    return output as Batch<S>
  }
}

/** Rows of a batch that are not in what came of it, or not as they were; both are in one order. */
class Gone<S extends Origin> {
  readonly #found = new Map<string, { source: number; reason: Reason; rows: number; lines: number[] }>()
  readonly #opens: (ts: number) => number

  constructor(opens: (ts: number) => number) {
    this.#opens = opens
  }

  clean(
    rows: Batch<S>,
    { filter, dedup: single }: { readonly filter: Pipe<S>; readonly dedup: Pipe<S> },
    compared: readonly (keyof S & string)[],
  ): Batch<S> {
    const inSession = filter(rows)
    this.offSession(rows, inSession)
    // An operator's output is lent until its next batch, and dedup's input is that of this call alone.
    const kept = single(inSession)
    this.doubles(inSession, kept, compared)
    return kept
  }

  offSession(before: Batch<S>, after: Batch<S>): void {
    for (let i = 0, k = 0; i < before.n; i++) {
      if (isSame(before, i, after, k)) k++
      else this.#add(before, i, this.#isStale(before, i) ? 'stale_pre_open' : 'off_session')
    }
  }

  /** Before the day's first session, with a price whose trade was on an earlier day. */
  #isStale({ col }: Batch<S>, row: number): boolean {
    return col.line[row] < 0 && col.ts[row] < this.#opens(col.ts[row])
  }

  doubles(before: Batch<S>, after: Batch<S>, compared: readonly (keyof S & string)[]): void {
    const kept = new Map<number, number>()
    const columns = compared.map((name) => before.col[name])
    for (let i = 0, k = 0; i < before.n; i++) {
      const instrument = before.col.instrument[i]
      if (isSame(before, i, after, k)) {
        kept.set(instrument, i)
        k++
        continue
      }
      const first = kept.get(instrument)
      const differs = first !== undefined && columns.some((column) => !Object.is(column[i], column[first]))
      this.#add(before, i, differs ? 'conflict' : 'duplicate')
    }
  }

  changed(before: Batch<S>, after: Batch<S>, compared: readonly (keyof S & string)[], reason: Reason): void {
    if (before === after) return
    for (let i = 0; i < before.n; i++) if (compared.some((name) => !Object.is(before.col[name][i], after.col[name][i]))) this.#add(before, i, reason)
  }

  all(): Removed[] {
    return [...this.#found.values()]
  }

  #add({ col }: Batch<S>, row: number, reason: Reason): void {
    const source = col.source[row]
    const key = `${reason} ${source}`
    let found = this.#found.get(key)
    if (found === undefined) this.#found.set(key, (found = { source, reason, rows: 0, lines: [] }))
    found.rows++
    if (found.lines.length < LINES) found.lines.push(Math.abs(col.line[row]))
  }
}

function isSame<S extends Origin>(a: Batch<S>, i: number, b: Batch<S>, k: number): boolean {
  return k < b.n && a.col.source[i] === b.col.source[k] && a.col.line[i] === b.col.line[k]
}
