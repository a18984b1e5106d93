import type { Observable } from 'rxjs'
import type { z } from 'zod'
import type { Batch, Schema } from './batch.ts'
import type { At } from './step.ts'

export type Ports = Readonly<Record<string, Schema>>
export type Streams<P extends Ports> = { readonly [K in keyof P]: Observable<Batch<P[K]>> }

/** How far a topology remembers. `day`: nothing it computes on a trading day depends on another, so days are partitions. */
export type Memory = 'day' | 'everything'

/** All of a topology that it takes to run it once its parameters are resolved. */
export interface Graph<I extends Ports = Ports, O extends Ports = Ports, P extends z.ZodObject = z.ZodObject> {
  readonly name: string
  readonly version: number
  readonly memory: Memory
  readonly inputs: I
  readonly outputs: O
  /**
   * How long after a row's `ts`, in whole seconds, everything it says is known, by output: 60 for bars of a minute that
   * are stamped with their beginning. A second where nothing is said. `tickloom lookahead` holds the topology to it.
   */
  known?(params: z.output<P>): { readonly [K in keyof O]?: number }
  wire(inputs: Streams<I>, at: At, params: z.output<P>): Streams<O>
  /**
   * Which contracts of a day `wire` makes anything of: the instruments of these rows, made of the ticks of the day's spots
   * alone. A promise that rows of contracts not named change no output, so that a replay need not read them. For a
   * topology of ticks that remembers a day.
   */
  reads?(inputs: Streams<I>, at: At, params: z.output<P>): Observable<Batch<{ readonly instrument: 'instrument' }>>
}

/**
 * A graph of operators, free of where its rows come from and where they go; live and replay plug different ports
 * into the same one.
 *
 * `params` is a zod object: each parameter has a default and says its unit in `.meta({ unit, description })`.
 * `presets` are named sets of parameters. Raise `version` whenever the same input would give other rows.
 */
export interface Topology<I extends Ports = Ports, O extends Ports = Ports, P extends z.ZodObject = z.ZodObject> extends Graph<I, O, P> {
  readonly params: P
  readonly presets?: Readonly<Record<string, z.input<P>>>
}

export function topology<const I extends Ports, const O extends Ports, P extends z.ZodObject>(spec: Topology<I, O, P>): Topology<I, O, P> {
  return spec
}
