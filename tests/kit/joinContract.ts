import fc from 'fast-check'
import { Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { Batch, Schema } from '../../core/batch.ts'
import type { Branches, Step } from '../../core/step.ts'
import type { Ports } from '../../core/topology.ts'
import { Flow } from '../../runtime/flow.ts'
import { type Row, toBatch, toRows } from './table.ts'

/** An operator of several streams with its options given. */
export type JoinOp<I extends Ports, O extends Ports> = (step: Step) => (sources: Branches<I>) => Branches<O>

export interface JoinKinds<I extends Ports, O extends Ports> {
  readonly inputs: I
  readonly outputs: O
  /** The watermark of the last batches; Infinity by default. */
  readonly end?: number
}

/** A row of one of the streams; a tape has them in the order of `ts`. */
export interface JoinRow {
  readonly of: string
  readonly row: Row
}

/** How the tape is delivered: `cuts` are places between rows; everything is saved and rebuilt after the part `restart`. */
export interface Delivery {
  readonly cuts?: readonly number[]
  readonly restart?: number
  /** The order in which the streams deliver; that of `inputs` by default. */
  readonly first?: readonly string[]
  /** With a batch for every stream, empty or not, after every part: by default as parts have rows. */
  readonly heartbeats?: boolean
}

export interface Joined {
  readonly rows: Record<string, Row[]>
  readonly counts: Record<string, number>
}

/** The tape of several tables. */
export function tapeOf(streams: Readonly<Record<string, readonly Row[]>>): JoinRow[] {
  const tape = Object.entries(streams).flatMap(([of, rows]) => rows.map((row) => ({ of, row })))
  return tape.sort((a, b) => Number(a.row['ts']) - Number(b.row['ts']))
}

/** What came out, by stream. After each part every stream's watermark is the time of the tape's next row. */
export function driveJoin<I extends Ports, O extends Ports>(
  op: JoinOp<I, O>,
  kinds: JoinKinds<I, O>,
  tape: readonly JoinRow[],
  { cuts = [], restart = -1, first = Object.keys(kinds.inputs), heartbeats = false }: Delivery = {},
): Joined {
  const rows: Record<string, Row[]> = Object.fromEntries(Object.keys(kinds.outputs).map((name) => [name, []]))
  let running = plugJoin(op, kinds, rows)
  const points = [0, ...[...cuts].sort((a, b) => a - b), tape.length]
  for (const [i, to] of points.slice(1).entries()) {
    const watermark = to < tape.length ? Number(tape[to].row['ts']) : (kinds.end ?? Infinity)
    const send = (part: readonly JoinRow[]): void => {
      for (const name of first)
        running.next(
          name,
          part.flatMap(({ of, row }) => (of === name ? [row] : [])),
          watermark,
        )
    }
    send(tape.slice(points[i], to))
    if (heartbeats) send([])
    if (i !== restart) continue
    const saved = structuredClone(running.flow.snapshot())
    running = plugJoin(op, kinds, rows)
    running.flow.instruments.id('SEEN-FIRST-AFTER-THE-RESTART')
    running.flow.restore(saved)
  }
  const counts = Object.entries(running.flow.counts()).map(([key, count]) => [key.slice('it/'.length), count] as const)
  return { rows, counts: Object.fromEntries(counts) }
}

/** An operator of several streams in a flow of its own. `next` throws what the step failed with. */
function plugJoin<I extends Ports, O extends Ports>(op: JoinOp<I, O>, { inputs, outputs }: JoinKinds<I, O>, into: Record<string, Row[]>) {
  const flow = new Flow()
  const sources: Record<string, Subject<Batch<Schema>>> = Object.fromEntries(Object.keys(inputs).map((name) => [name, new Subject()]))
  let failure: { readonly thrown: unknown } | undefined
  for (const [name, branch] of Object.entries(op(flow.at('it'))(sources as never))) {
    branch.subscribe({
      next: (batch: Batch<Schema>) => into[name].push(...toRows(batch, outputs[name], flow.instruments)),
      error: (thrown: unknown) => {
        failure = { thrown }
      },
    })
  }
  return {
    flow,
    next(name: string, rows: readonly Row[], watermark: number) {
      sources[name].next(toBatch(inputs[name], rows, flow.instruments, watermark))
      if (failure) throw failure.thrown
    },
  }
}

/**
 * What an operator of several streams owes, whatever it computes: the same rows for all cuts, for any order of delivery,
 * with a restart after every row, with heartbeats, and with floats that no market sends in the columns `hostile` of a
 * stream. Each output is in the order of `ts`.
 */
export function joinContract<I extends Ports, O extends Ports>(
  op: JoinOp<I, O>,
  kinds: JoinKinds<I, O>,
  tape: readonly JoinRow[],
  hostile: { readonly of: string; readonly columns: readonly string[] } = { of: '', columns: [] },
): void {
  const whole = driveJoin(op, kinds, tape)
  const cutsOf = fc.array(fc.nat(tape.length), { maxLength: 8 })

  describe('as every operator of several streams', () => {
    it('gives rows in the order of time', () => {
      for (const rows of Object.values(whole.rows))
        expect(rows.map((row) => Number(row['ts']))).toEqual(rows.map((row) => Number(row['ts'])).sort((a, b) => a - b))
    })

    it('gives the same rows row by row, and however the streams are cut and ordered', () => {
      const each = tape.map((_, i) => i)
      const reversed = Object.keys(kinds.inputs).reverse()
      expect(driveJoin(op, kinds, tape, { cuts: each })).toEqual(whole)
      expect(driveJoin(op, kinds, tape, { cuts: each, first: reversed, heartbeats: true })).toEqual(whole)
      fc.assert(
        fc.property(cutsOf, fc.boolean(), fc.boolean(), (cuts, turned, heartbeats) => {
          expect(driveJoin(op, kinds, tape, { cuts, heartbeats, ...(turned ? { first: reversed } : {}) })).toEqual(whole)
        }),
        { numRuns: 40 },
      )
    })

    it('gives the same rows when stopped and restored after any row', () => {
      for (let cut = 1; cut < tape.length; cut++) expect(driveJoin(op, kinds, tape, { cuts: [cut], restart: 0 }), `after row ${cut}`).toEqual(whole)
    })

    const whereItMay = hostile.columns.length > 0 ? it : () => {}
    whereItMay('does both with floats that no market sends', () => {
      const odd = fc.constantFrom(0, -0, 1e-300, 0.1, 1 / 3, 1e17, -1e17, Number.NaN, Infinity, -Infinity)
      const spoilt = fc.array(fc.option(fc.tuple(fc.constantFrom(...hostile.columns), odd)), { minLength: tape.length, maxLength: tape.length })
      fc.assert(
        fc.property(spoilt, cutsOf, fc.nat(8), (values, cuts, restart) => {
          const table = tape.map(({ of, row }, i) => {
            const value = values[i]
            return { of, row: of === hostile.of && value !== null ? { ...row, [value[0]]: value[1] } : row }
          })
          expect(driveJoin(op, kinds, table, { cuts, restart })).toEqual(driveJoin(op, kinds, table))
        }),
        { numRuns: 40 },
      )
    })
  })
}
