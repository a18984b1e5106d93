/** What a tracker is to do. `batchTimeout` in seconds. */
export interface PlannedLoad {
  readonly symbols: number
  /** A second, of all symbols together. */
  readonly updates: number
  readonly batchTimeout: number
}

/** A prediction, and how far from it every measurement lay at most. */
export interface Predicted {
  readonly value: number
  readonly error: number
}

/**
 * What a tracker takes with SQLite, page, rules, alerts and metrics, and without a history.
 *
 * | figure | unit |
 * | --- | --- |
 * | memoryMb | resident, MB of 10^6 bytes |
 * | cpuPercent | of one core |
 * | fileMb | the database, which does not grow after every symbol was quoted |
 * | logMb | its log beside it |
 * | writtenGbPerDay | what the disk is made to write: pages of the log and, from there, of the file |
 */
export interface TrackerPlan {
  readonly memoryMb: Predicted
  readonly cpuPercent: Predicted
  readonly fileMb: Predicted
  readonly logMb: Predicted
  readonly writtenGbPerDay: Predicted
}
export type Figure = keyof TrackerPlan

/** Bytes that a row takes in the file, and of a page, of which one changed row has all written; pages of the log between two checkpoints. */
const [ROW, PAGE, LOG] = [215, 4096, 500]

/**
 * A second: rows written, pages of the log that they are on, were they anywhere, and pages that checkpoints take over
 * into the file: each once, however often it is in the log.
 */
function written({ symbols, updates, batchTimeout }: PlannedLoad): { readonly rows: number; readonly log: number; readonly file: number } {
  const rows = Math.min(symbols, updates * batchTimeout)
  const pages = Math.ceil((symbols * ROW) / PAGE)
  const log = (pages * (1 - Math.exp(-rows / pages))) / batchTimeout
  return { rows: rows / batchTimeout, log, file: log * Math.min(1, pages / LOG) }
}
const gigabytesPerDay = (pages: number): number => (pages * PAGE * 86_400) / 1e9

/** What each figure is a weighted sum of; bench/tracker.md has it as formulas. */
export const terms: Readonly<Record<Figure, (load: PlannedLoad) => readonly number[]>> = {
  memoryMb: ({ symbols, updates }) => [1, symbols / 1000, updates / 1000],
  cpuPercent: (load) => [1, load.updates / 1000, written(load).rows / 1000, written(load).log / 1000],
  fileMb: ({ symbols }) => [1, symbols / 1000],
  logMb: ({ symbols }) => [1, symbols / 1000],
  writtenGbPerDay: (load) => [1 / load.batchTimeout, gigabytesPerDay(written(load).log), gigabytesPerDay(written(load).file)],
}

export interface FigureCosts {
  readonly weights: readonly number[]
  readonly error: number
  /** Whether `error` is a share of the value. */
  readonly relative: boolean
}

/** The sum of the terms, and its error. */
export function predictedBy({ weights, error, relative }: FigureCosts, values: readonly number[]): Predicted {
  const value = weights.reduce((sum, weight, i) => sum + weight * values[i], 0)
  return { value, error: relative ? value * error : error }
}
