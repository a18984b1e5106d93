import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RecordDecoder } from '../../../connectors/avro/decoder.ts'
import { embeddedSchemas } from '../../../connectors/avro/embedded.ts'
import { RecordEncoder, recordIds } from '../../../connectors/avro/encoder.ts'
import { Deliveries } from '../../../connectors/kafka/deliveries.ts'
import type { RecordBatch } from '../../../connectors/kafka/driver.ts'
import { Inbox } from '../../../connectors/kafka/inbox.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Trade } from '../../../core/market.ts'
import { SECOND } from '../../../core/time.ts'
import { at, type Row, toBatch, toRows } from '../../kit/table.ts'

const START = at('09:15:00')
const schemas = embeddedSchemas()
const instruments = new Instruments()
const encoder = new RecordEncoder(await recordIds(schemas), instruments)

/** A record of the log as a test thinks of it: ticks (one, or a block of many), the exchange's time, or rubbish. */
type Entry = { readonly ticks: number } | { readonly beat: number } | 'rubbish'

/** Records, their offsets with gaps, and the rows that are in them. */
function logOf(entries: readonly Entry[], gaps: readonly number[]) {
  const [values, offsets, rows]: [Buffer[], number[], Row[]] = [[], [], []]
  let offset = 100
  for (const [i, entry] of entries.entries()) {
    offsets.push((offset += 1 + (gaps[i] ?? 0)))
    if (entry === 'rubbish') values.push(Buffer.from('rubbish'))
    else if ('beat' in entry) values.push(encoder.encodeHeartbeat(START + entry.beat * SECOND))
    else {
      const ticks = Array.from({ length: entry.ticks }, (_, k): Row => {
        const n = rows.length + k
        return { ts: START + n * SECOND, instrument: `NIFTY:2025-01-09:${24000 + (n % 3) * 50}:CE`, price: n, volume: n }
      })
      const batch = toBatch(Trade, ticks, instruments)
      values.push(entry.ticks === 1 ? encoder.encodeTick(batch, 0) : encoder.encodeBlock('NIFTY', batch, 0, entry.ticks))
      rows.push(...ticks)
    }
  }
  return { values, offsets, rows, end: offset + 1 }
}

/** Records from..to-1 as one fetch brings them. */
function fetched({ values, offsets, end }: ReturnType<typeof logOf>, from: number, to: number): RecordBatch {
  const part = values.slice(from, to)
  return {
    topic: 't',
    partition: 0,
    from: offsets[from] ?? end,
    next: offsets[to] ?? end,
    n: part.length,
    bytes: part.reduce((sum, { length }) => sum + length, 0),
    values: part,
    offsets: Float64Array.from(offsets.slice(from, to)),
    timestamps: new Float64Array(part.length).fill(Date.UTC(2025, 1)),
    record: (i) => ({ key: null, value: part[i], headers: {}, timestamp: 0, offset: offsets[from + i] }),
  }
}

/** Everything delivered from a position on, and the position after each row. */
async function deliver(log: ReturnType<typeof logOf>, cuts: readonly number[], position: { offset: number; skip?: number }) {
  const decoder = new RecordDecoder({ columns: Trade, instruments, schemas })
  const rejected: number[] = []
  const deliveries = new Deliveries({
    schema: Trade,
    decoder,
    instruments,
    skip: position.skip ?? 0,
    reject: (batch, i) => rejected.push(batch.offsets[i]),
  })
  const first = log.offsets.findIndex((offset) => offset >= position.offset)
  const points = [...new Set([first < 0 ? log.values.length : first, ...cuts.filter((c) => c > first), log.values.length])].sort((a, b) => a - b)
  const [rows, positions, beats]: [Row[], { offset: number; skip?: number }[], number[]] = [[], [], []]
  for (let k = 0; k + 1 < points.length; k++) {
    for await (const { batch, after } of deliveries.of(fetched(log, points[k], points[k + 1]))) {
      for (let n = 0; n < batch.n; n++) positions.push(after(n) as { offset: number })
      rows.push(...toRows(batch, Trade, instruments))
      beats.push(batch.watermark)
    }
  }
  return { rows, positions, rejected, beats }
}

