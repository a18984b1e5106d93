import { describe, expect, test } from 'vitest'
import { generateDay } from '../../../connectors/synthetic/market.ts'
import type { SyntheticOptions } from '../../../connectors/synthetic/options.ts'
import { parseSyntheticOptions, syntheticSource } from '../../../connectors/synthetic/source.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Tick } from '../../../core/market.ts'
import type { Delivery, Position } from '../../../core/ports.ts'
import { RowBuffer } from '../../../core/rowBuffer.ts'
import { attach, IST, parseDate } from '../../../core/time.ts'

const DATE = '2025-01-06'
const options: SyntheticOptions = { strikes: 6, close: '10:00', late: 0.01 }
const calm = () => new AbortController().signal

/** Every row from a position on, with the deliveries' sizes, positions and watermarks. */
async function read(from?: Position) {
  const source = syntheticSource({ ...options, instruments: new Instruments() })
  const rows = new RowBuffer(Tick)
  const deliveries: { n: number; watermark: number; after: Position }[] = []
  for await (const { batch, after } of source.open(DATE, from, calm())) {
    rows.append(batch)
    deliveries.push({ n: batch.n, watermark: batch.watermark, after: after(batch.n) })
  }
  return { rows, deliveries }
}

const column = (rows: RowBuffer<Tick>, name: keyof Tick, from = 0) => [...rows.col[name].subarray(from, rows.n)]

describe('a day as a source', () => {
  test('gives the generated rows in deliveries of at most 8192, then nothing but the next midnight', async () => {
    const { ticks } = generateDay(parseSyntheticOptions(options), parseDate(DATE), new Instruments())
    const { rows, deliveries } = await read()
    for (const name of Object.keys(Tick) as (keyof Tick)[]) expect(column(rows, name)).toEqual([...ticks.col[name].subarray(0, ticks.n)])
    expect(deliveries.length).toBeGreaterThan(3)
    expect(Math.max(...deliveries.map(({ n }) => n))).toBe(8192)
    expect(deliveries.at(-1)).toEqual({ n: 0, watermark: attach('2025-01-07 00:00', IST), after: { rows: ticks.n } })
    expect(deliveries.slice(0, -1).every(({ watermark }) => watermark === attach(`${DATE} 00:00`, IST))).toBe(true)
  })

  test('goes on from any position, in the middle of a delivery or at the end', async () => {
    const whole = await read()
    for (const at of [1, 8191, 8192, 8193, 20_000, whole.rows.n - 1, whole.rows.n]) {
      const rest = await read({ rows: at })
      expect(column(rest.rows, 'price')).toEqual(column(whole.rows, 'price', at))
      expect(rest.deliveries.at(-1)?.after).toEqual({ rows: whole.rows.n })
    }
  })

  test('a position inside a delivery counts from the start of the partition', async () => {
    const source = syntheticSource({ ...options, instruments: new Instruments() })
    const seen: Delivery<Tick>[] = []
    for await (const delivery of source.open(DATE, { rows: 100 }, calm())) {
      seen.push(delivery)
      break
    }
    expect(seen[0].after(0)).toEqual({ rows: 100 })
    expect(seen[0].after(7)).toEqual({ rows: 107 })
  })

  test('an abort ends it with an error', async () => {
    const stop = new AbortController()
    const source = syntheticSource({ ...options, instruments: new Instruments() })
    const reading = (async () => {
      for await (const _ of source.open(DATE, undefined, stop.signal)) stop.abort()
    })()
    await expect(reading).rejects.toThrow(/abort/i)
  })
})

describe('partitions and options', () => {
  test('a partition a weekday', async () => {
    const source = syntheticSource({ from: '2025-01-09', days: 4, instruments: new Instruments() })
    expect((await source.partitions()).map(({ name }) => name)).toEqual(['2025-01-09', '2025-01-10', '2025-01-13', '2025-01-14'])
  })

  test.each<[SyntheticOptions, string]>([
    [{ late: 2 }, 'late'],
    [{ from: '2025-02-30' }, 'from'],
    [{ close: '09:00' }, 'close'],
    [{ open: '9:15' }, 'open'],
  ])('%o is refused by name', (given, option) => {
    expect(() => parseSyntheticOptions(given)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID', at: { option } }))
  })

  test('a day it does not have and a position it did not give are refused', async () => {
    const source = syntheticSource({ ...options, instruments: new Instruments() })
    expect(() => source.open('2025-01-07', undefined, calm())).toThrow('no day 2025-01-07')
    expect(() => source.open(DATE, 'there', calm())).toThrow(expect.objectContaining({ code: 'CHECKPOINT_CORRUPT' }))
  })
})
