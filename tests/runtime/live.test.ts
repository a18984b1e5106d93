import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { MemoryLog } from '../../connectors/memory/log.ts'
import { type MemoryDestination, memoryDestination } from '../../connectors/memory/sink.ts'
import type { Batch } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import { Instruments } from '../../core/instruments.ts'
import { Trade } from '../../core/market.ts'
import { resolveParameters } from '../../core/parameters.ts'
import type { Destination, Log } from '../../core/ports.ts'
import { SECOND } from '../../core/time.ts'
import type { Topology } from '../../core/topology.ts'
import { runLive } from '../../runtime/live.ts'
import type { LiveEvent } from '../../runtime/liveEvents.ts'
import volumeBurst from '../../topologies/volume-burst/graph.ts'
import { at, toBatch } from '../kit/table.ts'

const topology = volumeBurst as unknown as Topology
const params = resolveParameters(topology, ['rollingBurst.window=2', 'rollingBurst.baseline=4', 'signal.multiplier=1', 'signal.floor=1'])
const instruments = new Instruments()
const OPEN = at('09:15:00')

/** Second s of a feed: a tick of two instruments, a late one now and then, then the heartbeat of that second. */
const second = (s: number, underlying: string): Batch<Trade> => {
  const ts = OPEN + s * SECOND
  const tick = (name: string, late = 0) => ({ ts: ts - late, instrument: name, price: 100 + (s % 7), volume: s * s })
  const rows = [tick(underlying), tick(`${underlying}:2025-01-09:24000:CE`), ...(s % 9 === 4 ? [tick(underlying, 2.5 * SECOND)] : [])]
  return toBatch(Trade, rows, instruments, ts + 0.5 * SECOND) as Batch<Trade>
}

interface Worker {
  readonly events: LiveEvent[]
  readonly done: Promise<void>
  stop(): Promise<void>
}

function start(log: MemoryLog<Trade>, destination: Destination, more: { silence?: number; resetState?: boolean } = {}): Worker {
  const stop = new AbortController()
  const events: LiveEvent[] = []
  const done = runLive(
    { topology, params, run: 'R', instruments, destinations: [destination], epochLength: 5 * SECOND, log: log.member(), silence: 60_000, ...more },
    { signal: stop.signal, onEvent: (event) => events.push(event) },
  )
  done.catch(() => undefined)
  return {
    events,
    done,
    stop: () => {
      stop.abort()
      return done
    },
  }
}

/** Until `true`, but not for ever. */
async function until(what: string, is: () => boolean): Promise<void> {
  for (const end = performance.now() + 25_000; !is(); await sleep(5)) if (performance.now() > end) throw new Error(`it never came to this: ${what}`)
}

const OUTPUTS = ['seconds', 'bursts', 'signals', 'late']
const rowsOf = (to: MemoryDestination) => Object.fromEntries(OUTPUTS.map((name) => [name, to.rows(name)]))
const lastEpoch = Math.floor((OPEN + 61 * SECOND) / (5 * SECOND))
const isThrough = (to: MemoryDestination, partitions: readonly string[]) => () => partitions.every((p) => to.epochs(p).at(-1) === lastEpoch - 1)

/** What one process makes of it when nothing happens to it. */
async function undisturbed(underlyings: readonly string[]): Promise<Record<string, unknown>> {
  const log = new MemoryLog<Trade>(underlyings)
  const to = memoryDestination()
  for (const u of underlyings) for (let s = 0; s <= 61; s++) log.append(u, second(s, u))
  const worker = start(log, to)
  await until('undisturbed', isThrough(to, underlyings))
  await worker.stop()
  return rowsOf(to)
}

const byKey = (rows: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(rows).map(([name, list]) => [name, (list as object[]).map((row) => JSON.stringify(row)).sort()]))

