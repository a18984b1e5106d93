import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, describe, expect, it } from 'vitest'
import { replay } from '../../cli/replayRun.ts'
import { HOUR } from '../../core/time.ts'
import { benchLake } from '../kit/benchLake.ts'

const lake = benchLake(1)
if (lake === undefined) console.warn('skipped: without a python3 that has venv and pip there is no benchmark market to replay')
const folder = mkdtempSync(join(tmpdir(), 'j1-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The four numbers that Polars, Numba and DuckDB give for the job J1 on the benchmark's first day (bench/README.md). */
const ANSWERS = [1935, 10_702_500, 22_082_631, 902_323.9]

describe.skipIf(lake === undefined)('J1 on one day of 120 contracts', () => {
  const layouts = lake ?? { merged: '', perContract: '' }
  for (const [layout, path] of Object.entries(layouts)) {
    it(`gives the peers' four answers from the ${layout} layout`, async () => {
      const out = join(folder, layout)
      const summary = await replay({
        topology: 'volume-burst',
        preset: 'j1',
        params: [],
        lake: path,
        out,
        outputs: ['signals'],
        workers: 1,
        resume: false,
        epoch: HOUR,
      })
      expect(summary.rowsIn).toBe(layout === 'merged' ? 3_207_762 : summary.rowsIn)
      expect(await signalSums(out)).toEqual(ANSWERS)
    }, 120_000)
  }
})

async function signalSums(out: string): Promise<number[]> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const rows =
    await connection.runAndReadAll(`select count(*)::double, sum(burst), sum("second")::double, round(sum(close), 2) from read_parquet('${out}/signals/**/*.parquet')
    where instrument like '%:CE' or instrument like '%:PE'`)
  return rows.getRows()[0] as number[]
}
