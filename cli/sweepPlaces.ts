import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ClickHouse, openClickHouse } from '../connectors/clickhouse/client.ts'
import { ensureSweeps, recordSweep, type SweepRow } from '../connectors/clickhouse/sweeps.ts'
import { writeAtomically, writeTextAtomically } from '../connectors/parquet/atomic.ts'
import { identifier, quoted, withDuck } from '../connectors/parquet/duck.ts'
import { takenAt, valuesAt } from './sweepGrid.ts'
import type { SweepResult } from './sweepJob.ts'
import type { SweepSummary } from './sweepOptions.ts'
import type { Sweep } from './sweepSpec.ts'

/** Somewhere that results go to, beside the ledger. Every call may come again with the same rows. */
export interface SweepPlace {
  /** With what the ledger holds already. */
  start?(results: readonly SweepResult[]): Promise<void>
  add?(result: SweepResult): Promise<void>
  finish?(summary: SweepSummary, results: readonly SweepResult[]): Promise<void>
  close?(): Promise<void>
}

export interface PlaceOptions {
  /** Name of the sweep. */
  readonly sweep: string
  readonly of: Sweep
  readonly clickhouse?: string
  readonly database?: string
}

/** `sweep.json` and `sweeps.parquet` in the folder when all is done; the table `sweeps`, job by job, where a database is named. */
export function sweepPlaces(folder: string, options: PlaceOptions): SweepPlace[] {
  const files: SweepPlace = {
    async finish(summary, results) {
      await writeTextAtomically(join(folder, 'sweep.json'), `${JSON.stringify(summary, undefined, 2)}\n`)
      await writeParquetTable(join(folder, 'sweeps.parquet'), options, results)
    },
  }
  return options.clickhouse === undefined ? [files] : [tableOf(options.clickhouse, options), files]
}

function tableOf(target: string, { sweep, of, database = 'tickloom' }: PlaceOptions): SweepPlace {
  const { grid } = of.spec
  const topology = `${of.topology.name}@${of.topology.version}`
  let clickhouse: ClickHouse | undefined
  const rowsOf = ({ date, sets, metrics, rows }: SweepResult): SweepRow[] =>
    sets.map((set, i) => ({
      sweep,
      topology,
      partition: date,
      set,
      parameters: Object.fromEntries(valuesAt(grid, set).map((value, axis) => [grid[axis].path, value])),
      metrics: Object.fromEntries(metrics.map((name, k) => [name, rows[i][k]])),
    }))
  return {
    async start(results) {
      clickhouse = openClickHouse(target)
      await ensureSweeps(clickhouse, database)
      for (const result of results) await recordSweep(clickhouse, database, rowsOf(result))
    },
    add: (result) => recordSweep(clickhouse as ClickHouse, database, rowsOf(result)),
    close: async () => clickhouse?.close(),
  }
}

/** A row a set and day: sweep, partition, set, the parameters that are varied, the metrics. */
async function writeParquetTable(path: string, { sweep, of }: PlaceOptions, results: readonly SweepResult[]): Promise<void> {
  const { grid } = of.spec
  const taken = of.sets.map((params) => takenAt(grid, params))
  // A parameter may be called as a metric is.
  const names = grid.map((axis) => (['sweep', 'partition', 'set', ...of.metrics].includes(axis.path) ? `param.${axis.path}` : axis.path))
  const types = names.map((_, axis) => typeOf(taken.map((values) => values[axis])))
  const columns = {
    sweep: 'VARCHAR',
    partition: 'VARCHAR',
    set: 'INTEGER',
    ...zip(names, types),
    ...zip(
      of.metrics,
      of.metrics.map(() => 'DOUBLE'),
    ),
  }
  await writeAtomically(path, async (temporary) => {
    const lines = `${temporary}.jsonl`
    const text = results.flatMap(({ date, sets, metrics, rows }) =>
      sets.map((set, i) => JSON.stringify({ sweep, partition: date, set, ...zip(names, taken[set]), ...zip(metrics, rows[i]) })),
    )
    try {
      writeFileSync(lines, `${text.join('\n')}\n`)
      const described = Object.entries(columns).map(([name, type]) => `${quoted(name)}: ${quoted(type)}`)
      const read = `read_json(${quoted(lines)}, format = 'newline_delimited', columns = {${described.join(', ')}})`
      await withDuck((duck) =>
        duck.run(
          `COPY (SELECT * FROM ${read} ORDER BY ${identifier('set')}, ${identifier('partition')}) TO ${quoted(temporary)} (FORMAT parquet, COMPRESSION zstd)`,
        ),
      )
    } finally {
      rmSync(lines, { force: true })
    }
  })
}

function typeOf(values: readonly unknown[]): string {
  if (values.every((value) => typeof value === 'number')) return 'DOUBLE'
  return values.every((value) => typeof value === 'boolean') ? 'BOOLEAN' : 'VARCHAR'
}

function zip<T>(names: readonly string[], values: readonly T[]): Record<string, T> {
  return Object.fromEntries(names.map((name, i) => [name, values[i]]))
}
