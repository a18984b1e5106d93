import fc from 'fast-check'
import { Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { Batch } from '../../core/batch.ts'
import { RowBuffer } from '../../core/rowBuffer.ts'
import { Flow } from '../../runtime/flow.ts'
import { at, type Row, rowsOf, toBatch, toRows } from '../kit/table.ts'

const Mark = { ts: 'time', of: 'left|right', n: 'i32' } as const

/** Joins two streams into one: at each instant what came on the left, then what came on the right. */
function plugged(take: (batch: Batch<typeof Mark>) => void) {
  const flow = new Flow()
  const left = new Subject<Batch<typeof Mark>>()
  const right = new Subject<Batch<typeof Mark>>()
  const step = flow.at('both')
  const out = new RowBuffer(Mark)
  const join = step.join({ left: Mark, right: Mark }, ['out'], ({ left, right }) => {
    out.clear()
    let r = 0
    for (let l = 0; l < left.n; l++) {
      while (r < right.n && right.col.ts[r] < left.col.ts[l]) out.append(right, r, ++r)
      out.append(left, l, l + 1)
    }
    out.append(right, r)
    return { out: out.view(left.watermark) }
  })
  let failure: unknown
  join({ left, right }).out.subscribe({
    next: take,
    error: (thrown) => {
      failure = thrown
    },
  })
  return { flow, left, right, failure: () => failure }
}

const table = rowsOf(
  Mark,
  `
  ts        of     n
  09:15:00  left   1
  09:15:00  right  2
  09:15:01  left   3
  09:15:01  left   4
  09:15:03  right  5
  09:15:04  left   6
  09:15:04  right  7`,
)

describe('join', () => {
  it('gives rows out when the watermarks of both have passed them, and keeps the others', () => {
    const seen: unknown[][] = []
    const { flow, left, right } = plugged((b) => seen.push(toRows(b, Mark, flow.instruments).map((row) => row['n'])))
    const send = (of: typeof left, rows: Row[], clock: string) => of.next(toBatch(Mark, rows, flow.instruments, at(clock)))
    send(left, [table[0], table[2], table[3]], '09:15:02')
    send(right, [table[1]], '09:15:01')
    send(right, [], '09:15:09')
    send(left, [table[5]], '09:15:04')
    expect(seen).toEqual([[1, 2], [3, 4], []])
  })

  it('gives the same rows however both streams are cut, and when it is saved and restored between any two batches', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(table.length), { maxLength: 6 }), fc.nat(8), fc.boolean(), (cuts, restart, rightFirst) => {
        const rows: unknown[] = []
        const begin = () => {
          const running = plugged((b) => rows.push(...toRows(b, Mark, running.flow.instruments).map((row) => row['n'])))
          return running
        }
        let running = begin()
        const points = [0, ...cuts.sort((a, b) => a - b), table.length]
        for (const [i, from] of points.entries()) {
          const part = table.slice(from, points[i + 1] ?? table.length)
          const next = table[points[i + 1] ?? table.length]
          const watermark = next === undefined ? Infinity : (next['ts'] as number)
          for (const of of rightFirst ? (['right', 'left'] as const) : (['left', 'right'] as const)) {
            const chosen = part.filter((row) => row['of'] === of)
            running[of].next(toBatch(Mark, chosen, running.flow.instruments, watermark))
            if (i !== restart) continue
            const saved = structuredClone(running.flow.snapshot())
            running = begin()
            running.flow.restore(saved)
          }
        }
        expect(rows).toEqual([1, 2, 3, 4, 5, 6, 7])
      }),
    )
  })

  it('names the step when it fails', () => {
    const flow = new Flow()
    const [left, right] = [new Subject<Batch<typeof Mark>>(), new Subject<Batch<typeof Mark>>()]
    let failure: unknown
    const fails = flow.at('both').join<{ left: typeof Mark; right: typeof Mark }, { out: typeof Mark }>({ left: Mark, right: Mark }, ['out'], () => {
      throw new Error('no')
    })
    fails({ left, right }).out.subscribe({
      error: (thrown) => {
        failure = thrown
      },
    })
    left.next(toBatch(Mark, [], flow.instruments, 1))
    right.next(toBatch(Mark, [], flow.instruments, 1))
    expect(failure).toMatchObject({ code: 'STEP_FAILED', message: 'step "both" failed: no' })
  })
})
