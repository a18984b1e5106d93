import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Schema } from '../../core/batch.ts'
import { type Drive, drive, type Op, plug, type Row, toBatch } from './table.ts'

/**
 * What every operator owes, whatever it computes: all cuts, a restart after every row, heartbeats between rows (where
 * the rows are in the order of time), empty batches, input left alone, and the same of floats that no market would send.
 */
export function operatorContract<I extends Schema, O extends Schema>(
  op: Op<I, O>,
  kinds: Drive<I, O>,
  rows: readonly Row[],
  hostile: readonly string[] = [],
  { heartbeatsAreRows = false }: { readonly heartbeatsAreRows?: boolean } = {},
): void {
  describe('as every operator', () => {
    it('gives the same rows however the input is cut into batches', () => {
      const whole = drive(op, kinds, [rows])
      expect(
        drive(
          op,
          kinds,
          rows.map((row) => [row]),
        ),
        'batches of one',
      ).toEqual(whole)
      fc.assert(
        fc.property(cutsOf(rows.length), (cuts) => {
          expect(drive(op, kinds, cutAt(rows, cuts))).toEqual(whole)
        }),
        { numRuns: 50 },
      )
    })

    it('gives the same rows when stopped and restored after any row', () => {
      const whole = drive(op, kinds, [rows])
      for (let cut = 0; cut < rows.length; cut++) {
        expect(drive(op, kinds, [rows.slice(0, cut + 1), rows.slice(cut + 1)], 0), `after row ${cut}`).toEqual(whole)
      }
    })

    // Of rows out of order, a heartbeat would make the later ones late: there the law does not hold.
    const whenInOrder = inTimeOrder(kinds.input, rows) ? it : () => {}
    whenInOrder('gives the same rows when heartbeats come between them', () => {
      const whole = drive(op, kinds, [rows])
      expect(
        drive(
          op,
          kinds,
          rows.map((row) => [row]),
          -1,
          true,
        ),
        'after every row',
      ).toEqual(whole)
      fc.assert(
        fc.property(cutsOf(rows.length), fc.nat(rows.length), (cuts, stop) => {
          expect(drive(op, kinds, cutAt(rows, cuts), stop, true)).toEqual(whole)
        }),
        { numRuns: 50 },
      )
    })

    it('does both with floats that no market sends', () => {
      const odd = fc.constantFrom(0, -0, 1e-300, 0.1, 0.2, 1 / 3, 1e17, -1e17, Number.MAX_VALUE, Number.NaN, Infinity, -Infinity)
      const spoilt = fc.array(fc.record(Object.fromEntries(hostile.map((name) => [name, odd]))), { minLength: rows.length, maxLength: rows.length })
      fc.assert(
        fc.property(spoilt, cutsOf(rows.length), fc.nat(rows.length - 1), (values, cuts, stop) => {
          const table = rows.map((row, i) => ({ ...row, ...values[i] }))
          const whole = drive(op, kinds, [table])
          expect(drive(op, kinds, cutAt(table, cuts))).toEqual(whole)
          expect(drive(op, kinds, [table.slice(0, stop + 1), table.slice(stop + 1)], 0)).toEqual(whole)
        }),
        { numRuns: 50 },
      )
    })

    it('passes an empty batch on and lets time move with it', () => {
      const out: [number, number][] = []
      const { flow, next } = plug(op, (b) => {
        out.push([b.n, b.watermark])
      })
      for (const watermark of [1e15, 2e15]) next(toBatch(kinds.input, [], flow.instruments, watermark))
      expect(out.map(([n]) => n)).toEqual(heartbeatsAreRows ? [1, 1] : [0, 0])
      expect(out[1][1]).toBeGreaterThan(out[0][1])
    })

    it('leaves its input as it was', () => {
      const { flow, next } = plug(op)
      const batch = toBatch(kinds.input, rows, flow.instruments, kinds.end)
      const before = structuredClone(batch)
      next(batch)
      expect(batch).toEqual(before)
    })
  })
}

function inTimeOrder(schema: Schema, rows: readonly Row[]): boolean {
  return schema['ts'] === 'time' && rows.every((row, i) => i === 0 || Number(row['ts']) >= Number(rows[i - 1]['ts']))
}

const cutsOf = (n: number) => fc.array(fc.nat(n), { maxLength: n })

function cutAt(rows: readonly Row[], cuts: readonly number[]): Row[][] {
  const points = [0, ...[...cuts].sort((a, b) => a - b), rows.length]
  return points.slice(1).map((to, i) => rows.slice(points[i], to))
}
