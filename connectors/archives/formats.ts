import { UTC } from '../../core/time.ts'
import { COMMA, type Layout, type Meaning } from './layout.ts'

/** The formats that --format may name. */
export const formats = ['gdfl', 'truedata', 'kite', 'tardis', 'csv'] as const
export type FormatName = (typeof formats)[number]

const common = { rows: 'ticks', headings: 1, separator: COMMA, dateOrder: 'ymd', epochUnit: 1, market: 'nse', zone: undefined } as const

/** What the headings of a vendor mean; every other column is skipped. */
const meanings: Readonly<Record<'gdfl' | 'gdflBars' | 'kite' | 'tardis', Readonly<Record<string, Meaning>>>> = {
  gdfl: { ticker: 'name', date: 'date', time: 'time', ltp: 'price', ltq: 'volume', openinterest: 'oi', buyprice: 'bid', sellprice: 'ask' },
  gdflBars: {
    ticker: 'name',
    date: 'date',
    time: 'time',
    open: 'open',
    high: 'high',
    low: 'low',
    close: 'price',
    volume: 'volume',
    openinterest: 'oi',
  },
  // `close` is yesterday's: it is read to be compared with the price, and never packed.
  kite: {
    timestamp: 'datetime',
    lasttradetime: 'traded',
    last_trade_time: 'traded',
    price: 'price',
    ltp: 'price',
    last_price: 'price',
    volume: 'volume',
    volume_traded: 'volume',
    oi: 'oi',
    bp0: 'bid',
    sp0: 'ask',
    close: 'close',
  },
  tardis: {
    symbol: 'name',
    timestamp: 'epoch',
    price: 'price',
    amount: 'volume',
    last_price: 'price',
    open_interest: 'oi',
    bid_price: 'bid',
    ask_price: 'ask',
  },
}

const truedataColumns: readonly Meaning[] = ['date', 'time', 'price', 'volume', 'oi', 'bid', 'skip', 'ask', 'skip']

/** Layout of a member by its first line; undefined when it is none that is known, a text says what it is instead. */
export function layoutOf(firstLine: string, forced?: FormatName): Layout | string | undefined {
  const cells = firstLine.split(',').map((cell) => cell.trim().replaceAll('"', '').toLowerCase().replaceAll(' ', ''))
  const has = (...names: string[]): boolean => names.every((name) => cells.includes(name))
  if ((forced === undefined || forced === 'truedata') && /^\d{8},\d\d?:\d\d:\d\d(?:\.\d+)?,/.test(firstLine)) return truedata(cells.length)
  if (forced === undefined || forced === 'gdfl') {
    if (has('ticker', 'date', 'time', 'ltp')) return gdfl(cells, meanings.gdfl, 'ticks')
    if (has('ticker', 'date', 'time', 'open', 'high', 'low', 'close')) return gdfl(cells, meanings.gdflBars, 'bars')
  }
  if ((forced === undefined || forced === 'tardis') && has('exchange', 'symbol', 'timestamp', 'local_timestamp')) return tardis(cells)
  const either = (...names: string[]): boolean => names.some((name) => cells.includes(name))
  if ((forced === undefined || forced === 'kite') && has('timestamp') && either('price', 'ltp', 'last_price'))
    if (forced !== undefined || either('volume', 'volume_traded')) return kite(cells)
  return forced === 'truedata' ? truedata(9) : undefined
}

function columnsOf(cells: readonly string[], of: Readonly<Record<string, Meaning>>): Meaning[] {
  const seen = new Set<Meaning>()
  return cells.map((cell) => {
    const meaning = of[cell] ?? 'skip'
    if (meaning === 'skip' || seen.has(meaning)) return 'skip'
    seen.add(meaning)
    return meaning
  })
}

function gdfl(cells: readonly string[], of: Readonly<Record<string, Meaning>>, rows: Layout['rows']): Layout {
  const columns = columnsOf(cells, of)
  return {
    ...common,
    rows,
    format: 'gdfl',
    columns,
    least: cells.length,
    most: cells.length,
    dateOrder: 'dmy',
    volume: 'quantity',
    instrument: { from: 'column' },
  }
}

/** An index has five columns; whichever the first line has, a row may have either. */
function truedata(columns: number): Layout | string {
  if (columns < 5) return `${columns} columns of TrueData, where there are 5 or 9`
  return {
    ...common,
    format: 'truedata',
    columns: truedataColumns,
    headings: 0,
    least: 5,
    most: 9,
    volume: 'quantity',
    instrument: { from: 'member' },
  }
}

function kite(cells: readonly string[]): Layout {
  const columns = columnsOf(cells, meanings.kite)
  const least = columns.reduce((last, meaning, i) => (meaning === 'skip' || meaning === 'close' || meaning === 'traded' ? last : i + 1), 0)
  return { ...common, format: 'kite', columns, least, most: cells.length, volume: 'cumulative', instrument: { from: 'member' } }
}

/** Trades have amounts to be summed up; a chain of options has no volume at all. */
function tardis(cells: readonly string[]): Layout | string {
  const columns = columnsOf(cells, meanings.tardis)
  if (!columns.includes('price')) return 'neither trades nor options_chain of Tardis'
  return {
    ...common,
    format: 'tardis',
    columns,
    least: cells.length,
    most: cells.length,
    zone: UTC,
    market: 'bybit',
    volume: 'quantity',
    instrument: { from: 'column' },
  }
}
