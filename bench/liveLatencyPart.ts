import { setTimeout as sleep } from 'node:timers/promises'
import { embeddedSchemas } from '../connectors/avro/embedded.ts'
import { RecordEncoder, recordIds } from '../connectors/avro/encoder.ts'
import { readKafkaConfig } from '../connectors/kafka/config.ts'
import type { GroupReader, KafkaDriver, NewRecord } from '../connectors/kafka/driver.ts'
import { liveLog } from '../connectors/kafka/liveLog.ts'
import { openDriver } from '../connectors/kafka/openDriver.ts'
import { checkpointTopic, deadLetterTopic, ensureTopics, planTopics } from '../connectors/kafka/topics.ts'
import type { Batch } from '../core/batch.ts'
import { Instruments } from '../core/instruments.ts'
import { Trade } from '../core/market.ts'
import { resolveParameters } from '../core/parameters.ts'
import type { Destination } from '../core/ports.ts'
import { RowBuffer } from '../core/rowBuffer.ts'
import { SECOND } from '../core/time.ts'
import { type Topology, topology } from '../core/topology.ts'
import { runLive } from '../runtime/live.ts'
import volumeBurst from '../topologies/volume-burst/graph.ts'

// The processes of the latency measurement, started by liveLatency.ts: a feed, a bare consumer, a live worker.
// Clock readings are microseconds of the machine's monotonic clock, which all processes share.

export interface LatencyPart {
  readonly role: 'feed' | 'bare' | 'live'
  readonly brokers: string
  readonly driver: 'kafkajs' | 'platformatic'
  readonly topic: string
  /** Ticks a second, and for how many seconds; only the feed's business. */
  readonly rate: number
  readonly seconds: number
}

/** What a part has to say when it is told to end. */
export interface LatencyNotes {
  /** bare, live: microseconds from the making of each marker's record to its arrival, its signal. */
  readonly markers: readonly number[]
  /** live: microseconds from the making to the commit of the marker's epoch. */
  readonly committed: readonly number[]
  /** Reading of the clock by second of event time. feed: the record that closed it was made; live: its first signal. */
  readonly closed: readonly (readonly [second: number, at: number])[]
  /** live: those of `markers` that had their signal while a commit was under way. */
  readonly whileCommitting: readonly number[]
  /** live: milliseconds that commits took. */
  readonly commits: readonly number[]
}

const MARKER = 'MARKER'
/** One tick of so many is a marker: its price is the time it was made at. */
const MARKED = 10
const INSTRUMENTS = 120
/** Monday 2025-01-06 10:00 in India, a session: what the feed calls now when it begins. */
const BEGIN = Date.UTC(2025, 0, 6, 4, 30) * 1000
/** The head, a one-byte length, the name, the time, `received` missing. */
const PRICE_AT = 5 + 1 + MARKER.length + 8 + 1

const now = (): number => Number(process.hrtime.bigint() / 1000n)
const part = JSON.parse(process.argv[2]) as LatencyPart
const notes = {
  markers: [] as number[],
  whileCommitting: [] as number[],
  committed: [] as number[],
  closed: [] as [number, number][],
  commits: [] as number[],
}

async function feed(driver: KafkaDriver): Promise<void> {
  const producer = await driver.producer()
  const instruments = new Instruments()
  const marker = instruments.id(MARKER)
  const ids = Array.from({ length: INSTRUMENTS }, (_, i) => instruments.id(`NIFTY:2025-01-09:${20_000 + 50 * i}:CE`))
  const volume = new Float64Array(ids.length)
  const encoder = new RecordEncoder(await recordIds(embeddedSchemas()), instruments)
  const row = new RowBuffer(Trade, 1)
  const tick = (k: number): NewRecord => {
    const isMarker = k % MARKED === 0
    const i = k % ids.length
    const ts = BEGIN + Math.floor((k / part.rate) * SECOND)
    // Every other second is a busy one, so that half of the instruments have a signal in each.
    volume[i] += (Math.floor(ts / SECOND) + i) % 2 === 0 ? 500 : 10
    row.col.ts[0] = ts
    row.col.instrument[0] = isMarker ? marker : ids[i]
    row.col.price[0] = isMarker ? now() : 100
    row.col.volume[0] = isMarker ? 0 : volume[i]
    return { key: 'NIFTY', value: encoder.encodeTick(row.first(1, -Infinity), 0) }
  }
  const start = now()
  let second = BEGIN / SECOND
  for (let k = 0; k < part.rate * part.seconds; ) {
    const records: NewRecord[] = []
    const due = Math.floor(((now() - start) / SECOND) * part.rate)
    for (; k < due; k++) {
      if (Math.floor((BEGIN + (k / part.rate) * SECOND) / SECOND) > second) {
        notes.closed.push([second++, now()])
        records.push({ key: null, value: encoder.encodeHeartbeat(second * SECOND) })
      }
      records.push(tick(k))
    }
    if (records.length > 0) await producer.send({ topic: part.topic, partition: 0, records })
    else await sleep(1)
  }
}

