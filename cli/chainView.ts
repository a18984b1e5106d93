import { type Board, VERSION } from '../connectors/board/board.ts'

/** Columns of an option's row as the page is sent it, after strike, side and time; `price` is the last trade. */
export const chainColumns = ['bid', 'ask', 'mark', 'price', 'iv', 'delta', 'gamma', 'vega', 'theta', 'oi', 'volume'] as const

/** What a board for the page keeps beside time and instrument. */
export const boardColumns: readonly string[] = [...chainColumns, 'forward']

/** The options of one underlying that end on one date. */
export interface Chain {
  readonly underlying: string
  readonly expiry: string
  /** Places on the board. */
  readonly rows: number[]
  /** Place of the future of that expiry; -1: there is none. */
  future: number
}

/** The price that strikes are near to, and what it is the price of. */
export interface Forward {
  readonly price: number
  readonly from: 'forward' | 'future' | 'spot'
}

/** The board by underlying and expiry, as text. Call `cover` before anything is asked. */
export class ChainView {
  /** Rises when a chain came or went. */
  revision = 0
  readonly #board: Board
  #chains = new Map<string, Chain>()
  #spots = new Map<string, number>()
  #generation = -1
  #covered = 0

  constructor(board: Board) {
    this.#board = board
  }

  /** Reads the names of rows that are new on the board. */
  cover(): void {
    const { generation, rows, instruments, keys } = this.#board
    if (instruments === undefined || keys === undefined) return
    if (generation !== this.#generation) {
      this.#chains = new Map()
      this.#spots = new Map()
      this.#covered = 0
      this.#generation = generation
      this.revision++
    }
    for (const ids = rows.col[keys.instrument]; this.#covered < rows.n; this.#covered++) {
      const contract = instruments.contract(ids[this.#covered])
      if (contract.kind === 'spot') this.#spots.set(contract.underlying, this.#covered)
      else if (contract.kind === 'future') this.#chain(contract.underlying, contract.expiry).future = this.#covered
      else this.#chain(contract.underlying, contract.expiry).rows.push(this.#covered)
    }
  }

  /** undefined: none of its options came yet. */
  chain(underlying: string, expiry: string): Chain | undefined {
    return this.#chains.get(keyOf(underlying, expiry))
  }

  /** Of the first underlying by name, the nearest expiry that is not over on the day of the newest row. */
  first(): Chain | undefined {
    const today = this.#board.newest > 0 ? new Date(this.#board.newest / 1000).toISOString().slice(0, 10) : ''
    const all = this.#listed()
    const of = all.filter(({ underlying }) => underlying === all[0]?.underlying)
    return of.find(({ expiry }) => expiry >= today) ?? of.at(-1)
  }

  /** Underlyings with their expiries, both in order, as JSON: `[["BTC-USDT",["2026-03-27"]]]`. */
  chainsText(): string {
    const found = new Map<string, string[]>()
    for (const { underlying, expiry } of this.#listed()) found.set(underlying, [...(found.get(underlying) ?? []), expiry])
    return JSON.stringify([...found])
  }

  /** What the rows say the underlying is worth at the expiry: their own newest forward, else the future, else the spot. */
  forward(chain: Chain): Forward | undefined {
    const { col } = this.#board.rows
    const ts = col[this.#board.keys?.time ?? '']
    let newest = -1
    for (const row of chain.rows) if (col['forward']?.[row] > 0 && (newest < 0 || ts[row] > ts[newest])) newest = row
    if (newest >= 0) return { price: col['forward'][newest], from: 'forward' }
    if (chain.future >= 0 && col['price']?.[chain.future] > 0) return { price: col['price'][chain.future], from: 'future' }
    const spot = this.#spots.get(chain.underlying)
    return spot !== undefined && col['price']?.[spot] > 0 ? { price: col['price'][spot], from: 'spot' } : undefined
  }

  /**
   * Rows of the chain newer than a version of the board, as JSON: strike, 0 a call and 1 a put, time in milliseconds,
   * then `chainColumns`; null is unknown.
   */
  rowsText(chain: Chain, since: number): string {
    const { rows, instruments, keys } = this.#board
    if (instruments === undefined || keys === undefined) return '[]'
    const [changed, ids, ts] = [rows.col[VERSION], rows.col[keys.instrument], rows.col[keys.time]]
    const columns = chainColumns.map((name) => rows.col[name])
    const texts: string[] = []
    for (const row of chain.rows) {
      if (changed[row] <= since) continue
      const contract = instruments.contract(ids[row])
      if (contract.kind !== 'option') continue
      let text = `[${contract.strike},${contract.type === 'CE' ? 0 : 1},${ts[row] / 1000}`
      for (const column of columns) text += Number.isFinite(column?.[row]) ? `,${column[row]}` : ',null'
      texts.push(`${text}]`)
    }
    return `[${texts.join(',')}]`
  }

  #listed(): Chain[] {
    const full = [...this.#chains.values()].filter(({ rows }) => rows.length > 0)
    return full.sort((a, b) => compare(a.underlying, b.underlying) || compare(a.expiry, b.expiry))
  }

  #chain(underlying: string, expiry: string): Chain {
    const key = keyOf(underlying, expiry)
    const known = this.#chains.get(key)
    if (known !== undefined) return known
    const made: Chain = { underlying, expiry, rows: [], future: -1 }
    this.#chains.set(key, made)
    this.revision++
    return made
  }
}

const keyOf = (underlying: string, expiry: string): string => `${underlying}:${expiry}`
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
