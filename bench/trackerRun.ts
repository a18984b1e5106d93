import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { nameOf } from '../core/instruments.ts'
import { parseBybitSymbol } from '../markets/bybit/symbols.ts'
import { databaseSize, mean, type Sample, sampleOf, slopeOf } from './trackerProcess.ts'

/** Where a tracker finds its market and leaves its quotes. */
export interface Place {
  readonly rest: string
  readonly stream: string
  readonly file: string
  readonly coins: string
  /** Where alerts may be posted to. */
  readonly hook: string
  /** A folder of its own, for whatever else it keeps. */
  readonly folder: string
}

export interface Candidate {
  readonly name: string
  /** Seconds after which it promises a quote to be in its file. */
  readonly batchTimeout: number
  /** Program and arguments. */
  command(place: Place): readonly string[]
  /** Called each second while it is measured: what an operator's monitoring would ask of it. */
  visit?(): Promise<void>
}

export interface Load {
  readonly symbols: number
  readonly updates: number
  readonly seconds: number
  /** Seconds in which a commit must have ended after its time: half of one. More where other work makes the disk late. */
  readonly commit?: number
}

/** Memory in MB of 10^6 bytes, CPU in percent of one core, all of the whole process. */
export interface Figures extends Load {
  readonly name: string
  /** From the start of the process until it had subscribed everything, and until its file had a row. */
  readonly subscribedAfter: number
  readonly firstRowAfter: number
  /** `rss`: the highest sample; `peak`: what the kernel saw between samples too, starting included. */
  readonly rss: number
  readonly rssMean: number
  readonly peak: number
  readonly anonymous: number
  /** Of the last half: MB an hour, with the standard error, and what that made of it. */
  readonly slope: number
  readonly slopeError: number
  readonly rise: number
  /** From 10 s after the subscriptions (or a quarter of the run) to the last sample; `startCpu`: seconds of CPU before. */
  readonly cpu: number
  readonly startCpu: number
  /** The file with its log at the end, and after a checkpoint; what the file, without its log that comes and goes, grows a day by the last half; what is written to the disk a day. */
  readonly fileMb: number
  readonly checkpointedMb: number
  readonly growthMbPerDay: number
  readonly writtenGbPerDay: number
  readonly rows: number
  /** Symbols of which the file, after SIGKILL, had an older quote than the newest of one batch timeout before; of how many. */
  readonly lost: number
  readonly sent: number
  readonly skipped: number
  /** Posts to the hook. */
  readonly posts: number
}

interface Told {
  readonly event: string
  readonly at: number
  readonly rest: string
  readonly stream: string
  readonly sent: number
  readonly skipped: number
  readonly newest: Readonly<Record<string, number>>
}

/** Within which a tracker must have subscribed everything, seconds. */
const PATIENCE = 60
const COINS = 'BTC,ETH'
const simulator = fileURLToPath(new URL('../tests/kit/trackerSimulator.ts', import.meta.url))

/** The simulator as a child that ends with this process. */
class Market {
  readonly #child: ChildProcess
  readonly #told: Told[] = []
  #wake: () => void = () => undefined

