import { Subject } from 'rxjs'
import type { Cleaner, Removed } from '../connectors/archives/cleaner.ts'
import type { Reason } from '../connectors/archives/reasons.ts'
import { Packed } from '../connectors/archives/spill.ts'
import type { Batch } from '../core/batch.ts'
import type { Calendar } from '../core/calendar.ts'
import type { Instruments } from '../core/instruments.ts'
import { dedup } from '../operators/dedup.ts'
import { sessionFilter } from '../operators/sessionFilter.ts'
import { Flow } from '../runtime/flow.ts'

const LINES = 3

/** The operators that replay cleans with, run over what is about to be packed. */
export function operatorCleaner(calendar: Calendar): Cleaner {
  let pipes: { filter(batch: Batch<Packed>): Batch<Packed>; dedup(batch: Batch<Packed>): Batch<Packed> } | undefined
  return {
    clean(rows, instruments) {
      pipes ??= wire(calendar, instruments)
      const inSession = pipes.filter(rows)
      const gone = new Gone()
      gone.offSession(rows, inSession)
      // An operator's output is lent until its next batch, and dedup's input is that of this call alone.
      const kept = pipes.dedup(inSession)
      gone.doubles(inSession, kept)
      return { kept, removed: gone.all() }
    },
  }
}

function wire(calendar: Calendar, instruments: Instruments) {
  const flow = new Flow({ instruments, timed: false })
  const through = (operator: ReturnType<typeof dedup<Packed>>) => {
    const input = new Subject<Batch<Packed>>()
    let output: Batch<Packed> | undefined
    operator(input).subscribe((batch) => {
      output = batch
    })
    return (batch: Batch<Packed>): Batch<Packed> => {
      input.next(batch)
      return output as Batch<Packed>
    }
  }
  return {
    filter: through(sessionFilter(flow.at('sessionFilter'), { schema: Packed, calendar })),
    dedup: through(dedup(flow.at('dedup'), { schema: Packed })),
  }
}

/** Rows of a batch that are not in what came of it; both are in one order. */
class Gone {
  readonly #found = new Map<string, { source: number; reason: Reason; rows: number; lines: number[] }>()

  offSession(before: Batch<Packed>, after: Batch<Packed>): void {
    for (let i = 0, k = 0; i < before.n; i++) {
      if (isSame(before, i, after, k)) k++
      else this.#add(before, i, 'off_session')
    }
  }

  doubles(before: Batch<Packed>, after: Batch<Packed>): void {
    const kept = new Map<number, number>()
    for (let i = 0, k = 0; i < before.n; i++) {
      const instrument = before.col.instrument[i]
      if (isSame(before, i, after, k)) {
        kept.set(instrument, i)
        k++
        continue
      }
      const first = kept.get(instrument)
      const { price, volume } = before.col
      const differs = first !== undefined && !(Object.is(price[i], price[first]) && Object.is(volume[i], volume[first]))
      this.#add(before, i, differs ? 'conflict' : 'duplicate')
    }
  }

  all(): Removed[] {
    return [...this.#found.values()]
  }

  #add({ col }: Batch<Packed>, row: number, reason: Reason): void {
    const source = col.source[row]
    const key = `${reason} ${source}`
    let found = this.#found.get(key)
    if (found === undefined) this.#found.set(key, (found = { source, reason, rows: 0, lines: [] }))
    found.rows++
    if (found.lines.length < LINES) found.lines.push(col.line[row])
  }
}

function isSame(a: Batch<Packed>, i: number, b: Batch<Packed>, k: number): boolean {
  return k < b.n && a.col.source[i] === b.col.source[k] && a.col.line[i] === b.col.line[k]
}
