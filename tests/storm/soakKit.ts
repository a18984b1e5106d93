import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { RecordEncoder, recordIds } from '../../connectors/avro/encoder.ts'
import type { SchemaSource } from '../../connectors/avro/schemaSource.ts'
import type { NewRecord, Producer } from '../../connectors/kafka/driver.ts'
import { Instruments } from '../../core/instruments.ts'
import { Trade } from '../../core/market.ts'
import { RowBuffer } from '../../core/rowBuffer.ts'
import { SECOND } from '../../core/time.ts'
import { main } from '../kit/commandLine.ts'

/** A worker at one moment, `at` seconds after its start. */
export interface Sample {
  readonly at: number
  readonly rssMb: number
  readonly descriptors: number
}

/** `tickloom live` as a process whose memory and descriptors are looked at from outside. */
export class SoakWorker {
  readonly samples: Sample[] = []
  readonly ended: Promise<number | null>
  readonly #child: ChildProcess
  readonly #start = performance.now()
  #said = ''

  constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, [main, 'live', ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    })
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString()).slice(-4000)
    })
    this.ended = new Promise((resolve) => this.#child.on('close', resolve))
    process.on('exit', () => this.#child.kill('SIGKILL'))
    void this.#watch()
  }

  get lastWords(): string {
    return this.#said
  }

  terminate(): Promise<number | null> {
    this.#child.kill('SIGTERM')
    return this.ended
  }

  async #watch(): Promise<void> {
    for (; this.#child.exitCode === null; await sleep(250)) {
      try {
        const folder = `/proc/${this.#child.pid}`
        const rssMb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`${folder}/status`, 'utf8'))?.[1]) / 1024
        if (rssMb > 0) this.samples.push({ at: (performance.now() - this.#start) / 1000, rssMb, descriptors: readdirSync(`${folder}/fd`).length })
      } catch {
        // It ended between two looks.
        return
      }
    }
  }
}

/** Monday 2025-01-06 09:15 in India. */
const OPEN = Date.UTC(2025, 0, 6, 3, 45) * 1000
/** One underlying for each of four partitions. */
const UNDERLYINGS = ['LT', 'TCS', 'ITC', 'RELI']
const STRIKES = 30

/**
 * Seconds of a market in four partitions, all kinds of records: ticks one by one, blocks, heartbeats, late ticks, and
 * two in a second that nobody can use.
 */
export class SoakFeed {
  rejects = 0
  ticks = 0
  second = 0
  readonly #producer: Producer
  readonly #topic: string
  readonly #encoder: RecordEncoder
  readonly #rows: RowBuffer<Trade>[]

  private constructor(producer: Producer, topic: string, encoder: RecordEncoder, instruments: Instruments) {
    this.#producer = producer
    this.#topic = topic
    this.#encoder = encoder
    this.#rows = UNDERLYINGS.map((underlying) => {
      const rows = new RowBuffer(Trade, STRIKES)
      for (let i = 0; i < STRIKES; i++) rows.col.instrument[i] = instruments.id(`${underlying}:2025-01-09:${1000 + 50 * i}:CE`)
      rows.n = STRIKES
      return rows
    })
  }

  static async open(producer: Producer, schemas: SchemaSource, topic: string): Promise<SoakFeed> {
    const instruments = new Instruments()
    return new SoakFeed(producer, topic, new RecordEncoder(await recordIds(schemas), instruments), instruments)
  }

  /** Sends the next second to all partitions. */
  async send(): Promise<void> {
    const ts = OPEN + this.second * SECOND
    await Promise.all(
      this.#rows.map(({ col, n }, partition) => {
        for (let i = 0; i < n; i++) {
          const isLate = i === 7 && this.second % 20 === 5
          col.ts[i] = ts + i * 30_000 - (isLate ? 3 * SECOND : 0)
          col.price[i] = 100 + ((this.second + i) % 40) / 20
          col.volume[i] += (this.second + 11 * i) % 90 < 15 ? 75 * 40 : 75
        }
        this.ticks += n
        const records = this.second % 3 === 0 ? this.#block(partition) : this.#single(partition)
        if (this.second % 4 === partition) records.push(...this.#useless())
        records.push({ key: null, value: this.#encoder.encodeHeartbeat(ts + SECOND) })
        return this.#producer.send({ topic: this.#topic, partition, records })
      }),
    )
    this.second++
  }

  #single(partition: number): NewRecord[] {
    const batch = this.#rows[partition].view(-Infinity)
    return Array.from({ length: batch.n }, (_, i) => ({ key: UNDERLYINGS[partition], value: this.#encoder.encodeTick(batch, i) }))
  }

  #block(partition: number): NewRecord[] {
    const batch = this.#rows[partition].view(-Infinity)
    return [{ key: UNDERLYINGS[partition], value: this.#encoder.encodeBlock(UNDERLYINGS[partition], batch, 0, batch.n) }]
  }

  #useless(): NewRecord[] {
    this.rejects += 2
    return [
      { key: null, value: Buffer.from('no avro') },
      { key: null, value: Buffer.from([0, 0, 0, 48, 57, this.second & 255]) },
    ]
  }
}

/** Theil and Sen's slope: the median of those between all pairs, which jumps of a garbage collector do not move. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const slopes: number[] = []
  for (let i = 0; i < points.length; i++) {
    for (let j = i + 1; j < points.length; j++) slopes.push((points[j][1] - points[i][1]) / (points[j][0] - points[i][0]))
  }
  return slopes.sort((a, b) => a - b)[slopes.length >> 1]
}
