import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeEmbeddedEngine } from '../../../connectors/clickhouse/engine.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Quote, Second } from '../../../core/market.ts'
import type { Params } from '../../../core/parameters.ts'
import type { Position, Source } from '../../../core/ports.ts'
import { marketLake } from '../../kit/marketLake.ts'
import { recordedLake } from '../../kit/recordedLake.ts'
import { secondsOfLake } from '../../kit/secondsReplay.ts'
import { sourceContract } from '../../kit/sourceContract.ts'
import { at, type Row, toBatch, toRows } from '../../kit/table.ts'
import { filesOf, flipBit } from './cacheFixtures.ts'
import { folder } from './fixtures.ts'

afterAll(closeEmbeddedEngine)

const params: Params = { seconds: { lateness: 1 } }
const lake = await marketLake({ days: 2, strikes: 1, rate: 0.1 })
afterAll(() => rmSync(dirname(lake), { recursive: true }))

/** Opens sources of one partition first, of the lake, with its seconds in the cache or not. */
async function benchOf(of: string, cache?: string) {
  const instruments = new Instruments()
  const sources: Source[] = []
  // The contract opens one at a time, and wants it at once.
  for (let i = 0; i < 2; i++) sources.push(await secondsOfLake(of, params, instruments, cache))
  return { schema: Second, instruments, source: () => sources.pop() as Source }
}

describe('seconds made of a lake of ticks', () => sourceContract(() => benchOf(lake)))

describe('seconds from the cache', () => {
  const cache = folder()
  beforeAll(() => read(cache))
  sourceContract(() => benchOf(lake, cache))
})

describe('seconds made of a recording', () => {
  const instruments = new Instruments()
  const tick = { instrument: 'NIFTY', price: 1, volume: 1, oi: NaN, bid: NaN, ask: NaN, bidSize: NaN, askSize: NaN, received: NaN, lastTrade: NaN }
  const batch = (clock: string, heartbeat: string) => toBatch(Quote, [{ ...tick, ts: at(clock) }], instruments, at(heartbeat))
  const batches = [batch('09:15:00', '09:15:04'), batch('09:15:09', '09:15:12'), batch('15:29:58', '15:31:00')]
  let recorded: string
  beforeAll(async () => {
    recorded = await recordedLake({ 0: batches }, { instruments })
  })
  afterAll(() => rmSync(dirname(recorded), { recursive: true }))
  sourceContract(() => benchOf(recorded, folder()))
})

async function read(cache?: string, from?: Position): Promise<{ rows: Row[]; counts: unknown }> {
  const instruments = new Instruments()
  const source = await secondsOfLake(lake, params, instruments, cache)
  const rows: Row[] = []
  const counts = []
  for (const { name } of await source.partitions()) {
    for await (const { batch } of source.open(name, from, new AbortController().signal)) rows.push(...toRows(batch, Second, instruments))
    counts.push(source.counts?.(name))
  }
  await source.close()
  return { rows, counts }
}

describe('the cache of seconds', () => {
  it('gives the rows and the counts that making them gives, from any row on', async () => {
    const cache = folder()
    const made = await read()
    expect(made.rows.length).toBeGreaterThan(2 * 65_536)
    expect(same(await read(cache), made)).toBe(true)
    expect(filesOf(cache)).toHaveLength(2)
    expect(same(await read(cache), made)).toBe(true)
    expect(same(await read(cache, { rows: 65_000 }), await read(undefined, { rows: 65_000 }))).toBe(true)
  })

  it('found damaged far inside is told, made anew of the ticks from the row reached, and kept again', async () => {
    const cache = folder()
    const made = await read(cache)
    const [first] = filesOf(cache)
    flipBit(first, 16 + 37 * 65_536 + 5_000)
    const said = await saidOnStderr(async () => expect(same(await read(cache), made)).toBe(true))
    expect(said).toMatch(new RegExp(`^tickloom: ${first} is not used, its rows from 65536 on are damaged; .*\n$`))
    expect(await saidOnStderr(async () => expect(same(await read(cache), made)).toBe(true))).toBe('')
  })
})

/** Not toEqual of so many objects: all that differ would be printed. */
function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

async function saidOnStderr(work: () => Promise<void>): Promise<string> {
  const write = process.stderr.write
  let said = ''
  process.stderr.write = ((chunk: unknown) => (said += String(chunk)) !== '') as typeof write
  try {
    await work()
  } finally {
    process.stderr.write = write
  }
  return said
}
