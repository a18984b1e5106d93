import fc from 'fast-check'
import type { Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { Batch, Schema } from '../../core/batch.ts'
import { Burst, Second, Trade } from '../../core/market.ts'
import { resolveParameters } from '../../core/parameters.ts'
import { SECOND } from '../../core/time.ts'
import type { Topology } from '../../core/topology.ts'
import { Signal } from '../../operators/signal.ts'
import { Flow } from '../../runtime/flow.ts'
import volumeBurst from '../../topologies/volume-burst/graph.ts'
import { at, type Row, toBatch, toRows } from '../kit/table.ts'

const topology = volumeBurst as unknown as Topology
const params = resolveParameters(topology, ['rollingBurst.window=2', 'rollingBurst.baseline=4', 'signal.multiplier=1', 'signal.floor=1'])
const outputs: Readonly<Record<string, Schema>> = { seconds: Second, bursts: Burst, signals: Signal }
const BELL = at('15:30:00')

/** What the topology answers to the ticks in chunks, stopped and restored after the chunk `restart`. */
function answer(chunks: readonly (readonly Row[])[], restart = -1): Record<string, Row[]> {
  const rows: Record<string, Row[]> = { seconds: [], bursts: [], signals: [] }
  const open = () => {
    const flow = new Flow()
    const wired = flow.wire(topology, params)
    for (const [name, schema] of Object.entries(outputs))
      wired.outputs[name].subscribe((b) => rows[name].push(...toRows(b, schema, flow.instruments)))
    return { flow, input: wired.inputs['ticks'] as unknown as Subject<Batch<Schema>> }
  }
  let { flow, input } = open()
  chunks.forEach((chunk, i) => {
    input.next(toBatch(Trade, chunk, flow.instruments))
    if (i !== restart) return
    const saved = structuredClone(flow.snapshot())
    ;({ flow, input } = open())
    flow.instruments.id('SEEN-FIRST-AFTER-THE-RESTART')
    flow.restore(saved)
  })
  input.next(toBatch(Trade, [], flow.instruments, BELL + SECOND))
  return rows
}

/** Ticks around the bell, in time order: many of one time, many doubles, two segments, falls of volume. */
const market = fc
  .array(
    fc.record({
      wait: fc.constantFrom(0, 0, 0, 1, 400_000, 1_000_000, 3_000_000),
      instrument: fc.constantFrom('NIFTY', 'NIFTY:2025-01-09:24000:CE', 'NIFTY:2025-01-09:24000:PE'),
      price: fc.integer({ min: 1, max: 3 }),
      volume: fc.integer({ min: 0, max: 40 }),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((ticks) => {
    let ts = BELL - 20 * SECOND
    return ticks.map(({ wait, ...tick }): Row => ({ ts: (ts += wait), ...tick }))
  })

/** The seconds of one instrument as their definition reads, with no thought of batches or speed. */
function secondsByDefinition(ticks: readonly Row[], instrument: string): [number, number, number, boolean][] {
  const kept = ticks.filter(
    (t, i) =>
      t['instrument'] === instrument &&
      (t['ts'] as number) < BELL &&
      !ticks.some((u, j) => j < i && u['instrument'] === instrument && u['ts'] === t['ts']),
  )
  if (kept.length === 0) return []
  const second = (t: Row) => Math.floor((t['ts'] as number) / SECOND) * SECOND
  const rows: [number, number, number, boolean][] = []
  for (let s = second(kept[0]); s < BELL; s += SECOND) {
    const here = kept.filter((t) => second(t) === s)
    const upToHere = kept.filter((t) => second(t) <= s)
    const vol = here.reduce((sum, t) => sum + Math.max(0, (t['volume'] as number) - ((kept[kept.indexOf(t) - 1] ?? t)['volume'] as number)), 0)
    rows.push([s, upToHere[upToHere.length - 1]['price'] as number, vol, here.length > 0])
  }
  return rows
}

describe('markets at random', () => {
  it('give the same rows however they are cut, and wherever they are stopped and restored', () => {
    fc.assert(
      fc.property(market, fc.array(fc.nat(40), { maxLength: 8 }), fc.nat(8), (ticks, cuts, stop) => {
        const points = [0, ...cuts.map((c) => Math.min(c, ticks.length)).sort((a, b) => a - b), ticks.length]
        const chunks = points.slice(1).map((to, i) => ticks.slice(points[i], to))
        const whole = answer([ticks])
        expect(answer(chunks)).toEqual(whole)
        expect(answer(ticks.map((tick) => [tick]))).toEqual(whole)
        expect(answer(chunks, Math.min(stop, chunks.length - 1))).toEqual(whole)
      }),
      { numRuns: 1000 },
    )
  })

  it('give the seconds that the definition gives', () => {
    fc.assert(
      fc.property(market, (ticks) => {
        const { seconds } = answer([ticks])
        for (const name of new Set(ticks.map((t) => t['instrument'] as string))) {
          const ours = seconds.filter((row) => row['instrument'] === name).map((row) => [row['ts'], row['close'], row['vol'], row['observed'] === 1])
          expect(ours).toEqual(secondsByDefinition(ticks, name))
        }
      }),
      { numRuns: 1000 },
    )
  })
})
