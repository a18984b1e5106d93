import type { Metrics } from '../runtime/sweepMetrics.ts'
import type { Walk } from '../runtime/sweepWalk.ts'
import type { SweepJob, SweepResult } from './sweepJob.ts'
import type { SweepPlan } from './sweepPlan.ts'
import type { Sweep, SweepIdentity, SweepSpec } from './sweepSpec.ts'

/** A sweep as the command line asks for it. */
export interface SweepOptions {
  readonly spec: SweepSpec
  /** Folder of the sweep; .tickloom/sweeps/<name> by default. */
  readonly out?: string
  /** Directory of an embedded database, or URL of a server. */
  readonly clickhouse?: string
  readonly database?: string
  /** Processes; as many as there are cores by default. */
  readonly workers?: number
  /** Sets of a job at most. */
  readonly setsAJob?: number
  /** What sets are ranked by. */
  readonly by?: string
  /** Lengths of the windows of a walk, trading days. */
  readonly walk?: { readonly train: number; readonly test: number }
}

/** What is about to be run, and how much of it was done before. */
export interface SweepOutlook {
  readonly name: string
  readonly topology: string
  readonly sets: number
  readonly days: number
  readonly jobs: number
  /** Sets times days that have an answer already. */
  readonly done: number
}

export interface SweepWatch {
  readonly signal: AbortSignal
  /** Before the first job. */
  onOutlook?(outlook: SweepOutlook): void
  /** Sets times days done so far, those before included, of how many. */
  onProgress?(done: number, all: number): void
  /** Of jobs done elsewhere: none came back for so many seconds. */
  onSilence?(seconds: number): void
}

/** Does the jobs wherever they are done, and hands over what each came to, in any order. */
export interface Doing {
  readonly name: string
  readonly sweep: Sweep
  readonly identity: SweepIdentity
  readonly plan: SweepPlan
  readonly jobs: readonly SweepJob[]
  readonly watch: SweepWatch
  finished(result: SweepResult): Promise<void>
  /** Of a job under way: the part of its rows that was read. */
  underWay(job: SweepJob, part: number): void
}
export type Doer = (doing: Doing) => Promise<void>

/** A set of parameters and what it came to over all days. */
export interface SweptSet {
  readonly set: number
  /** Value of each parameter of the grid, in its order. */
  readonly values: readonly unknown[]
  readonly totals: Metrics
}

export interface SweepSummary {
  readonly sweep: string
  readonly identity: SweepIdentity
  /** Parameters that are varied. */
  readonly parameters: readonly string[]
  readonly dates: readonly string[]
  /** What sets can be ranked by, the metric they are ranked by first. */
  readonly metrics: readonly string[]
  /** Best first. */
  readonly sets: readonly SweptSet[]
  readonly walk?: Walk
  /** Rows of the lake read by this call, each once for all sets of its job. */
  readonly rowsIn: number
  /** Sets times days that this call computed, and that were there before. */
  readonly computed: number
  readonly resumed: number
  /** Wall time of reading and computing, start of processes not counted. */
  readonly seconds: number
  readonly out: string
  readonly clickhouse?: string
}
