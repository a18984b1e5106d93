import { type Batch, type Schema, sliceRows } from '../core/batch.ts'
import type { Instruments } from '../core/instruments.ts'
import type { Params } from '../core/parameters.ts'
import type { Source } from '../core/ports.ts'
import type { Topology } from '../core/topology.ts'
import { Flow } from './flow.ts'
import { PIECE } from './pump.ts'

export interface OutputTask {
  readonly topology: Topology
  readonly params: Params
  readonly output: string
  readonly source: Source
  readonly partition: string
  readonly instruments: Instruments
  readonly signal: AbortSignal
}

export interface OutputRows {
  /** What the output says, batch by batch, as the source is read; a batch is valid until the next one is asked for. */
  readonly batches: AsyncGenerator<Batch<Schema>, void, undefined>
  /** Rows that steps dropped or remarked on up to now, as `step/reason`. */
  counts(): Record<string, number>
}

/** Runs a topology over one partition for one of its outputs, without sinks or checkpoints. Throws what the source and the steps do. */
export function outputRows({ topology, params, output, source, partition, instruments, signal }: OutputTask): OutputRows {
  const flow = new Flow({ instruments })
  return { batches: run(), counts: () => flow.counts() }

  async function* run(): AsyncGenerator<Batch<Schema>, void, undefined> {
    const { inputs, outputs } = flow.wire(topology, params)
    const [input] = Object.values(inputs)
    let said: Batch<Schema>[] = []
    let failure: unknown
    const subscription = outputs[output].subscribe({
      next: (batch) => said.push(batch),
      error: (thrown: unknown) => {
        failure = thrown
      },
    })
    try {
      for await (const { batch, sorted } of source.open(partition, undefined, signal)) {
        for (const piece of pieces(sorted ? { ...batch, inOrder: true } : batch)) {
          said = []
          input.next(piece)
          if (failure !== undefined) throw failure
          yield* said
        }
      }
    } finally {
      subscription.unsubscribe()
    }
  }
}

/** The batch in pieces that a cache holds; only the last vouches for what comes after. */
function* pieces(batch: Batch<Schema>): Generator<Batch<Schema>, void, undefined> {
  if (batch.n <= PIECE) return yield batch
  for (let from = 0; from < batch.n; from += PIECE) {
    const to = Math.min(batch.n, from + PIECE)
    yield sliceRows(batch, from, to, to === batch.n ? batch.watermark : -Infinity)
  }
}
