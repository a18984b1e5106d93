import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EpochCutter } from '../../runtime/epochs.ts'

const LENGTH = 10
const schema = { ts: 'time' } as const
/** A row's time, or how far a heartbeat lifts time. */
type Event = { readonly ts: number } | { readonly watermark: number }

/** Cuts a log (batches end after each `cuts` place, and after each heartbeat) and lists each epoch's rows; `|` ends an epoch. */
async function epochs(log: readonly Event[], cuts: ReadonlySet<number> = new Set()): Promise<string[]> {
  const cutter = new EpochCutter<typeof schema>(LENGTH)
  const out: string[] = []
  let rows: number[] = []
  const flush = (watermark: number) => {
    const batch = { n: rows.length, watermark, col: { ts: Float64Array.from(rows) } }
    rows = []
    return cutter.cut(
      batch,
      (piece) => {
        out.push(...Array.from(piece.col.ts.subarray(0, piece.n), String))
      },
      async (epoch) => {
        out.push(`| ${epoch}`)
      },
    )
  }
  for (const [i, event] of log.entries()) {
    if ('ts' in event) rows.push(event.ts)
    if ('watermark' in event || cuts.has(i)) await flush('watermark' in event ? event.watermark : -Infinity)
  }
  await flush(-Infinity)
  return [...out, `| ${cutter.epoch}`]
}
const rows = (...ts: number[]): Event[] => ts.map((t) => ({ ts: t }))

describe('EpochCutter', () => {
  it('ends an epoch before the row that lifts the maximum over a multiple of the length', async () => {
    expect(await epochs(rows(3, 9, 10, 4, 19, 35))).toEqual(['3', '9', '| 0', '10', '4', '19', '| 1', '35', '| 3'])
  })

  it('ends an epoch at a heartbeat, once', async () => {
    expect(await epochs([...rows(3), { watermark: 12 }, { watermark: 15 }, ...rows(9, 13)])).toEqual(['3', '| 0', '9', '13', '| 1'])
  })

  it('takes a time that is none for no time, wherever it stands', async () => {
    expect(await epochs(rows(-Infinity, Number.NaN, 3, Infinity, Number.NaN, 12, -Infinity))).toEqual([
      '-Infinity',
      'NaN',
      '3',
      'Infinity',
      'NaN',
      '| 0',
      '12',
      '-Infinity',
      '| 1',
    ])
  })

  it('numbers rows without any time 0, and stays in its epoch when the source says the end of time', async () => {
    expect(await epochs(rows(Number.NaN))).toEqual(['NaN', '| 0'])
    expect(await epochs([...rows(13), { watermark: Infinity }])).toEqual(['13', '| 1'])
  })

  it('cuts a log at the same rows however it came in batches, by its running maximum', async () => {
    const time = fc.oneof({ weight: 9, arbitrary: fc.nat(99) }, { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Infinity, -Infinity) })
    const event = fc.oneof({ weight: 4, arbitrary: fc.record({ ts: time }) }, { weight: 1, arbitrary: fc.record({ watermark: fc.nat(99) }) })
    await fc.assert(
      fc.asyncProperty(fc.array(event), fc.array(fc.nat(30)), async (log, cuts) => {
        const expected: string[] = []
        let maximum = -Infinity
        const number = () => (maximum === -Infinity ? 0 : Math.floor(maximum / LENGTH))
        for (const e of log) {
          const t = 'ts' in e ? e.ts : e.watermark
          if (Number.isFinite(t) && t > maximum) {
            if (maximum !== -Infinity && Math.floor(t / LENGTH) > number()) expected.push(`| ${number()}`)
            maximum = t
          }
          if ('ts' in e) expected.push(String(e.ts))
        }
        expect(await epochs(log, new Set(cuts))).toEqual([...expected, `| ${number()}`])
      }),
    )
  })

  it('has moved its maximum to what opens the next epoch when it ends one, so that a resumed run does not end it twice', async () => {
    const cutter = new EpochCutter<typeof schema>(LENGTH)
    const seen: unknown[] = []
    const end = async (epoch: number, before: number) => {
      seen.push([epoch, before, cutter.maximum, cutter.watermark])
    }
    await cutter.cut({ n: 2, watermark: 22, col: { ts: Float64Array.of(3, 14) } }, () => {}, end)
    expect(seen).toEqual([
      [0, 1, 14, -Infinity],
      [1, 2, 22, 22],
    ])
  })
})
