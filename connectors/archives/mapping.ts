import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { messageOf, TickloomError } from '../../core/errors.ts'
import { IST, UTC } from '../../core/time.ts'
import type { Layout, Meaning } from './layout.ts'

const column = z.union([z.string().min(1), z.number().int().min(1)])
const columns = z.strictObject({
  price: column.optional(),
  open: column.optional(),
  high: column.optional(),
  low: column.optional(),
  close: column.optional(),
  name: column.optional(),
  datetime: column.optional(),
  date: column.optional(),
  time: column.optional(),
  epoch: column.optional(),
  volume: column.optional(),
  oi: column.optional(),
  bid: column.optional(),
  ask: column.optional(),
})

const Shape = z.strictObject({
  header: z.boolean().default(true),
  separator: z.enum([',', ';', '|', '\t']).default(','),
  columns,
  dates: z.enum(['ymd', 'dmy']).default('ymd'),
  unit: z.enum(['s', 'ms', 'us']).default('us'),
  market: z.enum(['nse', 'bybit']).default('nse'),
  zone: z.enum(['IST', 'UTC']).optional(),
  volume: z.enum(['cumulative', 'quantity']).default('cumulative'),
  instrument: z.string().min(1).optional(),
})

/** How a plain CSV is to be read; columns by heading, or by number from 1. */
export type Mapping = z.infer<typeof Shape>

/** A mapping from its YAML. Throws OPTION_INVALID naming the file and what is wrong. */
export function readMapping(path: string): Mapping {
  const wrong = (message: string, cause?: unknown): TickloomError =>
    new TickloomError('OPTION_INVALID', `${path}: ${message}`, { option: '--mapping', file: path }, cause)
  let content: unknown
  try {
    content = parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw wrong(messageOf(cause), cause)
  }
  const read = Shape.safeParse(content)
  if (!read.success) throw wrong(read.error.issues.map((issue) => `${issue.path.join('.') || 'the whole'}: ${issue.message}`).join('; '))
  const { date, time, datetime, epoch } = read.data.columns
  const ways = [datetime !== undefined, epoch !== undefined, date !== undefined && time !== undefined].filter(Boolean).length
  if (ways !== 1 || (date === undefined) !== (time === undefined)) throw wrong('columns: give datetime, or epoch, or date and time')
  const { price, open, high, low, close, bid, ask } = read.data.columns
  const prices = [open, high, low, close].filter((at) => at !== undefined).length
  if (price === undefined ? prices !== 4 : prices > 0)
    throw wrong('columns: give price, the last traded price, for ticks, or open, high, low and close for bars')
  if (price === undefined && (bid !== undefined || ask !== undefined)) throw wrong('columns: bars have no bid or ask')
  if (!read.data.header && Object.values(read.data.columns).some((at) => typeof at === 'string'))
    throw wrong('columns: without a header they are numbers, from 1')
  return read.data
}

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
