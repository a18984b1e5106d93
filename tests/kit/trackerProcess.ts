import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { nameOf } from '../../core/instruments.ts'
import { parseBybitSymbol } from '../../markets/bybit/symbols.ts'
import { BybitServer, tickerOf } from './bybitServer.ts'
import { answerOf, main } from './commandLine.ts'
import type { Client } from './wsServer.ts'

/** Exchange time when this process began, milliseconds. */
const BEGAN = 1_700_000_000_000

export type Quote = Readonly<Record<string, number | string | null>>

/** A market of one coin on loopback, with a folder for whoever tracks it. */
export class TrackedMarket {
  readonly server = new BybitServer()
  readonly folder = mkdtempSync(join(tmpdir(), 'tickloom-tracker-'))
  readonly symbols: readonly string[]
  /** Of every quote that was sent and had a listener: when, by performance.now(). */
  readonly sent = new Map<string, { readonly ts: number; readonly at: number }[]>()
  readonly #running = new Set<ChildProcess>()

  constructor(symbols: number) {
    this.symbols = Array.from({ length: symbols }, (_, i) => `BTC-27MAR26-${50_000 + i * 500}-${i % 2 === 0 ? 'C' : 'P'}-USDT`)
    this.server.listing.set(
      'BTC',
      this.symbols.map((symbol) => ({ symbol })),
    )
  }

  get file(): string {
    return join(this.folder, 'tracker.db')
  }

  /** `tickloom tracker` of this market, in a process of its own. `node`: options of Node's. */
  tracker(args: readonly string[], options: { readonly env?: NodeJS.ProcessEnv; readonly node?: readonly string[] } = {}) {
    const where = ['--rest', this.server.rest, '--stream', this.server.stream, '--coins', 'BTC']
    const child = spawn(process.execPath, [...(options.node ?? []), main, 'tracker', ...where, ...args], {
      cwd: this.folder,
      env: { ...process.env, ...options.env },
    })
    this.#running.add(child)
    child.on('close', () => this.#running.delete(child))
    return { child, answer: answerOf(child) }
  }

  /** All symbols have a listener. */
  async subscribed(): Promise<void> {
    await until(() => {
      const heard = [...this.server.topics].filter(([client]) => client.open).reduce((sum, [, topics]) => sum + topics.size, 0)
      return heard === this.symbols.length
    })
  }

  /**
   * A quote of now, with fields that differ from those of every other, by a clock that runs as fast as ours: what is
   * written when follows the exchange's time.
   */
  send(symbol: string, over: Readonly<Record<string, unknown>> = {}): void {
    const at = performance.now()
    const ts = BEGAN + Math.floor(at)
    const listeners = [...this.server.topics].filter(([client, topics]) => client.open && topics.has(symbol))
    for (const [client] of listeners) client.send(tickerOf(symbol, ts, over))
    if (listeners.length === 0) return
    const own = this.sent.get(symbol) ?? []
    this.sent.set(symbol, own)
    own.push({ ts: ts * 1000, at })
  }

  /** The time of the newest quote of the symbol that was sent between the two, microseconds; -Infinity where there is none. */
  newest(symbol: string, from = 0, to = Infinity): number {
    return this.sent.get(symbol)?.findLast(({ at }) => at >= from && at <= to)?.ts ?? -Infinity
  }

  /** What is in the file, by symbol of the exchange. */
  quotes(): Map<string, Quote> {
    const nameToSymbol = new Map(this.symbols.map((symbol) => [nameOf(parseBybitSymbol(symbol)), symbol]))
    const database = new DatabaseSync(this.file, { readOnly: true })
    try {
      const rows = database.prepare('SELECT * FROM quotes').all() as Quote[]
      return new Map(rows.map((row) => [nameToSymbol.get(String(row['symbol'])) as string, row]))
    } finally {
      database.close()
    }
  }

  async close(): Promise<void> {
    for (const child of this.#running) child.kill('SIGKILL')
    await this.server.server.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export async function until(done: () => boolean | Promise<boolean>, patience = 20_000): Promise<void> {
  for (const end = performance.now() + patience; ; ) {
    if (await done()) return
    if (performance.now() > end) throw new Error(`not so within ${patience} ms: ${done}`)
    await sleep(10)
  }
}

export interface KillsOptions {
  readonly kills: number
  /** Of the tracker, milliseconds. */
  readonly batchTimeout: number
  /** Beyond it: the time that a quote waits for others and that a write takes. Both in the tracker's own time. */
  readonly allowance: number
  readonly random: () => number
}

/** A process that has not answered for so long does not run: the machine has stalled, or it waits for its disk. */
const STALL = 50

/**
 * A process's own time, told by how often it answers: between two answers no more passes than STALL, whatever the
 * machine does meanwhile.
 */
class OwnTime {
  now = 0
  #answeredAt = performance.now()
  readonly #asked: { readonly at: number; readonly own: number }[] = []

  ask(client: Client | undefined): void {
    const at = performance.now()
    client?.ping(() => {
      const now = performance.now()
      this.now += Math.min(now - this.#answeredAt, STALL)
      this.#answeredAt = now
      this.#asked.push({ at, own: this.now })
    })
  }

  /** What was sent to it before this time, by performance.now(), it had read so many milliseconds of its own time ago. */
  before(milliseconds: number): number {
    return this.#asked.findLast(({ own }) => own <= this.now - milliseconds)?.at ?? -Infinity
  }
}

/**
 * Starts a tracker on the same file again and again, quotes all the while, and kills it at random moments. Answers what
 * is wrong: symbols whose row is older than what the tracker that was killed had read a batch timeout and the allowance
 * before, and those whose row went back.
 */
export async function killedTrackers(market: TrackedMarket, { kills, batchTimeout, allowance, random }: KillsOptions): Promise<string[]> {
  const wrong: string[] = []
  /** What was sent in time before one of the kills, and what the file had after the last. */
  const owed = new Map<string, number>()
  let before = new Map<string, number>()
  for (let kill = 0; kill < kills; kill++) {
    const { child, answer } = market.tracker(['--sqlite', market.file, '--batch-timeout', `${batchTimeout}ms`, '--quiet'])
    await market.subscribed()
    const began = performance.now()
    const own = new OwnTime()
    const quoting = setInterval(() => {
      for (let i = 0; i < 10; i++) market.send(market.symbols[Math.floor(random() * market.symbols.length)])
      own.ask([...market.server.topics.keys()].find((client) => client.open))
    }, 10)
    const life = (batchTimeout + allowance) * (1 + 1.5 * random())
    await until(() => own.now > life, 60_000)
    // An answer has just come; it may as well be writing.
    await sleep(random() * 2 * STALL)
    clearInterval(quoting)
    child.kill('SIGKILL')
    const owedTo = own.before(batchTimeout + allowance)
    await answer
    await until(() => [...market.server.topics.keys()].every((client) => !client.open))
    const rows = market.quotes()
    const now = new Map(market.symbols.map((symbol) => [symbol, Number(rows.get(symbol)?.['updated'] ?? -Infinity)]))
    for (const [symbol, there] of now) {
      const sent = market.newest(symbol, began, owedTo)
      if (sent > -Infinity) owed.set(symbol, sent)
      if (there < (owed.get(symbol) ?? -Infinity)) wrong.push(`kill ${kill}: ${symbol} has ${there}, ${owed.get(symbol)} was sent in time`)
      if (there < (before.get(symbol) ?? -Infinity)) wrong.push(`kill ${kill}: ${symbol} went back from ${before.get(symbol)} to ${there}`)
    }
    before = now
  }
  return wrong
}
