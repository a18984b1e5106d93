import { Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Batch } from '../../core/batch.ts'
import { f64 } from '../../core/table.ts'
import { topology } from '../../core/topology.ts'
import { Flow } from '../../runtime/flow.ts'

const In = { ts: 'time' } as const
type In = typeof In
const batch = (n: number, watermark = 7): Batch<In> => ({ n, watermark, col: { ts: new Float64Array(n) } })

describe('Flow', () => {
  it('runs a step once a batch however many read it', () => {
    const input = new Subject<Batch<In>>()
    const runs: string[] = []
    const out = input.pipe(
      new Flow().at('s').map<In, In>((b) => {
        runs.push('run')
        return b
      }),
    )
    out.subscribe(() => runs.push('a'))
    out.subscribe(() => runs.push('b'))
    input.next(batch(1))
    expect(runs).toEqual(['run', 'a', 'b'])
  })

  it('runs a split once a batch, whichever of its branches are read', () => {
    const input = new Subject<Batch<In>>()
    const runs: string[] = []
    const { odd, even } = new Flow().at('s').split<In, { odd: In; even: In }>(['odd', 'even'], (b) => {
      runs.push('run')
      return { odd: b, even: b }
    })(input)
    odd.subscribe(() => runs.push('odd'))
    even.subscribe(() => runs.push('even'))
    input.next(batch(1))
    expect(runs).toEqual(['run', 'odd', 'even'])
  })

  it('names the step that failed, says where it stood and keeps the cause', () => {
    const input = new Subject<Batch<In>>()
    const cause = new RangeError('out of range')
    let error: unknown
    input
      .pipe(
        new Flow().at('volDelta').map<In, In>(() => {
          throw cause
        }),
      )
      .subscribe({
        error: (e: unknown) => {
          error = e
        },
      })
    input.next(batch(3))
    expect(error).toMatchObject({
      code: 'STEP_FAILED',
      fault: 'internal',
      retry: false,
      at: { step: 'volDelta', watermark: 7, rows: 3 },
      cause,
      message: 'step "volDelta" failed: out of range',
    })
  })

  it('refuses a second step, and a second state, of one name', () => {
    const flow = new Flow()
    const step = flow.at('s')
    step.cells('day', { version: 1, cells: { number: 0 } })
    expect(() => flow.at('s')).toThrow(expect.objectContaining({ code: 'STEP_ID_TAKEN', at: { step: 's' } }))
    expect(() => step.cells('day', { version: 1, cells: { number: 0 } })).toThrow(
      expect.objectContaining({ code: 'STEP_ID_TAKEN', at: { state: 's/day' } }),
    )
  })

  it('refuses a topology that does not return an output it declares', () => {
    const t = topology({
      name: 't',
      version: 1,
      memory: 'day',
      params: z.object({}),
      inputs: { ticks: In },
      outputs: { ticks: In },
      wire: () => ({}) as never,
    })
    expect(() => new Flow().wire(t, {} as never)).toThrow(expect.objectContaining({ code: 'TOPOLOGY_INVALID', at: { output: 'ticks' } }))
  })

  it('gives the memory of its steps back when it is closed', () => {
    const flow = new Flow()
    const step = flow.at('s')
    const table = step.table('all', { version: 1, fields: { last: f64(NaN) } })
    const [rows, scratch] = [step.rows('kept', { version: 1, schema: In }), step.scratch(In)]
    table.slot(flow.instruments.id('NIFTY'))
    for (const buffer of [rows, scratch]) buffer.append(batch(3))
    const columns = [table.col.last, table.keys, table.slotOf, rows.col.ts, scratch.col.ts]
    expect(columns.every(({ byteLength }) => byteLength > 0)).toBe(true)
    flow.close()
    expect(columns.map(({ byteLength }) => byteLength)).toEqual([0, 0, 0, 0, 0])
  })

  it('counts what each step took and gave', () => {
    const flow = new Flow()
    const input = new Subject<Batch<In>>()
    input.pipe(flow.at('half').map<In, In>((b) => ({ ...b, n: b.n / 2 }))).subscribe()
    input.next(batch(4))
    input.next(batch(2))
    expect(flow.meters.get('half')).toMatchObject({ rowsIn: 6, rowsOut: 3, batches: 2 })
  })
})
