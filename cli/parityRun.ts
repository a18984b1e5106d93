import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type ClickHouse, openClickHouse } from '../connectors/clickhouse/client.ts'
import { exportRows } from '../connectors/clickhouse/export.ts'
import { recordedParameters } from '../connectors/clickhouse/runs.ts'
import { outputFiles, partitionsOf } from '../connectors/parquet/outputManifest.ts'
import type { Schema } from '../core/batch.ts'
import { TickloomError } from '../core/errors.ts'
import { type Identity, readRun } from './replayIdentity.ts'

/** From when to when rows are compared, microseconds; the end excluded. */
export interface Extent {
  readonly from: number
  readonly to: number
}

/** Parquet files of one output. `plain`: times as whole microseconds and bools as numbers. */
export interface OutputRows {
  readonly files: readonly string[]
  readonly plain: boolean
}

/** A run as it wrote itself down, and its rows. */
export interface WrittenRun {
  readonly identity: Identity
  rows(output: string, schema: Schema, extent: Extent): Promise<OutputRows>
  close(): Promise<void>
}

/** A run in a folder of Parquet. Throws OPTION_INVALID where there is none, RUN_MISMATCH when it is another. */
export function runInFolder(dir: string, run: string): WrittenRun {
  const known = readRun(join(dir, 'run.json'))
  if (known === undefined) throw new TickloomError('OPTION_INVALID', `there is no run in ${resolve(dir)}: it has no run.json`, { option: '--out' })
  if (known.run !== run) throw new TickloomError('RUN_MISMATCH', `${resolve(dir)} holds the run ${known.run}, not ${run}`, { out: dir })
  return { identity: known.identity, rows: async (output) => filesOf(dir, output), close: async () => {} }
}

/** What a run wrote into its folder of one output, by its manifests. */
export function filesOf(dir: string, output: string): OutputRows {
  const files = partitionsOf(dir).flatMap((partition) => outputFiles(dir, partition).filter((file) => file.output === output))
  return { files: files.map(({ path }) => join(dir, path)), plain: false }
}

/** A run in ClickHouse. Throws OPTION_INVALID where there is none, and what opening the database throws. */
export async function runInClickHouse(target: string, database: string, run: string): Promise<WrittenRun> {
  const clickhouse = openClickHouse(target)
  try {
    const parameters = await recordedParameters(clickhouse, database, run)
    if (parameters === undefined) throw new TickloomError('OPTION_INVALID', `${clickhouse.location} holds no run ${run}`, { option: '--run' })
    return inClickHouse(clickhouse, database, run, JSON.parse(parameters) as Identity)
  } catch (thrown) {
    await clickhouse.close()
    throw thrown
  }
}

function inClickHouse(clickhouse: ClickHouse, database: string, run: string, identity: Identity): WrittenRun {
  const folder = mkdtempSync(join(tmpdir(), 'tickloom-parity-live-'))
  return {
    identity,
    async rows(output, schema, extent) {
      const path = join(folder, `${encodeURIComponent(output)}.parquet`)
      await exportRows(clickhouse, { database, table: output, run, schema, ...extent }, path)
      return { files: [path], plain: true }
    },
    async close() {
      rmSync(folder, { recursive: true, force: true })
      await clickhouse.close()
    },
  }
}
