import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AtEnd, Grouping } from '../../runtime/grouping.ts'

const MANY = 1_000
const none = { pending: undefined, announce: async () => {} }

describe('Grouping', () => {
  it('commits epoch by epoch while nothing waits, and together what ended during a commit when much does', () => {
    const grouping = new Grouping(none)
    const at = (epoch: number, busy: boolean, waiting: number, rows = 10): AtEnd => grouping.at(epoch, busy, rows, waiting)
    expect(at(1, false, 0)).toBe('commit')
    expect(at(2, true, 0)).toBe('commit')
    expect(at(3, true, MANY)).toBe('go on')
    expect(at(4, true, MANY)).toBe('go on')
    expect(at(5, false, MANY)).toBe('announce and commit')
    expect(at(6, false, MANY)).toBe('commit')
    expect(at(7, true, MANY, 1_000_000)).toBe('commit')
  })

  it('begins with a single epoch, or with what the owner before announced, whatever waits', () => {
    expect(new Grouping(none).at(4, true, 0, MANY)).toBe('commit')
    const heir = new Grouping({ pending: 9, announce: async () => {} })
    expect([7, 8, 9].map((epoch) => heir.at(epoch, false, 5_000_000, 0))).toEqual(['go on', 'go on', 'commit'])
  })

  /**
   * Owners that crash at any moment, each going on from what the last one made known: the groups that sinks ever see,
   * by their first and last epoch, never overlap unless they are the same.
   */
  it('names the same rows by the same epoch, whoever crashed when', () => {
    const step = fc.record({
      busy: fc.boolean(),
      waiting: fc.constantFrom(0, MANY),
      crash: fc.constantFrom('no', 'no', 'no', 'announced', 'flushed'),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 200 }), (steps) => {
        let [committed, announced]: [number, number | undefined] = [0, undefined]
        let grouping = new Grouping({ ...none, pending: announced })
        const seen = new Map<number, number>()
        let epoch = 1
        for (const { busy, waiting, crash } of steps) {
          const what = grouping.at(epoch, busy, 0, waiting)
          if (what === 'go on') {
            epoch++
            continue
          }
          if (what === 'announce and commit') announced = epoch
          if (crash !== 'announced') {
            // What a sink is given: everything after the last commit, by the name of this epoch.
            expect(seen.get(committed + 1) ?? epoch).toBe(epoch)
            seen.set(committed + 1, epoch)
          }
          if (crash === 'no') {
            committed = epoch
            announced = undefined
          } else grouping = new Grouping({ ...none, pending: announced })
          epoch = committed + 1
        }
      }),
    )
  })
})
