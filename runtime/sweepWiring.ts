import { Subject } from 'rxjs'
import type { Batch, Schema } from '../core/batch.ts'
import { TickloomError } from '../core/errors.ts'
import type { Params } from '../core/parameters.ts'
import type { At } from '../core/step.ts'
import type { Ports, Streams, Topology } from '../core/topology.ts'
import type { Flow } from './flow.ts'

export interface SweepWiring {
  /** The topology's one input, read by all sets. */
  readonly input: Subject<Batch<Schema>>
  /** The outputs of each set, in the order of the sets. */
  readonly outputs: readonly Streams<Ports>[]
  /** The parts that are there once, and for how many sets each stands. */
  readonly shared: readonly { readonly name: string; readonly sets: number }[]
}

/**
 * Wires a topology in one flow once for each set of parameters, all of them over one input. What the topology wires with
 * `sharedBy` is there once for all sets that have the same `depends` (as JSON); a shared part inside another is shared
 * within that one. Steps are named `<set>:<step>`, shared ones `<name>#<n>:<step>`.
 *
 * Throws TOPOLOGY_INVALID of a topology with several inputs, and what the topology throws.
 */
export function wireSweep(flow: Flow, t: Topology, sets: readonly Params[]): SweepWiring {
  const names = Object.keys(t.inputs)
  if (names.length !== 1)
    throw new TickloomError('TOPOLOGY_INVALID', `topology ${t.name} has the inputs ${names.join(', ')}; the log is one, merge them first`, {
      inputs: names,
    })
  const input = new Subject<Batch<Schema>>()
  const parts = new Map<string, Shared>()

  const atOf = (set: number, prefix: string, within: string): At => {
    const once = <T>(name: string, depends: unknown, wire: (at: At) => T): T => {
      const key = JSON.stringify([within, name, depends])
      const known = parts.get(key)
      if (known !== undefined) {
        if (known.last === set) throw new TickloomError('STEP_ID_TAKEN', `two shared parts are called "${name}"`, { step: name })
        known.last = set
        known.sets++
        return known.part as T
      }
      const part = wire(atOf(set, `${name}#${parts.size}`, key))
      parts.set(key, { name, part, sets: 1, last: set })
      return part
    }
    return Object.assign((id: string) => flow.at(`${prefix}:${id}`), { once })
  }

  const outputs = sets.map((params, k) => {
    const wired = t.wire({ [names[0]]: input } as unknown as Streams<Ports>, atOf(k, String(k), ''), params as never)
    for (const name of Object.keys(t.outputs)) {
      if (!wired[name])
        throw new TickloomError('TOPOLOGY_INVALID', `topology ${t.name} declares the output "${name}" but wire() does not return it`, {
          output: name,
        })
    }
    return wired
  })
  return { input, outputs, shared: [...parts.values()].map(({ name, sets }) => ({ name, sets })) }
}

interface Shared {
  readonly name: string
  readonly part: unknown
  sets: number
  /** The last set that asked for it. */
  last: number
}
