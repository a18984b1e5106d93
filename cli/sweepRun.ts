import { join, resolve } from 'node:path'
import { rankedBy, ranking, totalsOf } from '../runtime/sweepMetrics.ts'
import { walkForward } from '../runtime/sweepWalk.ts'
import { wrongFlag } from './flags.ts'
import { claimRun } from './replayIdentity.ts'
import { takenAt } from './sweepGrid.ts'
import type { SweepJob } from './sweepJob.ts'
import { SweepLedger } from './sweepLedger.ts'
import type { Doer, SweepOptions, SweepSummary, SweepWatch } from './sweepOptions.ts'
import { type SweepPlace, sweepPlaces } from './sweepPlaces.ts'
import { planSweep, type SweepPlan, without } from './sweepPlan.ts'
import { inProcesses, workersOf } from './sweepProcesses.ts'
import { identityOfSweep, prepareSweep, type Sweep, type SweepIdentity } from './sweepSpec.ts'

/**
 * Sweeps: every trading day of the lake for every set of parameters, and what each set came to.
 *
 * Finished jobs are in the folder's ledger (and in the database), so a sweep that was stopped or killed goes on where it
 * stood when it is called again. Throws RUN_MISMATCH when the folder holds another sweep, and what the parts throw.
 */
export async function sweep(options: SweepOptions, watch: SweepWatch, doer: Doer = inProcesses(options.workers)): Promise<SweepSummary> {
  const prepared = await prepareSweep(options.spec)
  const [byDefault, ...others] = rankedBy(prepared.metrics)
  const by = options.by ?? byDefault
  if (![byDefault, ...others].includes(by))
    throw wrongFlag('--by', `--by ${by} is no metric of ${prepared.topology.name}; there are ${[byDefault, ...others].join(', ')}`)
  const { name, identity } = identityOfSweep(prepared)
  const folder = resolve(options.out ?? join('.tickloom', 'sweeps', name))
  const plan = await planSweep(prepared, name, { atOnce: workersOf(options.workers), most: options.setsAJob })
  checkWalk(plan, options)
  claimRun(folder, name, identity)
  const ledger = new SweepLedger(folder)
  const places = sweepPlaces(folder, { sweep: name, of: prepared, ...options })
  try {
    const run = new Run({ name, identity, sweep: prepared, plan, ledger, places, watch })
    await run.start()
    const seconds = await run.all(doer)
    const summary = {
      ...run.summary(by, options),
      seconds,
      out: folder,
      ...(options.clickhouse === undefined ? {} : { clickhouse: options.clickhouse }),
    }
    for (const place of places) await place.finish?.(summary, ledger.results)
    return summary
  } finally {
    ledger.close()
    for (const place of places) await place.close?.()
  }
}

/** Said before hours of work, not after. */
function checkWalk({ dates }: SweepPlan, { walk }: SweepOptions): void {
  if (walk !== undefined && dates.length <= walk.train)
    throw wrongFlag('--train', `--train ${walk.train}d leaves no day to test on: the lake has ${dates.length} of these days`)
}

interface RunParts {
  readonly name: string
  readonly identity: SweepIdentity
  readonly sweep: Sweep
  readonly plan: SweepPlan
  readonly ledger: SweepLedger
  readonly places: readonly SweepPlace[]
  readonly watch: SweepWatch
}

class Run {
  readonly #parts: RunParts
  readonly #jobs: readonly SweepJob[]
  readonly #all: number
  readonly #before: number
  readonly #rowsBefore: number
  readonly #underWay = new Map<string, number>()
  #done: number

  constructor(parts: RunParts) {
    const { plan, sweep, ledger } = parts
    this.#parts = parts
    this.#jobs = without(parts.name, plan.jobs, (date, set) => ledger.has(date, set))
    this.#all = plan.dates.length * sweep.sets.length
    this.#before = this.#all - this.#jobs.reduce((sum, { sets }) => sum + sets.length, 0)
    this.#done = this.#before
    this.#rowsBefore = ledger.rowsIn
  }

  /** Says what is ahead, and brings the places to where the ledger is. */
  async start(): Promise<void> {
    const { name, sweep, plan, identity, ledger, places, watch } = this.#parts
    watch.onOutlook?.({
      name,
      topology: identity.topology,
      sets: sweep.sets.length,
      days: plan.dates.length,
      jobs: this.#jobs.length,
      done: this.#before,
    })
    for (const place of places) await place.start?.(ledger.results)
  }

  /** Answers the seconds it took. */
  async all(doer: Doer): Promise<number> {
    const { ledger, places, watch, ...parts } = this.#parts
    const start = performance.now()
    if (this.#jobs.length > 0) {
      await doer({
        ...parts,
        watch,
        jobs: this.#jobs,
        underWay: (job, part) => {
          this.#underWay.set(job.id, part * job.sets.length)
          this.#tell()
        },
        finished: async (result) => {
          // The database first: what the ledger knows is not written again.
          for (const place of places) await place.add?.(result)
          ledger.add(result)
          this.#underWay.delete(result.job)
          this.#done += result.sets.length
          this.#tell()
        },
      })
    }
    return (performance.now() - start) / 1000
  }

  summary(by: string, { walk }: SweepOptions): Omit<SweepSummary, 'seconds' | 'out'> {
    const { name, identity, sweep, plan, ledger } = this.#parts
    const { dates } = plan
    const results = sweep.sets.map((_, set) => dates.map((date) => ledger.metrics(date, set)))
    const totals = results.map(totalsOf)
    const ranked = rankedBy(sweep.metrics)
    return {
      sweep: name,
      identity,
      parameters: sweep.spec.grid.map(({ path }) => path),
      dates,
      metrics: [by, ...ranked.filter((metric) => metric !== by)],
      sets: ranking(totals, by).map((set) => ({ set, values: takenAt(sweep.spec.grid, sweep.sets[set]), totals: totals[set] })),
      ...(walk === undefined ? {} : { walk: walkForward(dates, results, { ...walk, by }) }),
      rowsIn: ledger.rowsIn - this.#rowsBefore,
      computed: this.#all - this.#before,
      resumed: this.#before,
    }
  }

  #tell(): void {
    let done = this.#done
    for (const part of this.#underWay.values()) done += part
    this.#parts.watch.onProgress?.(done, this.#all)
  }
}
