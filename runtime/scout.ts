import type { Batch } from '../core/batch.ts'
import type { Instruments } from '../core/instruments.ts'
import type { Params } from '../core/parameters.ts'
import type { Source } from '../core/ports.ts'
import type { Topology } from '../core/topology.ts'
import { Flow } from './flow.ts'
import { wireSweep } from './sweepWiring.ts'

export interface ScoutTask {
  readonly topology: Topology & Required<Pick<Topology, 'reads'>>
  /** Every set of parameters that the day is going to be read for. */
  readonly sets: readonly Params[]
  /** The rows of spots alone. */
  readonly source: Source
  readonly partition: string
  /** The dictionary of the source. */
  readonly instruments: Instruments
  readonly signal: AbortSignal
}

/**
 * The contracts that a topology makes anything of on a day, by name, in order: what its `reads` names for any of the
 * sets. Undefined where the day has no row to find them from. Throws what the source and the steps do.
 */
export async function scout({ topology, sets, source, partition, instruments, signal }: ScoutTask): Promise<string[] | undefined> {
  const scouting: Topology = {
    ...topology,
    outputs: { picked: { instrument: 'instrument' } },
    wire: (inputs, at, params) => ({ picked: topology.reads(inputs, at, params) }),
  }
  const { input, outputs } = wireSweep(new Flow({ instruments, timed: false }), scouting, sets)
  const found = new Set<number>()
  let failure: unknown
  const next = ({ n, col }: Batch<{ readonly [name: string]: 'instrument' }>): void => {
    for (let i = 0; i < n; i++) found.add(col['instrument'][i])
  }
  const error = (thrown: unknown): void => {
    failure = thrown
  }
  for (const { picked } of outputs) picked.subscribe({ next: next as never, error })
  let rows = 0
  for await (const { batch, sorted } of source.open(partition, undefined, signal)) {
    rows += batch.n
    input.next(sorted ? { ...batch, inOrder: true } : batch)
    if (failure !== undefined) throw failure
  }
  return rows === 0 ? undefined : [...found].map((id) => instruments.name(id)).sort()
}
