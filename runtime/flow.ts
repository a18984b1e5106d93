import { map, type Observable, type OperatorFunction, Subject, share } from 'rxjs'
import type { Batch, Schema } from '../core/batch.ts'
import { TickloomError } from '../core/errors.ts'
import { Instruments } from '../core/instruments.ts'
import type { Params } from '../core/parameters.ts'
import { RowBuffer } from '../core/rowBuffer.ts'
import type { Batches, Branches, Step } from '../core/step.ts'
import type { Graph, Ports, Streams } from '../core/topology.ts'
import { Aligned } from './aligned.ts'
import { type GraphEdge, Lineage } from './lineage.ts'
import { type Section, StateStore } from './state.ts'

/** What a step did so far in this process. */
export interface StepMeter {
  rowsIn: number
  rowsOut: number
  batches: number
  micros: number
}

/** Owns the steps of one running topology, everything they remember and what they did. */
export class Flow {
  readonly instruments: Instruments
  readonly meters = new Map<string, StepMeter>()
  readonly #state: StateStore
  readonly #lineage = new Lineage()
  readonly #clocked: boolean
  readonly #scratch: RowBuffer<Schema>[] = []
  readonly #hear: ((step: string, batch: Batch<Schema>) => void) | undefined

  /** `hear` is given everything that comes out of a step, under `step` or `step.output`. */
  constructor(options: { instruments?: Instruments; timed?: boolean; hear?: (step: string, batch: Batch<Schema>) => void } = {}) {
    this.#hear = options.hear
    this.instruments = options.instruments ?? new Instruments()
    this.#clocked = options.timed ?? true
    this.#state = new StateStore(this.instruments)
  }

  /** Wires a topology between fresh subjects and its outputs. */
  wire<I extends Ports, O extends Ports>(t: Graph<I, O>, params: Params): { inputs: { [K in keyof I]: Subject<Batch<I[K]>> }; outputs: Streams<O> } {
    const inputs: Record<string, Subject<Batch<Schema>>> = {}
    for (const name of Object.keys(t.inputs)) this.#lineage.name((inputs[name] = new Subject()), name, 'input')
    const outputs = t.wire(inputs as unknown as Streams<I>, this.at, params as never)
    for (const name of Object.keys(t.outputs)) {
      if (!outputs[name])
        throw new TickloomError('TOPOLOGY_INVALID', `topology ${t.name} declares the output "${name}" but wire() does not return it`, {
          output: name,
        })
      this.#lineage.output(outputs[name], name)
    }
    return { inputs: inputs as never, outputs }
  }

  readonly at = (id: string): Step => {
    if (this.meters.has(id)) throw new TickloomError('STEP_ID_TAKEN', `two steps are called "${id}"`, { step: id })
    const meter: StepMeter = { rowsIn: 0, rowsOut: 0, batches: 0, micros: 0 }
    this.meters.set(id, meter)
    const state = this.#state
    return {
      id,
      instruments: this.instruments,
      table: (name, spec) => state.table(`${id}/${name}`, spec),
      cells: (name, spec) => state.cells(`${id}/${name}`, spec),
      rows: (name, spec) => state.rows(`${id}/${name}`, spec),
      value: (name, spec) => state.value(`${id}/${name}`, spec),
      counter: (reason) => state.counter(id, reason),
      onRestore: (rebuild) => {
        state.rebuilds.push(rebuild)
      },
      scratch: (schema) => this.#lend(schema),
      map: (fn) => this.#map(id, meter, fn),
      split: (outputs, fn) => this.#split(id, meter, outputs, fn),
      join: (inputs, outputs, fn) => this.#join(id, meter, inputs, outputs, fn),
    }
  }

