import { planReplay } from '../connectors/parquet/plan.ts'
import { parquetSource } from '../connectors/parquet/source.ts'
import { Sfc32 } from '../connectors/synthetic/prng.ts'
import { type Schema, wordsOf } from '../core/batch.ts'
import { Instruments } from '../core/instruments.ts'
import { type Params, resolveParameters } from '../core/parameters.ts'
import { formatTime, IST, SECOND } from '../core/time.ts'
import type { Topology } from '../core/topology.ts'
import { type Ahead, type LookaheadTask, lookAhead, runWhole, type WholeRun } from '../runtime/lookahead.ts'
import { showProgress } from '../runtime/progress.ts'
import { onShutdown } from '../runtime/shutdown.ts'
import { fromTicks } from '../topologies/seconds/fromTicks.ts'
import type { Strikes } from './flags.ts'
import { loadTopology } from './loadTopology.ts'

export interface LookaheadOptions {
  readonly topology: string
  readonly lake: string
  readonly from?: string
  readonly to?: string
  readonly symbols?: readonly string[]
  readonly strikes?: Strikes
  readonly params: readonly string[]
  readonly preset?: string
  /** Cuts a day. */
  readonly cuts: number
  readonly seed: number
  readonly quiet?: boolean
}

/** A row as a person reads it: times in the market's wall clock, instruments by name, words as words. */
type ShownRow = Readonly<Record<string, string | number>>

export interface LookaheadReport {
  readonly topology: string
  readonly partitions: number
  readonly cuts: number
  readonly rows: number
  readonly seconds: number
  readonly ahead?: Omit<Ahead, 'cut' | 'whole' | 'truncated'> & {
    readonly partition: string
    readonly cut: string
    readonly whole: readonly ShownRow[]
    readonly truncated: readonly ShownRow[]
  }
}

/**
 * Looks for a row that says something of an instant that only later rows could tell, and stops at the first. Nothing is
 * left unread for the sake of speed: what a topology leaves out is one of the ways to look ahead. Throws what a replay
 * throws.
 */
export async function searchLookahead(options: LookaheadOptions): Promise<LookaheadReport> {
  const topology = fromTicks(await loadTopology(options.topology))
  const params = resolveParameters(topology, options.params, options.preset)
  const instruments = new Instruments()
  const [columns] = Object.values(topology.inputs)
  const { lake, from, to, symbols, strikes } = options
  const plan = await planReplay(lake, { from, to, symbols, strikes, columns })
  const source = parquetSource({ lake, from, to, symbols, strikes, columns, instruments, plan })
  const shutdown = onShutdown()
  const progress = showProgress({ quiet: options.quiet ?? false })
  const start = performance.now()
  const report = { topology: `${topology.name}@${topology.version}`, partitions: plan.days.length, cuts: 0, rows: 0 }
  const done = (): number => (performance.now() - start) / 1000
  const all = plan.days.reduce((sum, { rows }) => sum + (rows ?? 0), 0) * (1 + options.cuts / 2)
  try {
    for (const { name } of await source.partitions()) {
      const task: LookaheadTask = { topology, params, source, instruments, partition: name, signal: shutdown.signal }
      const whole = await runWhole(task)
      report.rows += whole.rows
      const random = new Sfc32(options.seed, report.cuts)
      for (const cut of chooseCuts(whole, topology, params, options.cuts, random)) {
        const ahead = await lookAhead(task, whole, cut)
        report.cuts++
        report.rows += Math.round((whole.rows * (cut - whole.from)) / Math.max(1, whole.to - whole.from))
        progress.at(Math.min(report.rows, all), all, cut)
        if (ahead !== undefined)
          return { ...report, seconds: done(), ahead: { ...shown(ahead, topology.outputs[ahead.output], instruments), partition: name } }
      }
    }
    return { ...report, seconds: done() }
  } finally {
    progress.stop()
    shutdown.release()
    await source.close()
  }
}

/**
 * Half of the cuts fall anywhere between the first and the last row; the others just when a row of an output, chosen at
 * random, is known, because that is where one that looks ahead is found out.
 */
function chooseCuts({ tape, from, to }: WholeRun, topology: Topology, params: Params, cuts: number, random: Sfc32): number[] {
  const known = topology.known?.(params as never) as Readonly<Record<string, number>> | undefined
  const outputs = Object.keys(topology.outputs)
    .map((output) => ({ late: known?.[output] ?? 1, seconds: tape.seconds(`output ${output}`) }))
    .filter(({ seconds }) => seconds.length > 0)
  return Array.from({ length: cuts }, (_, i) => {
    if (i % 2 === 0 || outputs.length === 0) return Math.floor(from + random.next() * (to - from))
    const { late, seconds } = outputs[random.below(outputs.length)]
    return (seconds[random.below(seconds.length)] + late) * SECOND
  })
}

function shown({ cut, whole, truncated, ...ahead }: Ahead, schema: Schema, instruments: Instruments) {
  const read = (row: Readonly<Record<string, number>>): ShownRow =>
    Object.fromEntries(Object.entries(schema).map(([name, kind]) => [name, cell(kind, row[name], instruments)]))
  return { ...ahead, cut: formatTime(cut, IST), whole: whole.map(read), truncated: truncated.map(read) }
}

function cell(kind: Schema[string], value: number, instruments: Instruments): string | number {
  if (kind === 'instrument') return instruments.name(value)
  if (kind === 'time') return Number.isFinite(value) ? formatTime(value, IST) : ''
  return kind.includes('|') ? wordsOf(kind)[value] : value
}