/** From the end on, counting only: the marker's record is told by its length. */
async function bare(driver: KafkaDriver): Promise<void> {
  const reader: GroupReader = await driver.join({
    group: `bare-${process.pid}`,
    topic: part.topic,
    member: {
      onAssigned: (partitions) => {
        for (const partition of partitions) reader.seek(partition, 0)
        process.send?.('ready')
      },
      onRecords: (batch) => {
        const at = now()
        for (let i = 0; i < batch.n; i++) {
          const value = batch.values[i] as Buffer
          if (value.length > PRICE_AT + 8 && value[5] === 2 * MARKER.length) notes.markers.push(at - value.readDoubleLE(PRICE_AT))
        }
      },
    },
  })
}

/** volume-burst, and beside it the marker's own signal, which waits for nothing. */
const measured = topology({
  name: 'latency',
  version: 1,
  memory: 'day',
  params: volumeBurst.params,
  inputs: { ticks: Trade },
  outputs: { ...volumeBurst.outputs, markers: Trade },
  wire({ ticks }, at, p) {
    const step = at('marker')
    const found = step.scratch(Trade)
    const markers = step.map<Trade, Trade>((batch) => {
      found.clear()
      const id = step.instruments.id(MARKER)
      for (let i = 0; i < batch.n; i++) if (batch.col.instrument[i] === id) found.append(batch, i, i + 1)
      return found.view(batch.watermark)
    })
    return { ...volumeBurst.wire({ ticks }, at, p), markers: ticks.pipe(markers) }
  },
})

function stopwatch(): Destination {
  let made: number[] = []
  let last = -Infinity
  return {
    name: 'stopwatch',
    open: async () => ({
      write(output, batch) {
        const at = now()
        if (output === 'markers') {
          const { price } = (batch as Batch<Trade>).col
          for (let i = 0; i < batch.n; i++) {
            notes.markers.push(at - price[i])
            made.push(price[i])
            signalled.push([at, at - price[i]])
          }
        } else if (output === 'signals') {
          const ts = batch.col['ts'] as Float64Array
          for (let i = 0; i < batch.n; i++) if (ts[i] > last) notes.closed.push([(last = ts[i]) / SECOND, at])
        }
      },
      async flush() {
        flushed.push(...made)
        made = []
        return { rows: 0, bytes: 0 }
      },
      close: async () => {},
    }),
    close: async () => {},
  }
}
/** When the markers of the epoch being saved were made. */
const flushed: number[] = []
/** Signals since the last commit: when, and how long after the making. */
const signalled: [at: number, latency: number][] = []

async function live(driver: KafkaDriver, signal: AbortSignal): Promise<void> {
  const graph = measured as unknown as Topology
  const group = `live-${process.pid}`
  const outputs = { names: ['signals'], prefix: `${group}.` }
  const admin = await driver.admin()
  await ensureTopics(admin, planTopics({ input: part.topic, group, partitions: 1, outputs: outputs.names, prefix: outputs.prefix }))
  await admin.close()
  const instruments = new Instruments()
  const log = liveLog({
    driver,
    group,
    topic: part.topic,
    topics: { checkpoints: checkpointTopic(group), deadLetters: deadLetterTopic(part.topic) },
    outputs,
    columns: Trade,
    instruments,
    schemas: embeddedSchemas(),
  })
  await runLive(
    {
      topology: graph,
      params: resolveParameters(graph, ['rollingBurst.window=1', 'rollingBurst.baseline=4', 'signal.multiplier=1.2', 'signal.floor=1']),
      run: 'bench',
      instruments,
      destinations: [stopwatch()],
      epochLength: SECOND,
      log,
      silence: 60_000,
    },
    {
      signal,
      onEvent: (event) => {
        if (event.type === 'failed') throw event.failure
        if (event.type === 'restored') process.send?.('ready')
        if (event.type !== 'saved') return
        const at = now()
        notes.committed.push(...flushed.splice(0).map((made) => at - made))
        notes.commits.push(event.took)
        const began = at - 1000 * event.took
        for (const [when, latency] of signalled.splice(0)) if (when >= began) notes.whileCommitting.push(latency)
      },
    },
  )
  await log.close()
}

process.once('disconnect', () => process.exit(0))
const driver = await openDriver(readKafkaConfig({ flags: { brokers: part.brokers, driver: part.driver } }))
const stop = new AbortController()
const told = new Promise<void>((resolve) => process.once('message', () => resolve()))
let running: Promise<void> = Promise.resolve()
if (part.role === 'live') running = live(driver, stop.signal)
else if (part.role === 'bare') await bare(driver)
else await feed(driver).then(() => process.send?.('ready'))
await Promise.race([told, running.then(() => told)])
const answer: LatencyNotes = structuredClone(notes)
stop.abort()
await running
await driver.close()
process.send?.(answer, () => process.exit(0))
