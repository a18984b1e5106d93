import { Subject } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dot, draw, mermaid, notes } from '../../cli/graph.ts'
import type { Batch } from '../../core/batch.ts'
import { TickloomError } from '../../core/errors.ts'
import { Trade } from '../../core/market.ts'
import { topology } from '../../core/topology.ts'

const params = z.object({
  keep: z.object({ above: z.number().default(5).meta({ unit: 'contracts', description: 'the least that counts' }) }).prefault({}),
})

const twoSteps = topology({
  name: 'two-steps',
  version: 3,
  memory: 'day',
  params,
  presets: { high: { keep: { above: 50 } } },
  inputs: { ticks: Trade },
  outputs: { kept: Trade, rest: Trade },
  wire({ ticks }, at) {
    const parts = at('keep').split<Trade, { yes: Trade; no: Trade }>(['yes', 'no'], (b) => ({ yes: b, no: b }))(ticks)
    return { kept: parts.yes.pipe(at('end').map<Trade, Trade>((b) => b)), rest: parts.no }
  },
})

describe('draw', () => {
  test('finds steps, inputs and outputs, and the branch an edge leaves by', () => {
    const { nodes, edges } = draw(twoSteps)
    expect(nodes.map((n) => n.id)).toEqual(['input:ticks', 'step:keep', 'step:end', 'output:kept', 'output:rest'])
    expect(edges).toEqual([
      { from: 'input:ticks', to: 'step:keep' },
      { from: 'step:keep', to: 'step:end', label: 'yes' },
      { from: 'step:end', to: 'output:kept' },
      { from: 'step:keep', to: 'output:rest', label: 'no' },
    ])
  })

  test('shows the value a preset or a setting gives beside the default', () => {
    const line = { path: 'keep.above', unit: 'contracts', description: 'the least that counts', byDefault: 5 }
    expect(draw(twoSteps).parameters).toEqual([{ ...line, value: 5 }])
    expect(draw(twoSteps, [], 'high').parameters).toEqual([{ ...line, value: 50 }])
    expect(draw(twoSteps, ['keep.above=7'], 'high').parameters).toEqual([{ ...line, value: 7 }])
  })

  test('refuses a parameter that is none', () => {
    expect(() => draw(twoSteps, ['keep.beneath=7'])).toThrow(/no parameter "keep.beneath"; it has keep.above/)
  })

  test('names the topology whose wiring throws', () => {
    const broken = topology({
      ...twoSteps,
      wire: () => {
        throw new Error('no such step')
      },
    })
    expect(() => draw(broken)).toThrow(/wire\(\) of topology two-steps failed: no such step/)
  })

  test('lets through what the flow itself found', () => {
    const twice = topology({
      ...twoSteps,
      wire: ({ ticks }, at) => ({ kept: ticks.pipe(at('a').map<Trade, Trade>((b) => b)), rest: ticks.pipe(at('a').map<Trade, Trade>((b) => b)) }),
    })
    expect(() => draw(twice)).toThrow(TickloomError)
    expect(() => draw(twice)).toThrow(/two steps are called "a"/)
  })

  test('a stream that comes from nowhere known is drawn without its beginning', () => {
    const stray = topology({ ...twoSteps, outputs: { kept: Trade }, wire: () => ({ kept: new Subject<Batch<Trade>>() }) })
    expect(mermaid(draw(stray))).toBe('flowchart LR\n  n0(["ticks"])\n  n1[("kept")]')
  })
})

test('mermaid', () => {
  expect(mermaid(draw(twoSteps))).toBe(`flowchart LR
  n0(["ticks"])
  n1["keep"]
  n2["end"]
  n3[("kept")]
  n4[("rest")]
  n0 --> n1
  n1 -- yes --> n2
  n2 --> n3
  n1 -- no --> n4`)
})

test('dot', () => {
  expect(dot(draw(twoSteps))).toContain('  "step:keep" -> "step:end" [label="yes"]')
})

test('notes', () => {
  expect(notes(draw(twoSteps))).toEqual([
    'two-steps, version 3; days are independent',
    '',
    'parameter   value  default  unit       meaning',
    'keep.above  5      5        contracts  the least that counts',
    '',
    'preset high: {"keep":{"above":50}}',
    '',
  ])
})
