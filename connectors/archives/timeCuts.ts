import { DAY, SECOND } from '../../core/time.ts'
import { type Segment, Spill, type SpillReader } from './spill.ts'
import { allocateRows, type Readable, translate } from './spilledRows.ts'

/** Seconds looked at: the day of the first row, the one before and the one after. */
const SECONDS = (3 * DAY) / SECOND

/** The times at which parts of at most `most` rows begin, as far as seconds are smaller than that. */
export function timeCuts(reader: SpillReader, spilled: readonly Readable[], total: number, most: number): Float64Array {
  const perSecond = new Int32Array(SECONDS)
  let base = NaN
  const largest = spilled.reduce((rows, { segments }) => Math.max(rows, ...segments.map((segment) => segment.rows)), 0)
  const into = allocateRows(Math.min(total, largest))
  for (const { segments } of spilled)
    for (const segment of segments) {
      reader.read(segment, into, 0, 'ts')
      if (Number.isNaN(base)) base = Math.floor(into.ts[0] / DAY) * DAY - DAY
      for (let i = 0; i < segment.rows; i++) perSecond[Math.floor((into.ts[i] - base) / SECOND)]++
    }
  const cuts: number[] = []
  let rows = 0
  for (const [second, n] of perSecond.entries()) {
    if (n > 0 && (cuts.length === 0 || rows + n > most)) {
      cuts.push(base + second * SECOND)
      rows = 0
    }
    rows += n
  }
  return Float64Array.from(cuts)
}

/** Rows dealt out to a file by the cuts, every part in the order they came; with what their numbers mean already applied. */
export function partition(reader: SpillReader, spilled: readonly Readable[], cuts: Float64Array, path: string, withOrigin: boolean): Segment[][] {
  const spill = new Spill(path, withOrigin)
  const parts = spill.folder('', '')
  const largest = spilled.reduce((rows, { segments }) => Math.max(rows, ...segments.map((segment) => segment.rows)), 0)
  const from = allocateRows(largest)
  for (const { from: readerOf, ids, segments } of spilled)
    for (const segment of segments) {
      reader.read(segment, from, 0)
      translate(from, 0, segment.rows, ids, readerOf, withOrigin)
      for (let i = 0; i < segment.rows; i++) {
        const pile = parts.pile(partOf(from.ts[i], cuts))
        pile.reserve(pile.n + 1)
        const { col } = pile
        const k = pile.n++
        col.ts[k] = from.ts[i]
        col.instrument[k] = from.instrument[i]
        col.price[k] = from.price[i]
        col.volume[k] = from.volume[i]
        col.oi[k] = from.oi[i]
        col.bid[k] = from.bid[i]
        col.ask[k] = from.ask[i]
        if (withOrigin) {
          col.source[k] = from.source[i]
          col.line[k] = from.line[i]
        }
      }
      spill.added(segment.rows)
    }
  spill.close()
  return Array.from(cuts, (_, part) => parts.segments.filter(({ span }) => span === part))
}

/** The last cut that is not after the time. */
function partOf(ts: number, cuts: Float64Array): number {
  let low = 0
  let high = cuts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (cuts[middle] <= ts) low = middle
    else high = middle - 1
  }
  return low
}
