import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { codeDigest } from '../connectors/parquet/cacheCode.ts'
import { lakeFingerprint } from '../connectors/parquet/fingerprint.ts'
import { TickloomError } from '../core/errors.ts'
import { type Params, resolveParameters } from '../core/parameters.ts'
import type { Topology } from '../core/topology.ts'
import { nseFolder } from '../markets/nse/folder.ts'
import { Flow } from '../runtime/flow.ts'
import { countedOutputs, metricsOf } from '../runtime/sweepMetrics.ts'
import { wireSweep } from '../runtime/sweepWiring.ts'
import { fromTicks } from '../topologies/seconds/fromTicks.ts'
import { fileOf, loadTopology } from './loadTopology.ts'
import { wantedOutputs } from './outputs.ts'
import type { ReplayOptions } from './replayOptions.ts'
import { countOf, type Grid, settingsAt } from './sweepGrid.ts'

/** What is swept: everything that decides the answer, and how the lake is read. Plain data, fit for another process or machine. */
export interface SweepSpec
  extends Pick<
    ReplayOptions,
    'topology' | 'lake' | 'from' | 'to' | 'timeFrom' | 'timeTo' | 'symbols' | 'strikes' | 'preset' | 'reader' | 'cache' | 'prune'
  > {
  readonly grid: Grid
  /** Outputs that are counted; the usual ones by default. */
  readonly outputs?: readonly string[]
}

/** A sweep with everything checked. */
export interface Sweep {
  readonly spec: SweepSpec
  readonly topology: Topology
  /** Parameters of every set, by its number. */
  readonly sets: readonly Params[]
  readonly counted: readonly string[]
  /** Names of the metrics of a day, in order. */
  readonly metrics: readonly string[]
}

/** What a sweep is: with all of it equal, the same rows come out, on whatever machine. */
export interface SweepIdentity {
  readonly topology: string
  readonly code: string
  readonly lake: string
  readonly [name: string]: unknown
}

/** The options of a replay that reads what the sweep reads, and writes nothing. */
export function replayOptionsOf({ grid: _grid, outputs: _outputs, ...read }: SweepSpec, settings: readonly string[] = []): ReplayOptions {
  return { ...read, params: settings, workers: 1, resume: false, epoch: 3_600_000_000 }
}

/**
 * Loads the topology and checks every set of parameters, down to its wiring. Throws PARAMETER_INVALID naming the set,
 * OPTION_INVALID for a topology that remembers more than a day, TOPOLOGY_INVALID, TOPOLOGY_NOT_FOUND.
 */
export async function prepareSweep(spec: SweepSpec, numbers?: readonly number[]): Promise<Sweep> {
  const topology = await loadTopology(spec.topology)
  if (topology.memory !== 'day')
    throw new TickloomError('OPTION_INVALID', `${topology.name} remembers more than a day, so its days cannot be swept one by one`, {
      option: '--topology',
    })
  const counted = countedOutputs(topology.outputs, spec.outputs === undefined ? undefined : wantedOutputs(topology, spec.outputs, '--outputs'))
  const withSeconds = fromTicks(topology)
  const sets: Params[] = []
  for (const i of numbers ?? Array(countOf(spec.grid)).keys()) {
    const settings = settingsAt(spec.grid, i)
    sets[i] = resolveParameters(withSeconds, settings, spec.preset)
    if (numbers === undefined) tryOut(topology, sets[i], settings)
  }
  return { spec, topology, sets, counted, metrics: metricsOf(topology.outputs, counted) }
}

/** A combination that its operators refuse is refused before anything is run. */
function tryOut(topology: Topology, params: Params, settings: readonly string[]): void {
  try {
    wireSweep(new Flow(), topology, [params])
  } catch (thrown) {
    if (!(thrown instanceof TickloomError)) throw thrown
    throw new TickloomError(thrown.code, `with ${settings.join(' ')}: ${thrown.message}`, { ...thrown.at, settings }, thrown)
  }
}

/** What decides the answer, and a name made of it. Throws what lakeFingerprint throws. */
export function identityOfSweep({ spec, topology, counted }: Sweep): { name: string; identity: SweepIdentity } {
  const { from, to, timeFrom, timeTo, symbols, strikes, preset, grid } = spec
  const identity: SweepIdentity = {
    topology: `${topology.name}@${topology.version}`,
    code: sweepCode(spec.topology),
    lake: lakeFingerprint(spec.lake, { from, to, timeFrom, timeTo, symbols, strikes }),
    from: from ?? null,
    to: to ?? null,
    time: timeFrom === undefined ? null : `${timeFrom}..${timeTo}`,
    symbols: symbols ?? null,
    strikes: strikes ?? null,
    preset: preset ?? null,
    grid,
    outputs: counted,
  }
  const hash = createHash('sha256').update(JSON.stringify(identity)).digest('hex')
  return { name: `${topology.name}-sweep-${hash.slice(0, 10)}`, identity }
}

/** The digest of everything that makes the answer: the topology's file, what runs and reads it, and the tables of the markets. */
export function sweepCode(topology: string): string {
  const here = fileURLToPath(import.meta.url)
  const root = fileURLToPath(new URL('..', import.meta.url))
  const file = fileOf(topology)
  // A file of somebody's own imports operators from 'tickloom', which says no path to follow.
  const api = file.startsWith(root) ? [] : [join(root, `index${extname(here)}`)]
  const worker = fileURLToPath(new URL(`./sweepJob${extname(here)}`, import.meta.url))
  return codeDigest([worker, file, ...api], tablesOf(dirname(nseFolder))).slice(0, 16)
}

function tablesOf(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true }) as string[]
  return names
    .filter((name) => name.endsWith('.csv'))
    .sort()
    .map((name) => join(folder, name))
}
