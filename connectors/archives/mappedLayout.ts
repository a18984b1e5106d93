import { IST, UTC } from '../../core/time.ts'
import type { Layout, Meaning } from './layout.ts'
// Types only: a packing process does not load what reads and checks YAML.
import type { Mapping } from './mapping.ts'

const unitOf = { s: 1_000_000, ms: 1000, us: 1 } as const

/** The layout that the mapping means for a member whose first line is given; a text says what is missing. */
export function layoutOfMapping(mapping: Mapping, firstLine: string): Layout | string {
  const cells = firstLine
    .replace(/^\uFEFF/, '')
    .split(mapping.separator)
    .map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'))
  const meanings: Meaning[] = []
  let least = 0
  for (const [meaning, at] of Object.entries(mapping.columns) as [Meaning, string | number | undefined][]) {
    if (at === undefined) continue
    const index = typeof at === 'number' ? at - 1 : cells.indexOf(at)
    if (index < 0) return `there is no column "${at}"`
    // A bar's own close stands where a tick's price does.
    meanings[index] = meaning === 'close' ? 'price' : meaning
    if (index + 1 > least) least = index + 1
  }
  return {
    rows: mapping.columns.price === undefined ? 'bars' : 'ticks',
    format: 'csv',
    columns: Array.from(meanings, (meaning) => meaning ?? 'skip'),
    headings: mapping.header ? 1 : 0,
    least,
    most: Infinity,
    separator: mapping.separator.charCodeAt(0),
    dateOrder: mapping.dates,
    epochUnit: unitOf[mapping.unit],
    market: mapping.market,
    zone: mapping.zone === undefined ? undefined : mapping.zone === 'UTC' ? UTC : IST,
    volume: mapping.volume,
    instrument:
      mapping.columns.name !== undefined
        ? { from: 'column' }
        : mapping.instrument !== undefined
          ? { from: 'fixed', name: mapping.instrument }
          : { from: 'member' },
  }
}
