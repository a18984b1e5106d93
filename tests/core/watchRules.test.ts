import { describe, expect, it } from 'vitest'
import { strikesOf, watchRules } from '../../core/watchRules.ts'

const level = { name: 'a', column: 'mark', above: 5 }

describe('rules', () => {
  it('are taken as they are when nothing is wrong', () => {
    const rules = [
      { ...level, rearm: 4, cooldown: 0 },
      { name: 'b', underlying: 'BTC*', expiry: '2026-*', strike: '1..2', type: 'CE', column: 'oi', change: '5%', within: 60 },
      { name: 'c', burst: 3, window: 60, baseline: 600, floor: 100 },
    ]
    expect(watchRules(rules)).toEqual(rules)
  })

  it.each([
    [{ rules: [] }, 'rules: a list of rules is expected'],
    [['x'], 'rule 1: keys and values are expected'],
    [[{ above: 1 }], 'rule 1: it has no name; begin it with "- name:'],
    [[level, level], 'two rules are called "a"'],
    [[{ name: 'a', column: 'mark' }], 'rule 1 "a": it has none of above, below, rise, fall, change, burst; give exactly one'],
    [[{ ...level, below: 1 }], 'it has above and below of'],
    [[{ ...level, within: 60 }], '"within" is not for a rule with "above", which takes name,'],
    [[{ ...level, abovee: 60 }], '"abovee" is not for'],
    [[{ ...level, above: '5' }], 'above: a number is expected, not "5"'],
    [[{ ...level, above: Number.NaN }], 'above: a number is expected'],
    [[{ ...level, column: 'price' }], 'column: "price" is not watched; there are last, bid, ask, mark, iv, delta, oi, volume'],
    [[{ name: 'a', above: 5 }], 'column: it is missing'],
    [[{ ...level, rearm: 6 }], 'rearm: 6 is above 5'],
    [[{ ...level, type: 'CALL' }], 'type: "CALL" is none of CE (calls), PE (puts), FUT, SPOT'],
    [[{ ...level, strike: '5..4' }], 'strike: "5..4" is neither a number nor low..high'],
    [[{ ...level, strike: 5, type: 'FUT' }], 'strike: type FUT has none'],
    [[{ ...level, expiry: 'March' }], 'expiry: March is not as YYYY-MM-DD'],
    [[{ ...level, expiry: new Date(0) }], 'expiry: a text is expected'],
    [[{ ...level, cooldown: -1 }], 'cooldown: -1 is below 0'],
    [[{ name: 'a', column: 'mark', rise: '5 percent', within: 60 }], 'rise: "5 percent" is neither a part such as 5%'],
    [[{ name: 'a', column: 'mark', rise: 0, within: 60 }], 'rise: 0 is neither'],
    [[{ name: 'a', column: 'mark', rise: '5%' }], 'it has no within; "within: 60" looks back 60 seconds'],
    [[{ name: 'a', burst: 3 }], 'it has no window'],
    [[{ name: 'a', burst: 3, window: 60, baseline: 30 }], 'baseline: 30 seconds is not from 1 to 60 windows of 60 seconds'],
    [[{ name: 'a', burst: 3, window: 1, column: 'volume' }], '"column" is not for a rule with "burst"'],
  ])('%j are refused: %s', (content, message) => {
    expect(() => watchRules(content)).toThrow(message)
  })

  it('name strikes one by one, or from low to high', () => {
    expect(['70000', 70000, '1.5..2.5', '..5', '5..', ' 1 .. 2 ', '..', 'x', '1..2..3', '1.2.3'].map(strikesOf)).toEqual([
      { low: 70000, high: 70000 },
      { low: 70000, high: 70000 },
      { low: 1.5, high: 2.5 },
      { low: 0, high: 5 },
      { low: 5, high: Infinity },
      { low: 1, high: 2 },
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })
})
