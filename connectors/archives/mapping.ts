import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { messageOf, TickloomError } from '../../core/errors.ts'

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
