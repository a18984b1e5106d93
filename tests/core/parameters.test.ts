import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { listParameters, resolveParameters } from '../../core/parameters.ts'
import { topology } from '../../core/topology.ts'

const params = z.object({
  burst: z
    .object({
      window: z.number().int().positive().default(30).meta({ unit: 's', description: 'how long a burst is' }),
      floor: z.number().default(0).meta({ unit: 'contracts', description: 'the least volume' }),
    })
    .prefault({}),
  side: z.enum(['buy', 'sell']).default('buy').meta({ unit: '', description: 'which way' }),
  strict: z.boolean().default(false),
})
const bursts = topology({
  name: 'bursts',
  version: 1,
  memory: 'day',
  params,
  presets: { quick: { burst: { window: 5 } } },
  inputs: {},
  outputs: {},
  wire: () => ({}),
})
const refused = (parameter: string) => expect.objectContaining({ code: 'PARAMETER_INVALID', at: { parameter } })

test('every parameter is listed with its unit, default and meaning', () => {
  expect(listParameters(params)).toEqual([
    { path: 'burst.window', unit: 's', byDefault: 30, description: 'how long a burst is' },
    { path: 'burst.floor', unit: 'contracts', byDefault: 0, description: 'the least volume' },
    { path: 'side', unit: '', byDefault: 'buy', description: 'which way' },
    { path: 'strict', unit: '', byDefault: false, description: '' },
  ])
})

describe('resolving', () => {
  test('defaults, then the preset, then the settings', () => {
    expect(resolveParameters(bursts)).toEqual({ burst: { window: 30, floor: 0 }, side: 'buy', strict: false })
    expect(resolveParameters(bursts, ['burst.floor=-1.5', 'strict=true'], 'quick')).toEqual({
      burst: { window: 5, floor: -1.5 },
      side: 'buy',
      strict: true,
    })
    expect(resolveParameters(bursts, ['burst.window=7'], 'quick')).toMatchObject({ burst: { window: 7 } })
  })

  test('a setting leaves the preset as it was', () => {
    resolveParameters(bursts, ['burst.window=7'], 'quick')
    expect(bursts.presets).toEqual({ quick: { burst: { window: 5 } } })
  })

  test('an unknown name lists what there is', () => {
    const resolve = () => resolveParameters(bursts, ['burst.size=1'])
    expect(resolve).toThrow(refused('burst.size'))
    expect(resolve).toThrow('bursts has no parameter "burst.size"; it has burst.window, burst.floor, side, strict')
  })

  test.each([
    ['burst.window=long', 'burst.window'],
    ['burst.window=1.5', 'burst.window'],
    ['side=hold', 'side'],
    ['strict=1', 'strict'],
  ])('%s is refused by name', (setting, parameter) => {
    expect(() => resolveParameters(bursts, [setting])).toThrow(refused(parameter))
  })

  test('no value, and no such preset', () => {
    expect(() => resolveParameters(bursts, ['strict'])).toThrow('"strict" is not of the form name=value')
    expect(() => resolveParameters(bursts, [], 'slow')).toThrow('bursts has no preset "slow"; it has quick')
  })
})
