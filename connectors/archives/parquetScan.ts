import type { DuckDBDataChunk } from '@duckdb/node-api'
import { identifier } from '../parquet/duck.ts'
import { valuesOf } from '../parquet/readDuck.ts'
import { BLOCK, type Block, blockOf, type Receiver } from './block.ts'
import { Clock } from './clock.ts'
import type { Layout, Meaning } from './layout.ts'
import type { ParquetColumn, ParquetFile } from './parquetFile.ts'
import { Damage } from './reasons.ts'
import { slots } from './slots.ts'

/** Numbers that are missing, written as a text. */
const MISSING = "('', 'null', 'nan', 'none', 'n/a', 'na', 'nil', '-')"
const NUMBER = /^(?:(?:U?(?:TINY|SMALL|BIG|HUGE)INT)|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\))$/
const TIMESTAMP = /^(TIMESTAMP(?:_S|_MS|_NS)?|DATE)$/

/** What is asked of the file, and where in the answer it stands. */
export interface ParquetPlan {
  readonly layout: Layout
  readonly expressions: readonly string[]
  /** What a sample says of a row: columns of the file, and where in the answer they are. */
  readonly shown: readonly (readonly [name: string, at: number])[]
  /** Places in the answer: of the block's numbers, of the rest; below 0 where there is none. */
  readonly numbers: readonly number[]
  readonly us: number
  readonly date: number
  readonly time: number
  readonly name: number
  readonly bad: number
  /** 1 where the last trade was on an earlier day. */
  readonly stale: number
  /** Whether `us` names no zone. */
  readonly naive: boolean
}

/** How a file of these columns is read; a text says why it cannot be. */
export function planParquet(columns: readonly ParquetColumn[], layout: Layout): ParquetPlan | string {
  const of = (meaning: Meaning): ParquetColumn | undefined => columns[layout.columns.indexOf(meaning)]
  const expressions: string[] = []
  const shown: [string, number][] = []
  const ask = (expression: string, show?: string): number => {
    const at = expressions.push(expression) - 1
    if (show !== undefined) shown.push([show, at])
    return at
  }
  const bad: string[] = []
  const numbers: number[] = []
  for (const [slot, meanings] of slots.entries()) {
    const column = meanings.map(of).find((found) => found !== undefined)
    if (column === undefined) continue
    const number = numberOf(column, bad)
    if (number === undefined) return `its column "${column.name}" is a ${column.type}, which is no number`
    const isText = column.type === 'VARCHAR'
    numbers[slot] = ask(number, isText ? undefined : column.name)
    if (isText) ask(identifier(column.name), column.name)
  }
  const clock = clockOf(of, layout)
  if (typeof clock === 'string') return clock
  const name = of('name')
  const plan = {
    layout,
    numbers: Array.from(slots, (_, slot) => numbers[slot] ?? -1),
    us: clock.us === undefined ? -1 : ask(`coalesce((${clock.us})::DOUBLE, 'nan'::DOUBLE)`, 'us'),
    date: clock.date === undefined ? -1 : ask(clock.date, 'time'),
    time: clock.time === undefined ? -1 : ask(clock.time, 'of day'),
    naive: clock.naive,
    name: name === undefined ? -1 : ask(`${identifier(name.name)}::VARCHAR`, name.name),
    bad: bad.length === 0 ? -1 : ask(`(${bad.join(' OR ')})::INTEGER`),
  }
  const stale = staleOf(of)
  return { ...plan, stale: stale === undefined ? -1 : ask(stale), expressions, shown }
}

/** A column as DOUBLE, NaN where it is missing; a text that is no number, and an infinite one, is `bad`. */
function numberOf({ name, type }: ParquetColumn, bad: string[]): string | undefined {
  const column = identifier(name)
  if (type === 'VARCHAR') {
    const text = `lower(trim(${column}))`
    const value = `try_cast(${text} AS DOUBLE)`
    bad.push(`coalesce(${text} NOT IN ${MISSING} AND NOT coalesce(isfinite(${value}), false), false)`)
    return `coalesce(${value}, 'nan'::DOUBLE)`
  }
  if (!NUMBER.test(type)) return undefined
  if (type === 'FLOAT' || type === 'DOUBLE') bad.push(`coalesce(isinf(${column}), false)`)
  // A float's shortest decimal is what was written into it: 100.05, not 100.05000305175781.
  if (type === 'FLOAT') return `coalesce(${column}::VARCHAR::DOUBLE, 'nan'::DOUBLE)`
  return `coalesce(${column}::DOUBLE, 'nan'::DOUBLE)`
}

