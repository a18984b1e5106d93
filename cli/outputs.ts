import type { Schema } from '../core/batch.ts'
import { TickloomError } from '../core/errors.ts'
import type { Destination } from '../core/ports.ts'
import type { Topology } from '../core/topology.ts'

/** The outputs that a flag names, all where it names none. Throws OPTION_INVALID for one that the topology does not have. */
export function wantedOutputs(topology: Topology, named: readonly string[] | undefined, option: string): readonly string[] {
  const there = Object.keys(topology.outputs)
  const unknown = named?.find((name) => !there.includes(name))
  if (unknown === undefined) return named ?? there
  throw new TickloomError('OPTION_INVALID', `${topology.name} has no output "${unknown}"; it has ${there.join(', ')}`, { option })
}

/** A destination that is given some of the outputs. */
export function onlyOutputs(destination: Destination, wanted: readonly string[]): Destination {
  return {
    name: destination.name,
    async open(task) {
      const outputs: Record<string, Schema> = {}
      for (const name of wanted) outputs[name] = task.outputs[name]
      const sink = await destination.open({ ...task, outputs })
      return {
        write: (output, batch) => {
          if (output in outputs) sink.write(output, batch)
        },
        flush: (epoch) => sink.flush(epoch),
        close: () => sink.close(),
      }
    },
    close: () => destination.close(),
  }
}
