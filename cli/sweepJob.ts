import { TickloomError } from '../core/errors.ts'
import { MetricsOfDay } from '../runtime/sweepMetrics.ts'
import { sweepPartition } from '../runtime/sweepPartition.ts'
import { plugReplay, type ReplayPlan } from './replayPorts.ts'
import { prepareSweep, replayOptionsOf, type Sweep, type SweepSpec } from './sweepSpec.ts'

/** A day for some of the sets. Plain data. */
export interface SweepJob {
  /** The same sweep has the same jobs under the same names. */
  readonly id: string
  readonly date: string
  /** Numbers of sets; all of them read the same rows. */
  readonly sets: readonly number[]
}

/** A job with what a process needs to do it. Plain data. */
export interface SweepJobTask extends SweepJob {
  readonly spec: SweepSpec
  /** What is read: of this day alone. */
  readonly plan: ReplayPlan
}

/** What came of a job: `rows[i]` are the metrics of `sets[i]`. Plain data, finite numbers. */
export interface SweepResult {
  readonly job: string
  readonly date: string
  readonly metrics: readonly string[]
  readonly sets: readonly number[]
  readonly rows: readonly (readonly number[])[]
  /** Rows of the lake that were read. */
  readonly rowsIn: number
}

export interface JobWatch {
  readonly signal: AbortSignal
  onProgress?(rowsIn: number): void
}

const prepared = new Map<string, Sweep>()

/** The parameters of those sets, each resolved once a process. */
async function preparedFor(spec: SweepSpec, sets: readonly number[]): Promise<Sweep> {
  const key = JSON.stringify([spec, sets])
  const known = prepared.get(key)
  if (known !== undefined) return known
  const sweep = await prepareSweep(spec, sets)
  prepared.clear()
  prepared.set(key, sweep)
  return sweep
}

/** Reads a day once for all sets of the job. Throws what the source and the steps do, INTERRUPTED on abort. */
export async function runSweepJob({ id, date, sets, spec, plan }: SweepJobTask, { signal, onProgress }: JobWatch): Promise<SweepResult> {
  const { topology, sets: all, counted, metrics } = await preparedFor(spec, sets)
  const params = sets.map((set) => all[set])
  const task = { options: replayOptionsOf(spec), run: id, folder: undefined, memory: topology.memory, plan }
  const { plugged, unplug } = await plugReplay(task, topology, params[0], undefined)
  try {
    const days = sets.map(() => new MetricsOfDay(topology.outputs, counted))
    const rowsIn = await sweepPartition({
      topology,
      sets: params,
      outputs: counted,
      source: plugged.source,
      partition: date,
      instruments: plugged.instruments,
      signal,
      onRows: (set, output, batch) => days[set].add(output, batch),
      onProgress,
    })
    const rows = days.map((day) => metrics.map((name) => day.metrics[name]))
    checkFinite(rows, metrics, sets, date)
    return { job: id, date, metrics, sets, rows, rowsIn }
  } catch (thrown) {
    if (signal.aborted && !(thrown instanceof TickloomError)) throw new TickloomError('INTERRUPTED', 'stopped; finished jobs are kept')
    throw thrown
  } finally {
    await unplug()
  }
}

/** A sum that is no number would rank, and be drawn, as if it were none. */
function checkFinite(rows: readonly (readonly number[])[], metrics: readonly string[], sets: readonly number[], date: string): void {
  for (const [i, row] of rows.entries()) {
    const wrong = row.findIndex((value) => !Number.isFinite(value))
    if (wrong >= 0)
      throw new TickloomError('STEP_FAILED', `${metrics[wrong]} of set ${sets[i]} on ${date} is ${row[wrong]}: a trade has a price that is none`, {
        set: sets[i],
        date,
      })
  }
}
