import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Batch } from '../../core/batch.ts'
import type { Instruments } from '../../core/instruments.ts'
import { Trade } from '../../core/market.ts'
import type { Log, LogPartition, Position } from '../../core/ports.ts'
import { SECOND } from '../../core/time.ts'
import { at, type Row, toBatch, toRows } from './table.ts'

/** A log of two partitions, '0' and '1', with nothing in it yet. */
export interface LogBench {
  readonly instruments: Instruments
  /** The log as another process of the same group has it. */
  member(): Log<Trade>
  append(partition: string, batch: Batch<Trade>): Promise<void>
}

const START = at('09:15:00')
const row = (i: number): Row => ({ ts: START + i * SECOND, instrument: `NIFTY:2025-01-09:${24000 + (i % 3) * 50}:CE`, price: 100 + i, volume: i })
const rowsFrom = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => row(from + i))

/** What every live log owes. Call inside `describe`. */
export function logContract(make: () => Promise<LogBench>): void {
  const task = ({ instruments }: LogBench) => ({ topology: 't', run: 'r', partition: '0', outputs: {}, instruments })

  /** A member that has joined, once it knows its partitions. */
  async function joined(log: Log<Trade>): Promise<{ partitions(): readonly string[]; leave(): Promise<void> }> {
    const stop = new AbortController()
    let partitions: readonly string[] | undefined
    const done = log.join((assigned) => {
      partitions = assigned
    }, stop.signal)
    await until(() => partitions !== undefined)
    return {
      partitions: () => partitions ?? [],
      leave: async () => {
        stop.abort()
        await done
        await log.close()
      },
    }
  }

  /** Reads until `rows` rows and `watermark` have come; answers them and where it stands after `take` of them. */
  async function read(bench: LogBench, from: LogPartition<Trade>, position: Position | undefined, rows: number, take = rows) {
    const stop = new AbortController()
    const found: Row[] = []
    let [after, watermark]: [Position | undefined, number] = [position, -Infinity]
    for await (const delivery of from.open(position, stop.signal)) {
      const { batch } = delivery
      if (found.length <= take && found.length + batch.n >= take) after = delivery.after(take - found.length)
      found.push(...toRows(batch, Trade, bench.instruments))
      watermark = batch.watermark
      if (found.length >= rows) break
    }
    return { rows: found, watermark, after: JSON.parse(JSON.stringify(after)) as Position }
  }

  it('gives its rows in order, and from a position on the rest of them', async () => {
    const bench = await make()
    const log = bench.member()
    const member = await joined(log)
    await bench.append('0', toBatch(Trade, rowsFrom(0, 10), bench.instruments) as Batch<Trade>)
    await bench.append('0', toBatch(Trade, rowsFrom(10, 12), bench.instruments, START + 12 * SECOND) as Batch<Trade>)
    const partition = await log.claim('0', task(bench))
    for (const take of [0, 1, 7, 10, 11, 12]) {
      const first = await read(bench, partition, undefined, 12, take)
      expect(first.rows).toEqual(rowsFrom(0, 12))
      await bench.append('0', toBatch(Trade, [row(12 + take)], bench.instruments) as Batch<Trade>)
      const rest = await read(bench, partition, first.after, 13 - take)
      expect(rest.rows.slice(0, 12 - take), `after ${take}`).toEqual(rowsFrom(take, 12))
    }
    expect(
      partition
        .delivered()
        .map((id) => bench.instruments.name(id))
        .sort(),
    ).toEqual([24000, 24050, 24100].map((k) => `NIFTY:2025-01-09:${k}:CE`))
    expect(performance.now() - (partition.heardAt ?? 0)).toBeLessThan(30_000)
    await partition.release()
    await member.leave()
  })

  it('keeps what is committed: the newest full checkpoint and the differences after it', async () => {
    const bench = await make()
    const log = bench.member()
    const member = await joined(log)
    const pieces = [
      { full: true, bytes: Uint8Array.of(1, 2, 3) },
      { full: false, bytes: new Uint8Array(2_000_000).map((_, i) => i * 7) },
      { full: false, bytes: Uint8Array.of() },
      { full: true, bytes: new Uint8Array(1_000_000).fill(5) },
      { full: false, bytes: Uint8Array.of(9) },
    ]
    let partition = await log.claim('0', task(bench))
    expect(await partition.restore()).toEqual({ kept: [], announced: undefined, claim: expect.any(Number) })
    await bench.append('0', toBatch(Trade, rowsFrom(0, 3), bench.instruments) as Batch<Trade>)
    const { after } = await read(bench, partition, undefined, 3)
    for (const [epoch, piece] of pieces.entries()) {
      await partition.commit({ ...piece, epoch, position: after })
      await partition.release()
      partition = await log.claim('0', task(bench))
      const kept = (await partition.restore()).kept.map(({ full, bytes }) => [full, Buffer.from(bytes).toString('base64')])
      const from = epoch < 3 ? 0 : 3
      expect(kept, `after epoch ${epoch}`).toEqual(
        pieces.slice(from, epoch + 1).map(({ full, bytes }) => [full, Buffer.from(bytes).toString('base64')]),
      )
    }
    await partition.release()
    await member.leave()
  })

  it('keeps what was announced until it is committed, and lets no zombie announce', async () => {
    const bench = await make()
    const log = bench.member()
    const member = await joined(log)
    await bench.append('0', toBatch(Trade, rowsFrom(0, 3), bench.instruments) as Batch<Trade>)
    const first = await log.claim('0', task(bench))
    const { claim } = await first.restore()
    const { after } = await read(bench, first, undefined, 3)
    await first.commit({ epoch: 1, full: true, bytes: Uint8Array.of(1), position: after })
    await first.announce(7)
    const next = await log.claim('0', task(bench))
    expect(await next.restore()).toMatchObject({ announced: 7, kept: [{ full: true }] })
    await expect(first.announce(8)).rejects.toMatchObject({ code: 'FENCED' })
    await next.commit({ epoch: 7, full: false, bytes: Uint8Array.of(2), position: after })
    const last = await log.claim('0', task(bench))
    const restored = await last.restore()
    expect(restored.announced).toBeUndefined()
    // Two owners later, by their claims.
    expect(restored.claim).toBeGreaterThan(claim + 1)
    for (const partition of [first, next, last]) await partition.release()
    await member.leave()
  })

  it('lets whoever claimed last commit, and nobody else', async () => {
    const bench = await make()
    const log = bench.member()
    const member = await joined(log)
    await bench.append('0', toBatch(Trade, rowsFrom(0, 3), bench.instruments) as Batch<Trade>)
    const zombie = await log.claim('0', task(bench))
    const { after } = await read(bench, zombie, undefined, 3)
    await zombie.commit({ epoch: 1, full: true, bytes: Uint8Array.of(1), position: after })
    const owner = await log.claim('0', task(bench))
    expect((await owner.restore()).kept.map(({ bytes }) => [...bytes])).toEqual([[1]])
    await expect(zombie.commit({ epoch: 2, full: true, bytes: Uint8Array.of(2), position: after })).rejects.toMatchObject({ code: 'FENCED' })
    await owner.commit({ epoch: 2, full: true, bytes: Uint8Array.of(3), position: after })
    await zombie.release()
    const next = await log.claim('0', task(bench))
    expect((await next.restore()).kept.map(({ bytes }) => [...bytes])).toEqual([[3]])
    await owner.release()
    await next.release()
    await member.leave()
  })

  it('shares its partitions out among those who joined, and again when one leaves', async () => {
    const bench = await make()
    const a = await joined(bench.member())
    await until(() => a.partitions().length === 2)
    const b = await joined(bench.member())
    await until(() => a.partitions().length === 1 && b.partitions().length === 1)
    expect([...a.partitions(), ...b.partitions()].sort()).toEqual(['0', '1'])
    await a.leave()
    await until(() => b.partitions().length === 2)
    await b.leave()
  })

  it('ends its waiting for rows when it is told to', async () => {
    const bench = await make()
    const log = bench.member()
    const member = await joined(log)
    const partition = await log.claim('1', task(bench))
    const stop = new AbortController()
    const waiting = (async () => {
      for await (const _ of partition.open(undefined, stop.signal)) throw new Error('there is nothing to read')
    })()
    setTimeout(() => stop.abort(), 50)
    await expect(waiting).rejects.toThrow()
    await partition.release()
    await member.leave()
  })
}

async function until(is: () => boolean): Promise<void> {
  for (const end = performance.now() + 25_000; !is(); await sleep(5)) if (performance.now() > end) throw new Error('it never came to this')
}
