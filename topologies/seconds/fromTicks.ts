import type { z } from 'zod'
import { TickloomError } from '../../core/errors.ts'
import { Second } from '../../core/market.ts'
import type { At } from '../../core/step.ts'
import type { Streams, Topology } from '../../core/topology.ts'
import seconds from './graph.ts'

/** What the input of a topology is called that starts from seconds; also the parameters and steps that make them. */
export const SECONDS = 'seconds'

/**
 * Whether a topology starts from seconds, which it says by an input called `seconds`. It is its only one, and its
 * columns are some of Second's. Throws TOPOLOGY_INVALID naming the input or the column that is not.
 */
export function startsFromSeconds(t: Topology): boolean {
  if (!(SECONDS in t.inputs)) return false
  const others = Object.keys(t.inputs).filter((name) => name !== SECONDS)
  if (others.length > 0)
    throw new TickloomError('TOPOLOGY_INVALID', `${t.name} starts from seconds, and has the input "${others[0]}" too; the log is one`, {
      topology: t.name,
      input: others[0],
    })
  const known: Readonly<Record<string, string>> = Second
  for (const [column, kind] of Object.entries(t.inputs[SECONDS])) {
    if (known[column] === kind) continue
    const columns = Object.entries(Second).map(([name, kind]) => `${name} ${kind}`)
    throw new TickloomError('TOPOLOGY_INVALID', `${t.name} has ${column} ${kind} in its input "${SECONDS}"; a second has ${columns.join(', ')}`, {
      topology: t.name,
      column,
    })
  }
  return true
}

/**
 * The topology as it runs on ticks: live, and wherever rows come tick by tick. One that starts from seconds gets the
 * graph of topologies/seconds in front, its steps named `seconds.<step>` and its parameters `seconds.<parameter>`; its
 * name, version and outputs stay. Any other is given back as it is.
 *
 * Throws TOPOLOGY_INVALID where a parameter called `seconds` is the topology's own.
 */
export function fromTicks(t: Topology): Topology {
  if (!startsFromSeconds(t)) return t
  if (SECONDS in t.params.shape)
    throw new TickloomError('TOPOLOGY_INVALID', `${t.name} starts from seconds, so its parameter "${SECONDS}" needs another name`, {
      topology: t.name,
    })
  const { name, version, memory, presets, outputs } = t
  const known: Topology['known'] = t.known && ((params) => t.known?.(apart(params).own) ?? {})
  return {
    name,
    version,
    memory,
    params: t.params.extend({ [SECONDS]: seconds.params.prefault({}) }),
    presets,
    inputs: seconds.inputs,
    outputs,
    ...(known && { known }),
    wire(inputs, at, params) {
      const { making, own } = apart(params)
      const named: At = (id) => at(`${SECONDS}.${id}`)
      const made = seconds.wire(inputs as Streams<typeof seconds.inputs>, named, making)
      return t.wire({ [SECONDS]: made.seconds }, at, own)
    },
  }
}

/** The parameters that make seconds, and the topology's own. */
function apart(params: Readonly<Record<string, unknown>>): { making: z.output<typeof seconds.params>; own: Record<string, unknown> } {
  const { [SECONDS]: making, ...own } = params
  return { making: making as z.output<typeof seconds.params>, own }
}
