import { expect, it } from 'vitest'
import { z } from 'zod'
import { Second, Trade } from '../../core/market.ts'
import { listParameters, resolveParameters } from '../../core/parameters.ts'
import { type Ports, type Topology, topology } from '../../core/topology.ts'
import { Flow } from '../../runtime/flow.ts'
import { fromTicks } from '../../topologies/seconds/fromTicks.ts'
import secondsBurst from '../../topologies/seconds-burst/graph.ts'
import volumeBurst from '../../topologies/volume-burst/graph.ts'

const onSeconds = secondsBurst as unknown as Topology

it('puts the graph of seconds in front, under names of its own, and changes nothing else', () => {
  const wrapped = fromTicks(onSeconds)
  expect(wrapped).toMatchObject({ name: 'seconds-burst', version: 1, memory: 'day', inputs: { ticks: Trade }, outputs: onSeconds.outputs })
  expect(listParameters(wrapped.params).map(({ path, unit }) => [path, unit])).toEqual([
    ['rollingBurst.window', 's'],
    ['rollingBurst.baseline', 's'],
    ['signal.multiplier', 'x'],
    ['signal.floor', 'contracts'],
    ['signal.cooldown', 's'],
    ['seconds.lateness', 's'],
  ])
  const params = resolveParameters(wrapped, ['seconds.lateness=2'], 'j1')
  expect(params).toMatchObject({ seconds: { lateness: 2 }, signal: { multiplier: 3 } })
  const flow = new Flow()
  flow.wire(wrapped, params)
  const made = ['eventTime', 'sessionFilter', 'dedup', 'volDelta', 'perSecond'].map((step) => `seconds.${step}`)
  expect([...flow.meters.keys()]).toEqual([...made, 'rollingBurst', 'signal'])
})

it('gives back a topology on ticks as it is', () => {
  const onTicks = volumeBurst as unknown as Topology
  expect(fromTicks(onTicks)).toBe(onTicks)
})

it.each([
  ['a column that no second has', { seconds: { ...Second, price: 'f64' } }, {}, 'wrong has price f64 in its input "seconds"; a second has ts time,'],
  ['a column of another kind', { seconds: { ...Second, vol: 'i32' } }, {}, 'wrong has vol i32 in its input "seconds"'],
  ['another input', { seconds: Second, ticks: Trade }, {}, 'wrong starts from seconds, and has the input "ticks" too'],
  ['a parameter called seconds', { seconds: Second }, { seconds: z.number().default(1) }, 'its parameter "seconds" needs another name'],
] satisfies [string, Ports, z.ZodRawShape, string][])('refuses %s', (_, inputs, params, message) => {
  const wrong = topology({ name: 'wrong', version: 1, memory: 'day', params: z.object(params), inputs, outputs: {}, wire: () => ({}) })
  expect(() => fromTicks(wrong as unknown as Topology)).toThrow(
    expect.objectContaining({ code: 'TOPOLOGY_INVALID', message: expect.stringContaining(message) }),
  )
})
