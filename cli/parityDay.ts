import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TickloomError } from '../core/errors.ts'
import { type Params, resolveParameters } from '../core/parameters.ts'
import { attach, DAY, IST, parseDate, startOfDay } from '../core/time.ts'
import type { Topology } from '../core/topology.ts'
import { Flow } from '../runtime/flow.ts'
import { onShutdown } from '../runtime/shutdown.ts'
import { fromTicks } from '../topologies/seconds/fromTicks.ts'
import { wrongFlag } from './flags.ts'
import { loadTopology } from './loadTopology.ts'
import { blame, inputAround } from './parityBlame.ts'
import { type Compared, compareOutput } from './parityCompare.ts'
import { recordingsOfDay, replayRecordings } from './parityReplay.ts'
import type { ParityReport } from './parityReport.ts'
import { type Extent, filesOf, runInClickHouse, runInFolder, type WrittenRun } from './parityRun.ts'
import type { Identity } from './replayIdentity.ts'

export interface ParityOptions {
  readonly run: string
  readonly date: string
  readonly lake: string
  readonly out?: string
  readonly clickhouse?: string
  readonly database: string
  /** Only rows of this part of the day, wall clock of the market; the end excluded. */
  readonly time?: { readonly from: string; readonly to: string }
  readonly topology?: string
  readonly param: readonly string[]
  readonly preset?: string
  readonly outputs?: readonly string[]
  /** Recorded rows to show on either side of the first difference. */
  readonly rows: number
}

/**
 * Replays the recording of a day through the live run's topology and parameters and compares every row of that day.
 *
 * Throws RUN_MISMATCH when the topology is of another version than the run's, OPTION_INVALID where there is no such run,
 * LAKE_EMPTY where there is no such recording.
 */
export async function parity(options: ParityOptions): Promise<ParityReport> {
  const extent = extentOf(options)
  const recordings = recordingsOfDay(options.lake, options.date, extent)
  const live = await openRun(options)
  const folder = mkdtempSync(join(tmpdir(), 'tickloom-parity-'))
  const shutdown = onShutdown()
  try {
    const { topology, params } = await topologyOf(options, live.identity)
    const outputs = outputsOf(options, topology, live.identity)
    await replayRecordings({ topology, params, lake: options.lake, recordings, into: folder, signal: shutdown.signal })
    const compared: Compared[] = []
    for (const output of outputs) {
      const schema = topology.outputs[output]
      compared.push(await compareOutput(output, schema, await live.rows(output, schema, extent), filesOf(folder, output), extent))
    }
    return await reportOf(options, topology, params, recordings, compared)
  } finally {
    shutdown.release()
    rmSync(folder, { recursive: true, force: true })
    await live.close()
  }
}

function extentOf({ date, time }: ParityOptions): Extent {
  const from = startOfDay(parseDate(date), IST)
  return time === undefined ? { from, to: from + DAY } : { from: attach(`${date} ${time.from}`, IST), to: attach(`${date} ${time.to}`, IST) }
}

async function openRun({ out, clickhouse, database, run }: ParityOptions): Promise<WrittenRun> {
  if ((out === undefined) === (clickhouse === undefined))
    throw wrongFlag('--out', 'name where the live run wrote: --out or --clickhouse, one of them')
  return out === undefined ? runInClickHouse(clickhouse as string, database, run) : runInFolder(out, run)
}

async function topologyOf(options: ParityOptions, identity: Identity): Promise<{ topology: Topology; params: Params }> {
  const [name] = String(identity['topology']).split('@')
  const topology = fromTicks(await loadTopology(options.topology ?? name))
  const version = `${topology.name}@${topology.version}`
  if (version !== identity['topology'])
    throw new TickloomError('RUN_MISMATCH', `the run ${options.run} was made by ${identity['topology']}, and this is ${version}`, {
      run: options.run,
      topology: version,
    })
  const own = options.param.length === 0 && options.preset === undefined
  return {
    topology,
    params: own ? (topology.params.parse(identity['parameters']) as Params) : resolveParameters(topology, options.param, options.preset),
  }
}

/** The outputs that the run wrote and that have times, by which they are told to be of the day. */
function outputsOf({ outputs }: ParityOptions, topology: Topology, identity: Identity): readonly string[] {
  const written = (identity['outputs'] as readonly string[] | null | undefined) ?? Object.keys(topology.outputs)
  const timed = written.filter((name) => topology.outputs[name]?.['ts'] === 'time')
  const unknown = outputs?.find((name) => !timed.includes(name))
  if (unknown !== undefined) throw wrongFlag('--outputs', `"${unknown}" cannot be compared; the run wrote ${timed.join(', ')}`)
  return outputs ?? timed
}

async function reportOf(
  options: ParityOptions,
  topology: Topology,
  params: Params,
  recordings: Parameters<typeof inputAround>[1],
  compared: readonly Compared[],
): Promise<ParityReport> {
  const { run, lake } = options
  const times = recordings.filter((recording) => recording.date === options.date).flatMap(({ files }) => files.map(({ max }) => max ?? -Infinity))
  const recordedUntil = times.reduce((highest, ts) => Math.max(highest, ts), -Infinity)
  const flow = new Flow()
  flow.wire(topology, params)
  const blamed = blame(compared, flow.edges())
  const head = { run, date: options.date, topology: `${topology.name}@${topology.version}`, recordedUntil }
  const outputs = compared.map(({ first, ...counts }) => counts)
  const differences = compared.flatMap(({ first }) => first ?? [])
  if (blamed === undefined || differences.length === 0) return { ...head, equal: true, outputs }
  // Of those of one time, the one furthest up the graph.
  const upstream = differences.find(({ output }) => output === blamed.output) as (typeof differences)[number]
  const earliest = differences.reduce((a, b) => (b.ts < a.ts ? b : a))
  const first = upstream.ts === earliest.ts ? upstream : earliest
  const [input] = Object.values(topology.inputs)
  return { ...head, equal: false, outputs, first, blame: blamed, upstream, input: await inputAround(lake, recordings, input, upstream, options.rows) }
}
