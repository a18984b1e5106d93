import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { TickloomError } from '../core/errors.ts'
import { type Params, resolveParameters } from '../core/parameters.ts'
import { DAY, IST, parseDate, startOfDay } from '../core/time.ts'
import type { Topology } from '../core/topology.ts'
import { Flow } from '../runtime/flow.ts'
import { onShutdown } from '../runtime/shutdown.ts'
import { type CommonFlags, count, date, list, repeated, verb, wrongFlag } from './flags.ts'
import { loadTopology } from './loadTopology.ts'
import { blame, inputAround } from './parityBlame.ts'
import { type Compared, compareOutput } from './parityCompare.ts'
import { recordingsOfDay, replayRecordings } from './parityReplay.ts'
import { type ParityReport, reportText } from './parityReport.ts'
import { type Extent, filesOf, runInClickHouse, runInFolder, type WrittenRun } from './parityRun.ts'
import type { Identity } from './replayIdentity.ts'

export interface ParityFlags extends CommonFlags {
  readonly run: string
  readonly date: string
  readonly lake: string
  readonly out?: string
  readonly clickhouse?: string
  readonly database: string
  readonly topology?: string
  readonly param: string[]
  readonly preset?: string
  readonly outputs?: string[]
  readonly rows: number
}

/** `tickloom parity`: does the replay of a recorded day give what the live run wrote? */
export function parityVerb(): Command {
  return verb('parity', 'Replay a recorded day and compare every row with what the live run wrote.', [
    'tickloom parity --run live --date 2025-01-06 --lake ./recorded --out ./runs/live',
    'tickloom parity --run live --date 2025-01-06 --lake ./recorded --clickhouse http://localhost:8123 --json',
    'tickloom parity --run live --date 2025-01-06 --lake ./recorded --out ./runs/live --topology ./my-strategy.ts --outputs signals',
  ])
    .requiredOption('--run <id>', 'name of the live run')
    .requiredOption('--date <date>', 'the day, YYYY-MM-DD', date)
    .requiredOption('--lake <dir>', 'folder of the recording')
    .option('--out <dir>', 'folder of the live run: its Parquet and run.json')
    .option('--clickhouse <dir|url>', 'or the database that it wrote into, embedded or a server')
    .option('--database <name>', 'database of the tables', 'tickloom')
    .option('--topology <name|file>', 'the topology, where its name does not find it')
    .option('--param <name=value>', "set a parameter, instead of the run's own (repeatable)", repeated, [])
    .option('--preset <name>', "a named set of parameters, instead of the run's own")
    .option('--outputs <list>', 'compare these outputs only', list)
    .option('--rows <n>', 'recorded rows to show on either side of the first difference', count, 5)
    .action(async (flags: ParityFlags) => {
      const report = await parity(flags)
      process.stdout.write(`${flags.json ? JSON.stringify(report, undefined, 2) : reportText(report)}\n`)
      if (report.equal) return
      const { output, ts } = report.first as NonNullable<ParityReport['first']>
      throw new TickloomError('RECORDING_DIFFERS', `the replay of ${flags.date} differs from the run ${flags.run}, first in ${output}`, {
        output,
        ts,
      })
    })
}

/**
 * Replays the recording of a day through the live run's topology and parameters and compares every row of that day.
 *
 * Throws RUN_MISMATCH when the topology is of another version than the run's, OPTION_INVALID where there is no such run,
 * LAKE_EMPTY where there is no such recording.
 */
export async function parity(flags: ParityFlags): Promise<ParityReport> {
  const from = startOfDay(parseDate(flags.date), IST)
  const extent: Extent = { from, to: from + DAY }
  const recordings = recordingsOfDay(flags.lake, flags.date, extent)
  const live = await openRun(flags)
  const folder = mkdtempSync(join(tmpdir(), 'tickloom-parity-'))
  const shutdown = onShutdown()
  try {
    const { topology, params } = await topologyOf(flags, live.identity)
    const outputs = outputsOf(flags, topology, live.identity)
    await replayRecordings({ topology, params, lake: flags.lake, recordings, into: folder, signal: shutdown.signal })
    const compared: Compared[] = []
    for (const output of outputs) {
      const schema = topology.outputs[output]
      compared.push(await compareOutput(output, schema, await live.rows(output, schema, extent), filesOf(folder, output), extent))
    }
    return await reportOf(flags, topology, params, recordings, compared)
  } finally {
    shutdown.release()
    rmSync(folder, { recursive: true, force: true })
    await live.close()
  }
}

async function openRun({ out, clickhouse, database, run }: ParityFlags): Promise<WrittenRun> {
  if ((out === undefined) === (clickhouse === undefined))
    throw wrongFlag('--out', 'name where the live run wrote: --out or --clickhouse, one of them')
  return out === undefined ? runInClickHouse(clickhouse as string, database, run) : runInFolder(out, run)
}

async function topologyOf(flags: ParityFlags, identity: Identity): Promise<{ topology: Topology; params: Params }> {
  const [name] = String(identity['topology']).split('@')
  const topology = await loadTopology(flags.topology ?? name)
  const version = `${topology.name}@${topology.version}`
  if (version !== identity['topology'])
    throw new TickloomError('RUN_MISMATCH', `the run ${flags.run} was made by ${identity['topology']}, and this is ${version}`, {
      run: flags.run,
      topology: version,
    })
  const own = flags.param.length === 0 && flags.preset === undefined
  return {
    topology,
    params: own ? (topology.params.parse(identity['parameters']) as Params) : resolveParameters(topology, flags.param, flags.preset),
  }
}

/** The outputs that the run wrote and that have times, by which they are told to be of the day. */
function outputsOf({ outputs }: ParityFlags, topology: Topology, identity: Identity): readonly string[] {
  const written = (identity['outputs'] as readonly string[] | null | undefined) ?? Object.keys(topology.outputs)
  const timed = written.filter((name) => topology.outputs[name]?.['ts'] === 'time')
  const unknown = outputs?.find((name) => !timed.includes(name))
  if (unknown !== undefined) throw wrongFlag('--outputs', `"${unknown}" cannot be compared; the run wrote ${timed.join(', ')}`)
  return outputs ?? timed
}

async function reportOf(
  flags: ParityFlags,
  topology: Topology,
  params: Params,
  recordings: Parameters<typeof inputAround>[1],
  compared: readonly Compared[],
): Promise<ParityReport> {
  const { run, lake } = flags
  const times = recordings.filter((recording) => recording.date === flags.date).flatMap(({ files }) => files.map(({ max }) => max ?? -Infinity))
  const recordedUntil = times.reduce((highest, ts) => Math.max(highest, ts), -Infinity)
  const flow = new Flow()
  flow.wire(topology, params)
  const blamed = blame(compared, flow.edges())
  const head = { run, date: flags.date, topology: `${topology.name}@${topology.version}`, recordedUntil }
  const outputs = compared.map(({ first, ...counts }) => counts)
  const differences = compared.flatMap(({ first }) => first ?? [])
  if (blamed === undefined || differences.length === 0) return { ...head, equal: true, outputs }
  // Of those of one time, the one furthest up the graph.
  const upstream = differences.find(({ output }) => output === blamed.output) as (typeof differences)[number]
  const earliest = differences.reduce((a, b) => (b.ts < a.ts ? b : a))
  const first = upstream.ts === earliest.ts ? upstream : earliest
  const [input] = Object.values(topology.inputs)
  return { ...head, equal: false, outputs, first, blame: blamed, upstream, input: await inputAround(lake, recordings, input, upstream, flags.rows) }
}