interface ClockPlan {
  readonly us?: string
  readonly naive: boolean
  readonly date?: string
  readonly time?: string
}

function clockOf(of: (meaning: Meaning) => ParquetColumn | undefined, { epochUnit, dateOrder }: Layout): ClockPlan | string {
  const [epoch, datetime, date, time] = (['epoch', 'datetime', 'date', 'time'] as const).map(of)
  if (epoch !== undefined) {
    if (NUMBER.test(epoch.type)) return { us: `round(${identifier(epoch.name)}::DOUBLE * ${epochUnit})`, naive: false }
    return instantOf(epoch) ?? `its column "${epoch.name}" is a ${epoch.type}, which is no time`
  }
  if (datetime !== undefined) {
    if (datetime.type === 'VARCHAR') return { date: identifier(datetime.name), naive: true }
    return instantOf(datetime) ?? `its column "${datetime.name}" is a ${datetime.type}, which is no time`
  }
  if (date === undefined || time === undefined) return 'it has no column of times'
  const day =
    date.type === 'DATE' || date.type === 'TIMESTAMP'
      ? `strftime(${identifier(date.name)}, ${dateOrder === 'dmy' ? "'%d/%m/%Y'" : "'%Y-%m-%d'"})`
      : date.type === 'VARCHAR' || NUMBER.test(date.type)
        ? `${identifier(date.name)}::VARCHAR`
        : undefined
  if (day === undefined) return `its column "${date.name}" is a ${date.type}, which is no date`
  if (time.type !== 'VARCHAR' && time.type !== 'TIME') return `its column "${time.name}" is a ${time.type}, which is no time of day`
  return { date: day, time: `${identifier(time.name)}::VARCHAR`, naive: true }
}

/** Whether the last trade was on an earlier day, of columns that both begin with the date when they are written. */
function staleOf(of: (meaning: Meaning) => ParquetColumn | undefined): string | undefined {
  const [traded, datetime] = [of('traded'), of('datetime')]
  const isWritten = (column: ParquetColumn | undefined): column is ParquetColumn =>
    column !== undefined && (column.type === 'VARCHAR' || column.type.startsWith('TIMESTAMP') || column.type === 'DATE')
  if (!isWritten(traded) || !isWritten(datetime)) return undefined
  const day = ({ name, type }: ParquetColumn): string =>
    TIMESTAMP.test(type) ? `${identifier(name)}::DATE` : `try_cast(left(${identifier(name)}::VARCHAR, 10) AS DATE)`
  return `coalesce(${day(traded)} < ${day(datetime)}, false)::INTEGER`
}

/** A column that is a time as microseconds: a timestamp, with a zone or without, or a number since 1970 whose unit its size tells. */
function instantOf({ name, type }: ParquetColumn): ClockPlan | undefined {
  const column = identifier(name)
  if (type === 'TIMESTAMP_NS') return { us: `CASE WHEN isfinite(${column}) THEN floor(epoch_ns(${column}) / 1000) END`, naive: true }
  if (TIMESTAMP.test(type)) return { us: `CASE WHEN isfinite(${column}) THEN epoch_us(${column}::TIMESTAMP) END`, naive: true }
  if (type === 'TIMESTAMP WITH TIME ZONE') return { us: `CASE WHEN isfinite(${column}) THEN epoch_us(${column}) END`, naive: false }
  if (!NUMBER.test(type)) return undefined
  // 1990 to 2100 in s, ms, us and ns do not overlap.
  const v = `${column}::DOUBLE`
  return {
    us: `CASE WHEN ${v} < 1e10 THEN round(${v} * 1e6) WHEN ${v} < 1e13 THEN round(${v} * 1e3) WHEN ${v} < 1e16 THEN round(${v}) ELSE floor(${column} / 1000) END`,
    naive: false,
  }
}

