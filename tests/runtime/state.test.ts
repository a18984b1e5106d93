import { describe, expect, it } from 'vitest'
import { Instruments } from '../../core/instruments.ts'
import type { SavedState } from '../../core/step.ts'
import { f64 } from '../../core/table.ts'
import { StateStore } from '../../runtime/state.ts'

const schema = { ts: 'time', instrument: 'instrument', up: 'bool' } as const

/** A store with one state of each sort, in a process that has met the instruments given, in that order. */
function store(...met: string[]) {
  const instruments = new Instruments()
  const id = (name: string) => instruments.id(name)
  met.forEach(id)
  const state = new StateStore(instruments)
  return {
    state,
    id,
    table: state.table('a/last', { version: 1, fields: { volume: f64(Number.NaN), ring: f64(0, 2) } }),
    cells: state.cells('a/day', { version: 1, cells: { open: -Infinity, close: 0 } }),
    rows: state.rows('a/kept', { version: 1, schema }),
    value: state.value<Set<string>>('a/seen', { version: 1, create: () => new Set(), save: (s) => [...s], load: (s) => new Set(s as string[]) }),
    counter: state.counter('a', 'dropped'),
  }
}

describe('StateStore', () => {
  it('puts back tables, cells, rows, values and counts, instruments by name whatever their ids', () => {
    const a = store('NIFTY', 'GOLD')
    a.table.admit(Int32Array.of(a.id('GOLD'), a.id('NIFTY')), 2)
    a.table.col.volume.set([-0, Number.NaN])
    for (const [j, plane] of [
      [1, 2],
      [3, 4],
    ].entries())
      a.table.col.ring.set(plane, j * a.table.stride)
    a.cells.open = Infinity
    a.rows.append({
      n: 2,
      watermark: 0,
      col: { ts: Float64Array.of(5, 6), instrument: Int32Array.of(a.id('GOLD'), a.id('NIFTY')), up: Uint8Array.of(1, 0) },
    })
    a.value.current.add('x')
    a.counter.add(3)

    const b = store('SILVER', 'NIFTY')
    b.state.restore(structuredClone(a.state.snapshot()))
    expect([...b.table.keys.subarray(0, b.table.size)]).toEqual([b.id('GOLD'), b.id('NIFTY')])
    const ring = [0, 1].flatMap((j) => [...b.table.col.ring.subarray(j * b.table.stride, j * b.table.stride + 2)])
    expect([...b.table.col.volume.subarray(0, 2), ...ring]).toEqual([-0, Number.NaN, 1, 2, 3, 4])
    expect(b.cells).toEqual({ open: Infinity, close: 0 })
    expect([...b.rows.col.instrument.subarray(0, b.rows.n)]).toEqual([b.id('GOLD'), b.id('NIFTY')])
    expect([[...b.value.current], b.counter.count, b.state.counts()]).toEqual([['x'], 3, { 'a/dropped': 3 }])
    expect(b.state.snapshot()).toEqual(a.state.snapshot())
  })

  it('rebuilds after everything is back', () => {
    const a = store()
    a.cells.close = 4
    const b = store()
    let seen = 0
    b.state.rebuilds.push(() => {
      seen = b.cells.close
    })
    b.state.restore(a.state.snapshot())
    expect(seen).toBe(4)
  })

  it('refuses the checkpoint of another graph and names the steps that are new, gone and changed', () => {
    const a = store()
    for (const key of ['old/day', 'both/one']) a.state.cells(key, { version: 1, cells: { x: 0 } })
    const b = store()
    for (const key of ['fresh/day', 'both/two']) b.state.cells(key, { version: 1, cells: { x: 0 } })
    expect(() => b.state.restore(a.state.snapshot())).toThrow(
      expect.objectContaining({
        code: 'CHECKPOINT_FOREIGN',
        message: 'the checkpoint is of another graph: new steps fresh; gone old; with other state than before both',
        at: { added: ['fresh'], gone: ['old'], changed: ['both'] },
      }),
    )
  })

  it('has an operator migrate what an older version of it saved, and no newer version', () => {
    const old = new StateStore(new Instruments())
    old.cells('a/clock', { version: 1, cells: { seconds: 7 } })
    const migrate = ({ arrays }: SavedState) => ({ json: ['micros'], arrays: { values: arrays['values'].map((v) => v * 1e6) as Float64Array } })
    const next = new StateStore(new Instruments())
    const cells = next.cells('a/clock', { version: 2, cells: { micros: 0 }, migrate })
    next.restore(old.snapshot())
    expect(cells).toEqual({ micros: 7e6 })
    expect(() => old.restore(next.snapshot())).toThrow(expect.objectContaining({ code: 'STATE_VERSION', at: { state: 'a/clock' } }))
  })

  it('refuses a state of another version', () => {
    const saved = store()
      .state.snapshot()
      .map((s) => (s.key === 'a/day' ? { ...s, version: 2 } : s))
    expect(() => store().state.restore(saved)).toThrow(expect.objectContaining({ code: 'STATE_VERSION', at: { state: 'a/day' } }))
  })

  it('refuses a table of another width, which is another graph’s options', () => {
    const wide = new StateStore(new Instruments())
    const table = wide.table('t', { version: 1, fields: { ring: f64(0, 3) } })
    const narrow = new StateStore(new Instruments())
    narrow.table('t', { version: 1, fields: { ring: f64(0, 2) } })
    expect(() => narrow.restore(wide.snapshot())).not.toThrow()
    table.load({ keys: ['NIFTY'], arrays: { ring: Float64Array.of(1, 2, 3) } })
    expect(() => narrow.restore(wide.snapshot())).toThrow(expect.objectContaining({ code: 'STATE_VERSION', at: { field: 'ring' } }))
  })

  it('says how many bytes each step holds', () => {
    expect(store().state.bytes()).toEqual({ a: 16 })
  })
})