  constructor({ symbols, updates }: Load) {
    const args = [simulator, '--symbols', String(symbols), '--updates', String(updates), '--coins', COINS]
    this.#child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: this.#child.stdout as NonNullable<ChildProcess['stdout']> }).on('line', (line) => {
      this.#told.push(JSON.parse(line) as Told)
      this.#wake()
    })
  }

  async hear(event: string, seconds: number, alive: () => string | undefined = () => undefined): Promise<Told> {
    const until = performance.now() + seconds * 1000
    for (;;) {
      const found = this.#told.findIndex((line) => line.event === event)
      if (found >= 0) return this.#told.splice(found, 1)[0]
      const dead = alive()
      if (dead !== undefined || performance.now() > until)
        throw new Error(`no "${event}" within ${seconds} s${dead === undefined ? '' : `: ${dead}`}`)
      await Promise.race([sleep(100), new Promise<void>((resolve) => (this.#wake = resolve))])
    }
  }

  mark(): Promise<Told> {
    this.#child.stdin?.write('mark\n')
    return this.hear('mark', 10)
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.stdin?.end()
    await gone
  }
}

/** Takes whatever is posted to it, and counts. */
class Hook {
  posts = 0
  readonly #server = createServer((request, response) => {
    this.posts++
    request.resume().once('end', () => response.end())
  })

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/alerts`
  }

  close(): void {
    this.#server.close().closeAllConnections()
  }
}

/** One tracker before one market, from its start to its SIGKILL. */
export async function measure(candidate: Candidate, load: Load): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'tickloom-tracker-'))
  const market = new Market(load)
  const alerts = new Hook()
  const file = join(folder, 'quotes.db')
  const log = join(folder, 'log')
  let child: ChildProcess | undefined
  try {
    const { rest, stream } = await market.hear('listening', 10)
    const [program, ...args] = candidate.command({ rest, stream, file, coins: COINS, folder, hook: await alerts.listen() })
    const began = performance.now()
    const out = openSync(log, 'w')
    const running = spawn(program, args, { stdio: ['ignore', out, out] })
    closeSync(out)
    child = running
    const dead = (): string | undefined =>
      running.exitCode === null && running.signalCode === null ? undefined : `it ended: ${readFileSync(log, 'utf8').slice(-2000)}`
    const firstRow = firstRowOf(file, began, dead)
    await market.hear('subscribed', PATIENCE, dead)
    const subscribedAfter = (performance.now() - began) / 1000
    const { samples, sizes } = await watch(candidate, running.pid as number, file, load.seconds)
    const marked = await market.mark()
    await sleep((candidate.batchTimeout + (load.commit ?? 0.5)) * 1000)
    const gone = once(running, 'exit')
    running.kill('SIGKILL')
    await gone
    const fileMb = databaseSize(file) / 1e6
    const { rows, lost } = compare(file, marked.newest)
    const { sent, skipped } = marked
    const times = { subscribedAfter, firstRowAfter: await firstRow }
    return {
      name: candidate.name,
      ...load,
      ...times,
      ...figuresOf(samples, sizes),
      fileMb,
      checkpointedMb: databaseSize(file) / 1e6,
      rows,
      lost,
      sent,
      skipped,
      posts: alerts.posts,
    }
  } finally {
    if (child !== undefined && child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await market.end()
    alerts.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function watch(candidate: Candidate, pid: number, file: string, seconds: number): Promise<{ samples: Sample[]; sizes: number[] }> {
  const samples: Sample[] = []
  const sizes: number[] = []
  const began = performance.now()
  for (let i = 0; i <= seconds; i++) {
    await sleep(Math.max(0, began + i * 1000 - performance.now()))
    samples.push(sampleOf(pid))
    sizes.push((statSync(file, { throwIfNoEntry: false })?.size ?? 0) / 1e6)
    await candidate.visit?.()
  }
  return { samples, sizes }
}

type Watched = Pick<
  Figures,
  'rss' | 'rssMean' | 'peak' | 'anonymous' | 'slope' | 'slopeError' | 'rise' | 'cpu' | 'startCpu' | 'growthMbPerDay' | 'writtenGbPerDay'
>

export function figuresOf(samples: readonly Sample[], sizes: readonly number[]): Watched {
  // What comes right after the subscriptions is still starting: compiling, and the alerts of all that is true already.
  const settled = Math.min(10, Math.floor(samples.length / 4))
  const [first, last] = [samples[settled], samples[samples.length - 1]]
  const half = Math.floor(samples.length / 2)
  const late = samples.slice(half)
  const times = late.map(({ at }) => at)
  const memory = slopeOf(
    times,
    late.map(({ rss }) => rss),
  )
  const growth = slopeOf(times, sizes.slice(half))
  const elapsed = last.at - first.at
  return {
    rss: Math.max(...samples.map(({ rss }) => rss)),
    rssMean: mean(late.map(({ rss }) => rss)),
    peak: last.peak,
    anonymous: mean(late.map(({ anonymous }) => anonymous)),
    slope: memory.slope * 3600,
    slopeError: memory.error * 3600,
    rise: memory.slope * (last.at - late[0].at),
    cpu: ((last.cpu - first.cpu) / elapsed) * 100,
    startCpu: first.cpu,
    growthMbPerDay: growth.slope * 86_400,
    writtenGbPerDay: (((last.written - first.written) / elapsed) * 86_400) / 1e9,
  }
}

/** Seconds from the start until another process can read a row; NaN when there was none in the time there is. */
async function firstRowOf(file: string, began: number, dead: () => string | undefined): Promise<number> {
  while (dead() === undefined && performance.now() - began < PATIENCE * 1000) {
    if (quotesOf(file).size > 0) return (performance.now() - began) / 1000
    await sleep(50)
  }
  return NaN
}

/** Microseconds of the newest quote, by symbol, of the table that has both; empty where there is none yet. */
function quotesOf(file: string): Map<string, number> {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true })
    return read(database)
  } catch {
    // Not made yet, or being made.
    return new Map()
  } finally {
    database?.close()
  }
}

function read(database: DatabaseSync): Map<string, number> {
  const tables = "SELECT m.name FROM sqlite_master m WHERE m.type = 'table' AND m.name NOT LIKE '%history'"
  const having = (column: string): string => `EXISTS (SELECT 1 FROM pragma_table_info(m.name) WHERE name = '${column}')`
  const found = database.prepare(`${tables} AND ${having('symbol')} AND ${having('updated')}`).get()
  if (found === undefined) return new Map()
  const rows = database.prepare(`SELECT symbol, updated FROM "${String(found['name'])}"`).all()
  return new Map(rows.map(({ symbol, updated }) => [String(symbol), Number(updated)]))
}

/** Ours are called as instruments are everywhere here, the others' as the exchange does. */
function timeOf(quotes: ReadonlyMap<string, number>, symbol: string): number {
  return quotes.get(symbol) ?? quotes.get(nameOf(parseBybitSymbol(symbol))) ?? 0
}

/** Opens the file as the next start would, with what its log holds, and leaves it checkpointed. */
function compare(file: string, newest: Readonly<Record<string, number>>): { rows: number; lost: number } {
  const database = new DatabaseSync(file)
  try {
    const quotes = read(database)
    const lost = Object.entries(newest).filter(([symbol, ts]) => !(timeOf(quotes, symbol) >= ts * 1000)).length
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    return { rows: quotes.size, lost }
  } finally {
    database.close()
  }
}
