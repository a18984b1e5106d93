import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { generateDay } from '../../connectors/synthetic/market.ts'
import { parseSyntheticOptions } from '../../connectors/synthetic/source.ts'
import { type Batch, type Schema, sliceRows } from '../../core/batch.ts'
import { Instruments } from '../../core/instruments.ts'
import { resolveParameters } from '../../core/parameters.ts'
import { parseDate } from '../../core/time.ts'
import type { Topology } from '../../core/topology.ts'
import { Flow } from '../../runtime/flow.ts'
import atmVolumeBurst from '../../topologies/atm-volume-burst/graph.ts'
import { at, clock, DATE, type Row, rowsOf, toBatch, toRows } from '../kit/table.ts'

const topology = atmVolumeBurst as unknown as Topology
const Ticks = atmVolumeBurst.inputs.ticks
/** Not the bell: from then on seconds would only repeat their prices. */
const END = at('09:24:30')
type Answer = Record<string, Row[]>

/** What the topology answers to ticks by name, in the parts that `cuts` make of them; saved and restored after the part `restart`. */
function answer(settings: readonly string[], ticks: readonly Row[], cuts: readonly number[] = [], restart = -1): Answer {
  const params = resolveParameters(topology, settings)
  const rows: Answer = {}
  const open = () => {
    const flow = new Flow()
    const { inputs, outputs } = flow.wire(topology, params)
    for (const [name, schema] of Object.entries(topology.outputs)) {
      rows[name] ??= []
      outputs[name].subscribe((b: Batch<Schema>) => rows[name].push(...toRows(b, schema, flow.instruments)))
    }
    return { flow, input: inputs['ticks'] }
  }
  let { flow, input } = open()
  const points = [0, ...[...cuts].sort((a, b) => a - b), ticks.length]
  for (const [i, to] of points.slice(1).entries()) {
    input.next(toBatch(Ticks, ticks.slice(points[i], to), flow.instruments, to === ticks.length ? END : -Infinity))
    if (i !== restart) continue
    const saved = structuredClone(flow.snapshot())
    ;({ flow, input } = open())
    flow.instruments.id('SEEN-FIRST-AFTER-THE-RESTART')
    flow.restore(saved)
  }
  return rows
}

const shown = (rows: readonly Row[], ...columns: string[]): string[] =>
  rows.map((row) => columns.map((c) => (typeof row[c] === 'number' && row[c] > 1e15 ? clock(row[c]) : row[c])).join(' '))

describe('atm-volume-burst', () => {
  it('makes of one small day what a hand makes of it', () => {
    const CALL = 'NIFTY:2025-01-09:24000:CE'
    // A lot a second, then 40 lots in 09:20:05; sold at the bid of the next second; a rise by 16 % is the stop.
    const ticks = rowsOf(
      Ticks,
      `
      ts        instrument  price  volume    bid    ask
      09:19:58  NIFTY       24010       0      -      -
      09:19:58  ${CALL}       100       0   99.9  100.1
      09:19:59  ${CALL}       100      75   99.9  100.1
      09:20:00  NIFTY       24020       0      -      -
      09:20:00  ${CALL}       100     150   99.9  100.1
      09:20:01  ${CALL}       100     225   99.9  100.1
      09:20:02  NIFTY       24400       0      -      -
      09:20:02  ${CALL}       100     300   99.9  100.1
      09:20:03  ${CALL}       100     375   99.9  100.1
      09:20:04  ${CALL}       100     450   99.9  100.1
      09:20:05  ${CALL}       101    3450  100.9  101.1
      09:20:06  ${CALL}       101    3525  101.5  101.7
      09:20:07  ${CALL}       110    3600  109.9  110.1
      09:20:08  ${CALL}       118    3675  117.5  118.0
      09:20:09  ${CALL}       119    3750  118.5  119.0`,
    )
    const settings = [
      'anchors.first=09:20',
      'anchors.last=09:20',
      'width=0',
      'types=CE',
      'trend.filter=off',
      'rollingBurst.window=2',
      'rollingBurst.baseline=4',
    ]
    const { signals, orders, fills, trades, watched } = answer(settings, ticks)
    // burst = 75 + 3000; baseline = (75 + 75 + 75 + 3000) / 4 * 2
    expect(shown(signals, 'ts', 'instrument', 'burst', 'baseline', 'anchor', 'distance', 'spot', 'trend', 'anchorPrice', 'rank', 'taken')).toEqual([
      `09:20:05 ${CALL} 3075 1612.5 09:20:00 0 24400 380 100 1 1`,
    ])
    expect(shown(orders, 'ts', 'placed', 'side', 'purpose', 'lots', 'quantity', 'fate')).toEqual([
      '09:20:06 09:20:05 sell entry 1 75 filled',
      '09:20:09 09:20:08 buy stop 1 75 filled',
    ])
    expect(shown(fills, 'ts', 'side', 'source', 'price', 'quantity')).toEqual(['09:20:06 sell book 101.5 75', '09:20:09 buy book 119 75'])
    expect(shown(trades, 'entered', 'ts', 'direction', 'entry', 'exit', 'points', 'gross', 'reason')).toEqual([
      '09:20:06 09:20:09 short 101.5 119 -17.5 -1312.5 stop',
    ])
    const seconds = watched.filter((row) => row['instrument'] === CALL)
    expect(shown(seconds.slice(0, 3), 'ts', 'close', 'bid', 'ask', 'burst', 'spot', 'anchorSpot', 'active')).toEqual([
      '09:20:00 100 99.9 100.1 150 24020 24020 1',
      '09:20:01 100 99.9 100.1 150 24020 24020 1',
      '09:20:02 100 99.9 100.1 150 24400 24020 1',
    ])
  })

  it('gives the same rows however ticks are cut into batches, and wherever it is stopped and restored', () => {
    const instruments = new Instruments()
    const options = parseSyntheticOptions({ seed: 5, strikes: 3, rate: 0.5, close: '09:24', late: 0, offSession: false })
    const { ticks } = generateDay(options, parseDate(DATE), instruments)
    const rows = toRows(sliceRows(ticks, 0, ticks.n, END), Ticks, instruments).sort((a, b) => Number(a['ts']) - Number(b['ts']))
    const settings = [
      'anchors.first=09:17',
      'anchors.every=2',
      'trend.filter=off',
      'hold=20',
      'rollingBurst.window=3',
      'rollingBurst.baseline=30',
      'rollingBurst.floor=75',
    ]
    const whole = answer(settings, rows)
    expect(whole['trades'].length).toBeGreaterThan(2)
    fc.assert(
      fc.property(fc.array(fc.nat(rows.length), { maxLength: 12 }), fc.nat(12), (cuts, restart) => {
        expect(answer(settings, rows, cuts, restart)).toEqual(whole)
      }),
      { numRuns: 8 },
    )
  }, 60_000)
})