describe('a live run', () => {
  it('gives the same rows while workers join and leave, and states move with their partitions', async () => {
    const names = ['NIFTY', 'BANKNIFTY', 'FINNIFTY', 'MIDCPNIFTY']
    const log = new MemoryLog<Trade>(names)
    const to = memoryDestination()
    const workers = [start(log, to)]
    for (let s = 0; s <= 61; s++) {
      for (const u of names) log.append(u, second(s, u))
      await sleep(4)
      if (s === 10 || s === 20) workers.push(start(log, to))
      if (s === 30) await workers.shift()?.stop()
      if (s === 40) workers.push(start(log, to))
      if (s === 50) await workers.shift()?.stop()
    }
    await until('all four through', isThrough(to, names))
    await Promise.all(workers.map((w) => w.stop()))
    expect(byKey(rowsOf(to))).toEqual(byKey(await undisturbed(names)))
    expect(to.rows('signals').length).toBeGreaterThan(4)
    expect(to.rows('late').length).toBeGreaterThan(4)
  })

  it('is taken up again from its last checkpoint after a failure outside, and reports it', async () => {
    const log = new MemoryLog<Trade>(['NIFTY'])
    const to = memoryDestination()
    let failures = 0
    const flaky: Destination = {
      ...to,
      async open(task) {
        const sink = await to.open(task)
        const away = (epoch: number) => epoch % 3 === 0 && failures < 2
        return {
          ...sink,
          async flush(epoch) {
            if (away(epoch)) throw new TickloomError('CLICKHOUSE_REFUSED', `away the ${++failures}. time`)
            return sink.flush(epoch)
          },
        }
      },
    }
    for (let s = 0; s <= 61; s++) log.append('NIFTY', second(s, 'NIFTY'))
    const worker = start(log, flaky)
    await until('through', isThrough(to, ['NIFTY']))
    await worker.stop()
    expect(rowsOf(to)).toEqual(await undisturbed(['NIFTY']))
    expect(worker.events.filter((e) => e.type === 'failed').length).toBe(2)
    expect(worker.events.filter((e) => e.type === 'restored').length).toBe(3)
  })

  it('catches up in groups of epochs, and gives the same rows when it is stopped in the middle of them', async () => {
    const SECONDS = 4000
    const last = Math.floor((OPEN + SECONDS * SECOND) / (5 * SECOND)) - 1
    const slowly = (to: MemoryDestination): Destination => ({
      ...to,
      async open(task) {
        const sink = await to.open(task)
        return {
          ...sink,
          async flush(epoch) {
            const flushed = await sink.flush(epoch)
            await sleep(20)
            return flushed
          },
        }
      },
    })
    const [whole, stopped] = [memoryDestination(), memoryDestination()]
    const through = async (to: MemoryDestination, kill: number | undefined) => {
      const group = new MemoryLog<Trade>(['NIFTY'])
      for (let s = 0; s <= SECONDS; s++) group.append('NIFTY', second(s, 'NIFTY'))
      let worker = start(group, slowly(to))
      for (let lives = 0; kill !== undefined && lives < 5; lives++) {
        await sleep(kill)
        await worker.stop()
        worker = start(group, slowly(to))
      }
      await until('through', () => to.epochs('NIFTY').at(-1) === last)
      await worker.stop()
    }
    await through(whole, undefined)
    await through(stopped, 60)
    expect(whole.epochs('NIFTY').length).toBeLessThan(SECONDS / 5 / 2)
    expect(rowsOf(stopped)).toEqual(rowsOf(whole))
    expect(whole.rows('seconds').length).toBeGreaterThan(2 * (SECONDS - 10))
  }, 90_000)

  it('joins the group again when it was lost, and goes on where it was', async () => {
    const log = new MemoryLog<Trade>(['NIFTY'])
    const to = memoryDestination()
    const member = log.member()
    let joins = 0
    const events: LiveEvent[] = []
    const stop = new AbortController()
    const lossy: Log = {
      ...member,
      async join(assigned, signal) {
        if (++joins > 1) return member.join(assigned, signal)
        const lost = new AbortController()
        setTimeout(() => lost.abort(), 150)
        await member.join(assigned, lost.signal)
        throw new TickloomError('KAFKA_UNREACHABLE', 'no broker answers')
      },
    }
    const plan = { topology, params, run: 'R', instruments, destinations: [to], epochLength: 5 * SECOND, log: lossy, silence: 60_000 }
    const done = runLive(plan, { signal: stop.signal, onEvent: (event) => events.push(event) })
    for (let s = 0; s <= 61; s++) {
      log.append('NIFTY', second(s, 'NIFTY'))
      await sleep(5)
    }
    await until('through', isThrough(to, ['NIFTY']))
    stop.abort()
    await done
    expect(events.filter((e) => e.type === 'left').length).toBe(1)
    expect(rowsOf(to)).toEqual(await undisturbed(['NIFTY']))
  })

  it('ends with what a user has to mend', async () => {
    const log = new MemoryLog<Trade>(['NIFTY'])
    const broken: Destination = { ...memoryDestination(), open: () => Promise.reject(new TickloomError('CLICKHOUSE_REJECTED', 'no such column')) }
    await expect(start(log, broken).done).rejects.toMatchObject({ code: 'CLICKHOUSE_REJECTED' })
  })

  it('loses a partition to whoever claims it: the zombie saves nothing more and takes it up again from the other’s checkpoint', async () => {
    const log = new MemoryLog<Trade>(['NIFTY'])
    const to = memoryDestination()
    const zombie = start(log, to)
    for (let s = 0; s <= 20; s++) log.append('NIFTY', second(s, 'NIFTY'))
    await until('some epochs', () => to.epochs('NIFTY').length >= 3)
    const kept = log.kept('NIFTY').length
    await log.member().claim('NIFTY', { topology: '', run: '', partition: 'NIFTY', outputs: {}, instruments })
    for (let s = 21; s <= 30; s++) log.append('NIFTY', second(s, 'NIFTY'))
    await until('fenced', () => zombie.events.some((e) => e.type === 'failed'))
    expect(zombie.events.find((e) => e.type === 'failed')).toMatchObject({ failure: { code: 'FENCED' } })
    expect(log.kept('NIFTY').length).toBe(kept)
    for (let s = 31; s <= 61; s++) log.append('NIFTY', second(s, 'NIFTY'))
    await until('through', isThrough(to, ['NIFTY']))
    await zombie.stop()
    expect(rowsOf(to)).toEqual(await undisturbed(['NIFTY']))
  })

  it('refuses the checkpoint of another graph, and with a reset goes on from where it stood with empty steps', async () => {
    const log = new MemoryLog<Trade>(['NIFTY'])
    const to = memoryDestination()
    for (let s = 0; s <= 22; s++) log.append('NIFTY', second(s, 'NIFTY'))
    const before = start(log, to)
    await until('some epochs', () => to.epochs('NIFTY').length >= 4)
    await before.stop()
    const other: Topology = {
      ...topology,
      wire: (inputs, at, p) => topology.wire(inputs, (id) => at(id === 'dedup' ? 'dedup2' : id), p as never),
    }
    const plan = { params, run: 'R', instruments, destinations: [to], epochLength: 5 * SECOND, silence: 60_000 }
    await expect(runLive({ ...plan, topology: other, log: log.member() }, { signal: new AbortController().signal })).rejects.toMatchObject({
      code: 'CHECKPOINT_FOREIGN',
      at: { added: ['dedup2'], gone: ['dedup'], changed: [] },
    })
    const stop = new AbortController()
    const reset = runLive({ ...plan, topology: other, log: log.member(), resetState: true }, { signal: stop.signal })
    for (let s = 23; s <= 61; s++) log.append('NIFTY', second(s, 'NIFTY'))
    await until('through', isThrough(to, ['NIFTY']))
    stop.abort()
    await reset
    const whole = (await undisturbed(['NIFTY']))['seconds'] as { ts: number }[]
    // The second that was being gathered when the last checkpoint was made is what the steps had in them.
    expect(to.rows('seconds').map((r) => r['ts'])).toEqual(whole.map((r) => r['ts']).filter((ts) => ts !== OPEN + 19 * SECOND))
  })

  it('reports a partition in which nothing arrives, and the whole gap when something does', async () => {
    const log = new MemoryLog<Trade>(['NIFTY'])
    const worker = start(log, memoryDestination(), { silence: 1000 })
    for (let s = 0; s < 3; s++) log.append('NIFTY', second(s, 'NIFTY'))
    await until('silent', () => worker.events.some((e) => e.type === 'silent'))
    log.append('NIFTY', second(60, 'NIFTY'))
    await until('heard', () => worker.events.some((e) => e.type === 'heard'))
    await worker.stop()
    const from = OPEN + 2.5 * SECOND
    const both = ['NIFTY', 'NIFTY:2025-01-09:24000:CE']
    // What is said after that is of the quiet that follows.
    expect(worker.events.filter((e) => e.type === 'silent' || e.type === 'heard').slice(0, 2)).toEqual([
      { type: 'silent', gap: { partition: 'NIFTY', from, to: undefined, instruments: both } },
      { type: 'heard', gap: { partition: 'NIFTY', from, to: OPEN + 60.5 * SECOND, instruments: both } },
    ])
  })
})