/** Tells the receiver every row once, as the scanner of CSV does, up to the damage if there is any. */
export async function scanParquet(
  file: ParquetFile,
  plan: ParquetPlan,
  receiver: Receiver,
  offset: number,
): Promise<{ rows: number; damage: Damage | undefined }> {
  const rows = new RowsToBlocks(plan, receiver, offset)
  let damage: Damage | undefined
  try {
    for await (const piece of file.select(plan.expressions)) rows.add(piece)
  } catch (cause) {
    if (!(cause instanceof Damage)) throw cause
    damage = cause
  }
  rows.flush()
  return { rows: rows.line, damage }
}

class RowsToBlocks {
  readonly #plan: ParquetPlan
  readonly #receiver: Receiver
  readonly #clock: Clock
  readonly #shift: number
  readonly #block: Block = blockOf(BLOCK)
  readonly #into: readonly Float64Array[]
  #n = 0
  line = 0
  #name: string | undefined
  #day = NaN
  #target = NaN

  constructor(plan: ParquetPlan, receiver: Receiver, marketOffset: number) {
    const offset = plan.layout.zone?.offset ?? marketOffset
    this.#plan = plan
    this.#receiver = receiver
    this.#clock = new Clock(offset, plan.layout.dateOrder)
    this.#shift = plan.naive ? offset : 0
    const { price, volume, oi, bid, ask, close } = this.#block
    this.#into = [price, volume, oi, bid, ask, close]
  }

  add(piece: DuckDBDataChunk): void {
    const { numbers, us, date, time, name, bad, stale } = this.#plan
    const at = (column: number): Float64Array | Int32Array | undefined => (column < 0 ? undefined : valuesOf(piece, column))
    const text = (column: number, row: number): string | undefined =>
      column < 0 ? undefined : ((piece.getColumnVector(column).getItem(row) as string | null) ?? '')
    const values = numbers.map(at)
    const [price, times, flags, old] = [values[0] as Float64Array, at(us), at(bad), at(stale)]
    for (let row = 0; row < piece.rowCount; row++) {
      this.line++
      if (flags !== undefined && flags[row] !== 0) {
        this.#receiver.rejected('unparsable_line', NaN, this.line, () => this.#sample(piece, row))
        continue
      }
      if (times !== undefined) this.#clock.clear().epoch(times[row] - this.#shift)
      else this.#readTexts(text(date, row) as string, text(time, row))
      const { ts, day } = this.#clock
      if (Number.isNaN(ts)) {
        this.#receiver.rejected('bad_time', NaN, this.line, () => this.#sample(piece, row))
        continue
      }
      this.#place(text(name, row) ?? '', day)
      if (this.#target < 0) this.#receiver.refused(this.#target, day, this.line, () => this.#sample(piece, row))
      else if (!(price[row] > 0)) this.#receiver.rejected('zero_price', day, this.line, () => this.#sample(piece, row))
      else this.#put(values, row, ts, old !== undefined && old[row] !== 0)
    }
  }

  #readTexts(date: string, time: string | undefined): void {
    const clock = this.#clock.clear()
    const bytes = Buffer.from(date)
    if (time === undefined) {
      clock.dateTime(bytes, 0, bytes.length)
      return
    }
    clock.date(bytes, 0, bytes.length)
    const rest = Buffer.from(time)
    clock.time(rest, 0, rest.length)
  }

  #place(name: string, day: number): void {
    if (name === this.#name && day === this.#day) return
    this.#name = name
    this.#day = day
    this.#target = this.#receiver.target(name.trim(), day)
  }

  #put(values: readonly (Float64Array | Int32Array | undefined)[], row: number, ts: number, stale: boolean): void {
    const n = this.#n
    this.#block.ts[n] = ts
    this.#block.target[n] = this.#target
    this.#block.line[n] = stale ? -this.line : this.line
    for (let slot = 0; slot < this.#into.length; slot++) this.#into[slot][n] = values[slot]?.[row] ?? NaN
    if (++this.#n === BLOCK) this.flush()
  }

  flush(): void {
    if (this.#n > 0) this.#receiver.rows(this.#block, this.#n)
    this.#n = 0
  }

  #sample(piece: DuckDBDataChunk, row: number): string {
    return this.#plan.shown.map(([name, at]) => `${name}=${String(piece.getColumnVector(at).getItem(row))}`).join(' ')
  }
}