  snapshot(): Section[] {
    return this.#state.snapshot()
  }
  restore(sections: readonly Section[]): void {
    this.#state.restore(sections)
  }
  /** Rows counted by the steps, as `step/reason`. */
  counts(): Record<string, number> {
    return this.#state.counts()
  }
  /** Bytes of state a step holds. */
  stateBytes(): Record<string, number> {
    return this.#state.bytes()
  }
  /**
   * Gives the memory of its steps back at once, batches that came out of them included; it takes nothing afterwards. A
   * replay has a flow a day, and the collector would find theirs seldom: fifty days peaked a tenth above five.
   */
  close(): void {
    this.#state.close()
    for (const rows of this.#scratch.splice(0)) rows.close()
  }

  edges(): readonly GraphEdge[] {
    return this.#lineage.edges
  }

  #lend<S extends Schema>(schema: S): RowBuffer<S> {
    const rows = new RowBuffer(schema)
    this.#scratch.push(rows as unknown as RowBuffer<Schema>)
    return rows
  }

  // share(): a step fans out to many readers but runs, and updates its state, once a batch.
  #map<I extends Schema, O extends Schema>(id: string, meter: StepMeter, fn: (b: Batch<I>) => Batch<O>): OperatorFunction<Batch<I>, Batch<O>> {
    return (source) => {
      const out = source.pipe(
        map((batch) => {
          const result = this.#run(id, meter, fn, batch)
          meter.rowsOut += result.n
          this.#hear?.(id, result)
          return result
        }),
        share(),
      )
      this.#lineage.step(out, id, source)
      return out
    }
  }

  #split<I extends Schema, O extends Ports>(
    id: string,
    meter: StepMeter,
    names: readonly (keyof O & string)[],
    fn: (b: Batch<I>) => Batches<O>,
  ): (source: Observable<Batch<I>>) => Branches<O> {
    return (source) => {
      const all = source.pipe(
        map((batch) => {
          const results = this.#run(id, meter, fn, batch)
          this.#came(id, meter, names, results)
          return results
        }),
        share(),
      )
      this.#lineage.step(all, id, source)
      return this.#branches(id, names, all)
    }
  }

  #join<I extends Ports, O extends Ports>(
    id: string,
    meter: StepMeter,
    inputs: I,
    names: readonly (keyof O & string)[],
    fn: (batches: Batches<I>) => Batches<O>,
  ): (sources: Branches<I>) => Branches<O> {
    const aligned = new Aligned(id, inputs, this.#state)
    return (sources) => {
      const all = aligned.join(sources, (batches, rows) => {
        const results = this.#timed(id, meter, { rows, watermark: batches[Object.keys(inputs)[0]].watermark }, batches, fn)
        this.#came(id, meter, names, results)
        return results
      })
      for (const name of Object.keys(inputs)) this.#lineage.step(all, id, sources[name])
      return this.#branches(id, names, all)
    }
  }

  #came<O extends Ports>(id: string, meter: StepMeter, names: readonly (keyof O & string)[], results: Batches<O>): void {
    for (const name of names) {
      meter.rowsOut += results[name].n
      this.#hear?.(`${id}.${name}`, results[name])
    }
  }

  #branches<O extends Ports>(id: string, names: readonly (keyof O & string)[], all: Observable<Batches<O>>): Branches<O> {
    const branches: Record<string, Observable<unknown>> = {}
    for (const name of names) {
      branches[name] = all.pipe(map((results) => results[name]))
      this.#lineage.branch(branches[name], id, name)
    }
    return branches as unknown as Branches<O>
  }

  #run<I extends Schema, R>(step: string, meter: StepMeter, fn: (b: Batch<I>) => R, batch: Batch<I>): R {
    return this.#timed(step, meter, { rows: batch.n, watermark: batch.watermark }, batch, fn)
  }

  #timed<T, R>(step: string, meter: StepMeter, at: { rows: number; watermark: number }, given: T, fn: (given: T) => R): R {
    const start = this.#clocked ? performance.now() : 0
    try {
      return fn(given)
    } catch (cause) {
      if (cause instanceof TickloomError) throw cause
      throw new TickloomError(
        'STEP_FAILED',
        `step "${step}" failed: ${cause instanceof Error ? cause.message : cause}`,
        { step, watermark: at.watermark, rows: at.rows },
        cause,
      )
    } finally {
      meter.rowsIn += at.rows
      meter.batches++
      if (this.#clocked) meter.micros += (performance.now() - start) * 1000
    }
  }
}
