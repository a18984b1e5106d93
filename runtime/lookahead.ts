import type { Batch, Schema } from '../core/batch.ts'
import { emptyBatch, sliceRows } from '../core/batch.ts'
import type { Instruments } from '../core/instruments.ts'
import type { Params } from '../core/parameters.ts'
import type { Delivery, Sink, Source } from '../core/ports.ts'
import { DAY, SECOND } from '../core/time.ts'
import type { Topology } from '../core/topology.ts'
import { Flow } from './flow.ts'
import { pump } from './pump.ts'
import { dayAfter, secondOf, Tape } from './tape.ts'

export interface LookaheadTask {
  readonly topology: Topology
  readonly params: Params
  readonly source: Source
  readonly instruments: Instruments
  readonly partition: string
  readonly signal: AbortSignal
}

/** A row that was another one when nothing after `cut` was there. A side that had no such row is empty. */
export interface Ahead {
  readonly output: string
  /** The first step, in the order of the graph, that said something else of the time before the cut. */
  readonly step: string
  readonly cut: number
  /** Seconds after its `ts` at which a row of the output counts as known. */
  readonly known: number
  readonly whole: readonly Readonly<Record<string, number>>[]
  readonly truncated: readonly Readonly<Record<string, number>>[]
}

/** What a partition says when it is read to its end, and when between the first and the last row. */
export interface WholeRun {
  readonly tape: Tape
  readonly from: number
  readonly to: number
  readonly rows: number
}

/**
 * Runs a partition as far as `cut`, an instant, or to its end, and gives every batch that comes out, of an output or
 * (with `steps`) of a step, to `hear`. The truncated run ends as a day does: with the word that nothing more will come.
 */
async function runUntil(task: LookaheadTask, cut: number, steps: boolean, hear: (stream: string, batch: Batch<Schema>) => void): Promise<number> {
  const { topology, params, instruments, partition, signal } = task
  const flow = new Flow({ instruments, timed: false, ...(steps ? { hear: (step, batch) => hear(`step ${step}`, batch) } : {}) })
  const sink: Sink = { write: (output, batch) => hear(`output ${output}`, batch), flush: async () => ({ rows: 0, bytes: 0 }), close: async () => {} }
  const source = cut === Infinity ? task.source : truncated(task.source, Object.values(topology.inputs)[0], cut)
  const result = await pump({
    topology,
    params,
    flow,
    source,
    partition,
    sinks: [sink],
    epochLength: DAY,
    resume: undefined,
    signal,
  })
  return result.rowsIn
}

/** The rows that came before the first one of `cut` or later, and then the end of the day. */
function truncated(source: Source, schema: Schema, cut: number): Source {
  return {
    partitions: () => source.partitions(),
    close: async () => undefined,
    async *open(partition, from, signal): AsyncGenerator<Delivery<Schema>> {
      for await (const delivery of source.open(partition, from, signal)) {
        const end = firstFrom(delivery.batch, cut)
        if (end === delivery.batch.n) yield delivery
        else {
          yield { ...delivery, batch: sliceRows(delivery.batch, 0, end, -Infinity) }
          break
        }
      }
      yield { batch: emptyBatch(schema, dayAfter(cut)), after: () => ({ cut }) }
    },
  }
}

function firstFrom(batch: Batch<Schema>, cut: number): number {
  const ts = batch.col['ts'] as Float64Array
  for (let i = 0; i < batch.n; i++) if (ts[i] >= cut) return i
  return batch.n
}

/** The run that truncated ones are compared with. */
export async function runWhole(task: LookaheadTask): Promise<WholeRun> {
  const tape = new Tape()
  const span = { from: Infinity, to: -Infinity }
  const rows = await runUntil({ ...task, source: spanned(task.source, span) }, Infinity, false, (stream, batch) => tape.add(stream, batch))
  return { tape, ...span, rows }
}

function spanned(source: Source, span: { from: number; to: number }): Source {
  return {
    partitions: () => source.partitions(),
    close: async () => undefined,
    async *open(partition, from, signal) {
      for await (const delivery of source.open(partition, from, signal)) {
        const ts = delivery.batch.col['ts'] as Float64Array
        for (let i = 0; i < delivery.batch.n; i++) {
          if (ts[i] < span.from) span.from = ts[i]
          if (ts[i] > span.to) span.to = ts[i]
        }
        yield delivery
      }
    },
  }
}

/**
 * Replays the partition without anything of `cut` or later, and compares all that its outputs say of the time before.
 * A row counts when its ts and what the topology calls `known` (a second by default) lie before the cut.
 */
export async function lookAhead(task: LookaheadTask, whole: WholeRun, cut: number): Promise<Ahead | undefined> {
  const tape = new Tape()
  await runUntil(task, cut, false, (stream, batch) => tape.add(stream, batch))
  const known = task.topology.known?.(task.params as never) as Readonly<Record<string, number>> | undefined
  const found = Object.keys(task.topology.outputs).flatMap((output) => {
    const late = known?.[output] ?? 1
    const second = whole.tape.firstDifference(tape, `output ${output}`, lastKnown(cut, late))
    return second === undefined ? [] : [{ output, late, second }]
  })
  if (found.length === 0) return undefined
  const first = found.reduce((a, b) => (b.second < a.second ? b : a))
  return blame(task, cut, first)
}

function lastKnown(cut: number, known: number): number {
  return Math.floor((cut - known * SECOND) / SECOND)
}

interface Difference {
  readonly output: string
  readonly late: number
  readonly second: number
}

/** Both runs once more, with every step heard and the rows of the second in question kept. */
async function blame(task: LookaheadTask, cut: number, { output, late, second }: Difference): Promise<Ahead> {
  const side = async (until: number) => {
    const tape = new Tape()
    const steps = new Set<string>()
    const rows: Record<string, number>[] = []
    await runUntil(task, until, true, (stream, batch) => {
      // In the order of the graph: a step is heard before those that read it.
      steps.add(stream)
      tape.add(stream, batch)
      if (stream === `output ${output}`) keepSecond(batch, second, rows)
    })
    return { tape, steps: [...steps], rows }
  }
  const whole = await side(Infinity)
  const short = await side(cut)
  const last = lastKnown(cut, late)
  const guilty = [...new Set([...whole.steps, ...short.steps])].find(
    (stream) => stream.startsWith('step ') && whole.tape.firstDifference(short.tape, stream, last) !== undefined,
  )
  return { output, step: guilty?.slice('step '.length) ?? 'none', cut, known: late, whole: whole.rows, truncated: short.rows }
}

function keepSecond(batch: Batch<Schema>, second: number, rows: Record<string, number>[]): void {
  const ts = batch.col['ts'] as Float64Array
  for (let i = 0; i < batch.n; i++)
    if (secondOf(ts[i]) === second) rows.push(Object.fromEntries(Object.entries(batch.col).map(([name, column]) => [name, column[i]])))
}