const entries = fc.array(
  fc.oneof(
    fc.constant<Entry>({ ticks: 1 }),
    fc.integer({ min: 2, max: 5 }).map((ticks): Entry => ({ ticks })),
    fc.integer({ min: 0, max: 60 }).map((beat): Entry => ({ beat })),
    fc.constant<Entry>('rubbish'),
  ),
  { maxLength: 20 },
)

describe('Deliveries', () => {
  it('give every row once, in order, however the fetches were cut, and the rest of them from the position before any row', async () => {
    await fc.assert(
      fc.asyncProperty(
        entries,
        fc.array(fc.nat(3)),
        fc.array(fc.nat(20)),
        fc.array(fc.nat(20)),
        fc.nat(),
        async (records, gaps, cuts, others, where) => {
          const log = logOf(records, gaps)
          const whole = await deliver(log, cuts, { offset: 0 })
          expect(whole.rows).toEqual(log.rows)
          expect(whole.rejected).toEqual(log.offsets.filter((_, i) => records[i] === 'rubbish'))
          expect(whole.beats).toEqual([...whole.beats].sort((a, b) => (a === b ? 0 : a < b ? -1 : 1)))
          if (whole.rows.length === 0) return
          const row = where % whole.rows.length
          const rest = await deliver(log, others, JSON.parse(JSON.stringify(whole.positions[row])))
          expect(rest.rows).toEqual(log.rows.slice(row))
          // Positions of a resumed block count on from the ticks that were skipped.
          expect(rest.positions).toEqual(whole.positions.slice(row))
        },
      ),
      { numRuns: 200 },
    )
  })

  it('end at a heartbeat that lifts the time, which vouches for the rows before it', async () => {
    const log = logOf([{ ticks: 1 }, { beat: 5 }, { ticks: 1 }, { beat: 3 }, { ticks: 1 }, { beat: 7 }], [])
    const found: [number, number][] = []
    const deliveries = new Deliveries({
      schema: Trade,
      decoder: new RecordDecoder({ columns: Trade, instruments, schemas }),
      instruments,
      skip: 0,
      reject: () => {},
    })
    for await (const { batch } of deliveries.of(fetched(log, 0, 6))) found.push([batch.n, (batch.watermark - START) / SECOND])
    expect(found).toEqual([
      [1, 5],
      [2, 7],
    ])
  })
})

describe('Inbox', () => {
  const log = logOf(
    Array.from({ length: 40 }, (): Entry => ({ ticks: 1 })),
    [],
  )

  it('pauses the reader above a limit and resumes it below half', async () => {
    const valve: string[] = []
    const inbox = new Inbox(log.offsets[0], { pause: () => valve.push('pause'), resume: () => valve.push('resume') }, { records: 25, bytes: 1e9 })
    const { signal } = new AbortController()
    for (const from of [0, 10, 20]) expect(inbox.put(fetched(log, from, from + 10))).toBe(true)
    expect([valve, inbox.full]).toEqual([['pause'], true])
    await inbox.take(signal)
    expect(valve).toEqual(['pause'])
    await inbox.take(signal)
    expect([valve, inbox.full]).toEqual([['pause', 'resume'], false])
  })

  it('refuses what was fetched before the reader was moved', () => {
    const inbox = new Inbox(log.offsets[10], { pause() {}, resume() {} })
    expect(inbox.put(fetched(log, 0, 10))).toBe(false)
    expect(inbox.put(fetched(log, 20, 30))).toBe(false)
    expect(inbox.put(fetched(log, 10, 20))).toBe(true)
    expect(inbox.next).toBe(log.offsets[20])
  })

  it('ends the waiting when told to', async () => {
    const inbox = new Inbox(0, { pause() {}, resume() {} })
    await expect(inbox.take(AbortSignal.timeout(20))).rejects.toThrow()
  })
})
