import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countOf, parseGrid, settingsAt } from '../../cli/sweepGrid.ts'

const valuesOf = (setting: string): readonly string[] => parseGrid([setting])[0].values

describe('the values of a parameter', () => {
  it.each([
    ['m=1.5..3:0.25', '1.5 1.75 2 2.25 2.5 2.75 3'],
    ['m=0.1..0.4:0.1', '0.1 0.2 0.3 0.4'],
    ['m=-0.1..0.1:0.05', '-0.1 -0.05 0 0.05 0.1'],
    ['m=1..2:0.3', '1 1.3 1.6 1.9'],
    ['m=10..30:10', '10 20 30'],
    ['m=0.10,0.1,0.150', '0.1 0.15'],
    ['m=1..3:1,10', '1 2 3 10'],
    ['side=buy,sell', 'buy sell'],
    ['n=007', '7'],
  ])('%s are %s', (setting, values) => {
    expect(valuesOf(setting).join(' ')).toBe(values)
  })

  it('are exact decimals, whatever the range', () => {
    fc.assert(
      fc.property(fc.integer({ min: -999, max: 999 }), fc.integer({ min: 1, max: 300 }), fc.nat(40), (first, step, steps) => {
        const values = valuesOf(`m=${first / 1000}..${(first + step * steps) / 1000}:${step / 1000}`)
        expect(values.map(Number)).toEqual(Array.from({ length: steps + 1 }, (_, i) => (first + step * i) / 1000))
      }),
    )
  })

  it.each([
    ['m', /not of the form name=values/],
    ['m=', /empty value/],
    ['m=1,,2', /empty value/],
    ['m=1..2', /written first\.\.last:step/],
    ['m=1..2:0', /step .* not above 0/],
    ['m=2..1:1', /lower end comes first/],
    ['m=0..1:0.0000001', /more than 1,000,000 values/],
  ])('%s is refused', (setting, why) => {
    expect(() => parseGrid([setting])).toThrow(why)
  })
})

describe('a grid', () => {
  it('has every combination, the last parameter changing fastest', () => {
    const grid = parseGrid(['a=1,2', 'b=x,y,z'])
    expect(countOf(grid)).toBe(6)
    expect(Array.from({ length: 6 }, (_, i) => settingsAt(grid, i).join(' '))).toEqual([
      'a=1 b=x',
      'a=1 b=y',
      'a=1 b=z',
      'a=2 b=x',
      'a=2 b=y',
      'a=2 b=z',
    ])
  })

  it('is one set when nothing is varied', () => {
    expect([countOf([]), settingsAt([], 0)]).toEqual([1, []])
  })

  it('refuses a parameter named twice, and more sets than anybody waits for', () => {
    expect(() => parseGrid(['a=1', 'a=2'])).toThrow(/given twice/)
    expect(() => parseGrid(['a=1..2000:1', 'b=1..2000:1'])).toThrow(/4,000,000 sets/)
  })
})
