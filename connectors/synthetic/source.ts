import { setImmediate } from 'node:timers/promises'
import { emptyBatch, sliceRows } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import type { Instruments } from '../../core/instruments.ts'
import { Tick } from '../../core/market.ts'
import type { Delivery, Partition, Position, Source } from '../../core/ports.ts'
import { formatDate, IST, parseDate, startOfDay } from '../../core/time.ts'
import { MarketDay } from './market.ts'
import { type MarketOptions, SyntheticOptions } from './options.ts'

const DELIVERY = 8192

/** The options checked and filled in. Throws OPTION_INVALID naming the option. */
export function parseSyntheticOptions(options: SyntheticOptions): MarketOptions {
  const parsed = SyntheticOptions.safeParse(options)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const option = issue.path.join('.')
  throw new TickloomError('OPTION_INVALID', `synthetic option ${option}: ${issue.message}`, { option })
}

/** The weekdays the options ask for, as day numbers. */
export function syntheticDays({ from, days }: MarketOptions): number[] {
  const found: number[] = []
  for (let day = parseDate(from); found.length < days; day++) {
    const weekday = new Date(day * 86_400_000).getUTCDay()
    if (weekday !== 0 && weekday !== 6) found.push(day)
  }
  return found
}

/**
 * A made-up market as a source: a partition a date, a position `{ rows }`. It resumes by making the rows again.
 *
 * Rows may be late, so until the last delivery, which is empty, the watermark promises no more than the day's start.
 */
export function syntheticSource({ instruments, ...given }: SyntheticOptions & { readonly instruments: Instruments }): Source<Tick> {
  const options = parseSyntheticOptions(given)
  const days = new Map(syntheticDays(options).map((day) => [formatDate(day), day]))
  return {
    partitions: async () => [...days.keys()].map((name): Partition => ({ name })),
    open(partition, from, signal) {
      const day = days.get(partition)
      if (day === undefined) throw new TickloomError('OPTION_INVALID', `no day ${partition}; there are ${[...days.keys()].join(', ')}`, { partition })
      return deliver(new MarketDay(options, day, instruments), day, rowsOf(from), signal)
    },
    close: async () => undefined,
  }
}

async function* deliver(market: MarketDay, day: number, skip: number, signal: AbortSignal): AsyncGenerator<Delivery<Tick>> {
  const start = startOfDay(day, IST)
  let [behind, ends] = [0, false]
  while (!ends) {
    // Lets timers and an abort in between two deliveries: making rows never waits.
    await setImmediate(undefined, { signal })
    while (market.rows.n < DELIVERY && !ends) ends = !market.advance()
    const skipped = Math.min(market.rows.n, skip - behind)
    if (skipped > 0) {
      market.rows.dropFirst(skipped)
      behind += skipped
    }
    const rows = Math.min(market.rows.n, DELIVERY)
    if (rows === 0) continue
    const base = behind
    yield { batch: sliceRows(market.rows.view(start), 0, rows, start), after: (n) => ({ rows: base + n }) }
    market.rows.dropFirst(rows)
    behind += rows
    if (market.rows.n > 0) ends = false
  }
  signal.throwIfAborted()
  yield { batch: emptyBatch(Tick, startOfDay(day + 1, IST)), after: () => ({ rows: behind }) }
}

function rowsOf(from: Position | undefined): number {
  if (from === undefined) return 0
  if (typeof from === 'object' && typeof from['rows'] === 'number') return from['rows']
  throw new TickloomError('CHECKPOINT_CORRUPT', `not a position of a synthetic source: ${JSON.stringify(from)}`, { position: from })
}
