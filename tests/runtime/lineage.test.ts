import { map, merge, type Observable, Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Batch } from '../../core/batch.ts'
import { topology } from '../../core/topology.ts'
import { Flow } from '../../runtime/flow.ts'
import { Lineage } from '../../runtime/lineage.ts'

const In = { ts: 'time' } as const
type Stream = Observable<Batch<typeof In>>

describe('Lineage', () => {
  it('connects inputs, steps, branches and outputs, and sees through plain RxJS', () => {
    const t = topology({
      name: 't',
      version: 1,
      memory: 'day',
      params: z.object({}),
      inputs: { ticks: In },
      outputs: { out: In, late: In },
      wire({ ticks }, at) {
        const pass = at('pass').map<typeof In, typeof In>((b) => b)
        const split = at('split').split<typeof In, { onTime: typeof In; late: typeof In }>(['onTime', 'late'], (b) => ({ onTime: b, late: b }))
        const { onTime, late } = split((ticks as Stream).pipe(map((b) => b)))
        return {
          out: onTime.pipe(
            pass,
            map((b) => b),
          ),
          late,
        }
      },
    })
    const flow = new Flow()
    flow.wire(t, {} as never)
    expect(flow.edges()).toEqual([
      { from: 'input:ticks', to: 'step:split' },
      { from: 'step:split', to: 'step:pass', label: 'onTime' },
      { from: 'step:pass', to: 'output:out' },
      { from: 'step:split', to: 'output:late', label: 'late' },
    ])
  })

  it('says ? of a stream that comes from nothing it knows, such as a merge', () => {
    const lineage = new Lineage()
    lineage.output(merge(new Subject(), new Subject()), 'out')
    expect(lineage.edges).toEqual([{ from: '?', to: 'output:out' }])
  })
})
