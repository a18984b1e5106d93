import type { Observable, OperatorFunction } from 'rxjs'
import type { Batch, Schema } from './batch.ts'
import type { Instruments } from './instruments.ts'
import type { RowBuffer } from './rowBuffer.ts'
import type { Fields, SavedArray, Table } from './table.ts'

/** State as a checkpoint holds it: JSON, and arrays bit for bit. */
export interface SavedState {
  readonly version: number
  readonly json: unknown
  readonly arrays: Readonly<Record<string, SavedArray>>
}

/**
 * Makes of what an older version saved what this version would have saved. Where there is none, a checkpoint of
 * another version is refused by name; so is one of a newer version. Throws what it cannot read.
 */
export type Migrate = (saved: SavedState) => Pick<SavedState, 'json' | 'arrays'>

/** State that is neither a table nor rows: how it is made, and how it becomes JSON and back. */
export interface ValueSpec<T> {
  readonly version: number
  create(): T
  save(value: T): unknown
  load(saved: unknown): T
  readonly migrate?: Migrate
}

/** A value that a checkpoint keeps. `current` is replaced on restore: read it at every batch. */
export interface Value<T> {
  current: T
}

/** A count of rows, by reason. Part of the state: a resumed run goes on counting where it stood. */
export interface Counter {
  readonly count: number
  add(rows: number): void
}

/** Streams a step has when one is not enough, such as `onTime` and `late`. */
export type Batches<O extends Readonly<Record<string, Schema>>> = { readonly [K in keyof O]: Batch<O[K]> }
export type Branches<O extends Readonly<Record<string, Schema>>> = { readonly [K in keyof O]: Observable<Batch<O[K]>> }

/**
 * What an operator is given: a name, places for its state, and the door through which batches pass.
 *
 * Everything an operator remembers from one batch to the next is asked for here, by name and version, so that it
 * is in every checkpoint; nothing lives in closures. A scratch is the exception that holds nothing.
 */
export interface Step {
  readonly id: string
  readonly instruments: Instruments
  /** A struct of typed arrays an instrument. */
  table<F extends Fields>(name: string, spec: { readonly version: number; readonly fields: F; readonly migrate?: Migrate }): Table<F>
  /** Named numbers: the state of the step as a whole. */
  cells<N extends string>(
    name: string,
    spec: { readonly version: number; readonly cells: Readonly<Record<N, number>>; readonly migrate?: Migrate },
  ): Record<N, number>
  /** Rows kept for later. */
  rows<S extends Schema>(name: string, spec: { readonly version: number; readonly schema: S; readonly migrate?: Migrate }): RowBuffer<S>
  value<T>(name: string, spec: ValueSpec<T>): Value<T>
  /** Rows dropped or remarked on, by reason; shown in the run's summary and in the metrics. */
  counter(reason: string): Counter
  /** Columns for the output, kept from batch to batch so that none is allocated a batch. Holds nothing the next batch may read. */
  scratch<S extends Schema>(schema: S): RowBuffer<S>
  /** Called once after a checkpoint was restored, before the first batch: for what is rebuilt from the state. */
  onRestore(rebuild: () => void): void
  /** The one door: RxJS `map` that names the step in errors, counts and times it, and runs once however many read it. */
  map<I extends Schema, O extends Schema>(fn: (batch: Batch<I>) => Batch<O>): OperatorFunction<Batch<I>, Batch<O>>
  /** The same door for a step with several outputs. */
  split<I extends Schema, O extends Readonly<Record<string, Schema>>>(
    outputs: readonly (keyof O & string)[],
    fn: (batch: Batch<I>) => Batches<O>,
  ): (source: Observable<Batch<I>>) => Branches<O>
  /**
   * The same door for several streams, each in the order of event time. `fn` is given the rows of all of them before W,
   * the least of their watermarks, that it was not given yet; each batch has W for its watermark, and it is called when
   * W has risen. Rows of W and later wait, and are in the checkpoint. So what happened at one instant is there whole,
   * however the streams came.
   */
  join<I extends Readonly<Record<string, Schema>>, O extends Readonly<Record<string, Schema>>>(
    inputs: I,
    outputs: readonly (keyof O & string)[],
    fn: (batches: Batches<I>) => Batches<O>,
  ): (sources: Branches<I>) => Branches<O>
}

/** Opens the step of that name in the topology being wired. */
export interface At {
  (id: string): Step
  /** What a sweep has for `sharedBy`; a single run has none. */
  readonly once?: <T>(name: string, depends: unknown, wire: (at: At) => T) => T
}

/**
 * Wires the part of a graph that depends on nothing but its inputs and `depends`, plain data. One run wires it as if it
 * stood there itself; a sweep wires it once for all sets of parameters that have `depends` in common.
 *
 *     const seconds = sharedBy(at, 'seconds', p.eventTime, (at) => ticks.pipe(... perSecond(at('perSecond'), ...)))
 *
 * A parameter that is used inside and not named in `depends` would be that of the first set for all of them: the law in
 * tests/kit/sweepContract.ts shows it.
 */
export function sharedBy<T>(at: At, name: string, depends: unknown, wire: (at: At) => T): T {
  return at.once === undefined ? wire(at) : at.once(name, depends, wire)
}
