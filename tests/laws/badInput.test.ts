import { execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { answerOf, main, tickloom } from '../kit/commandLine.ts'
import { marketLake } from '../kit/marketLake.ts'
import { mountInMemory, remount, unmount } from '../kit/mounting.ts'
import { parquetFiles } from '../kit/outputs.ts'

let lake: string
let folder: string
let files = 0
beforeAll(async () => {
  lake = await marketLake({ days: 1, strikes: 2, rate: 0.2 })
  folder = mkdtempSync(join(tmpdir(), 'bad-'))
}, 60_000)
afterAll(() => {
  for (const path of [dirname(lake), folder]) rmSync(path, { recursive: true, force: true })
})

const fresh = () => join(folder, `n${++files}`)
const replay = (from: string, ...more: string[]) => tickloom(['replay', '--topology', 'volume-burst', '--lake', from, ...more])

/** A copy of the lake, and the path of its first Parquet file. */
function copyOfLake(): { copy: string; file: string } {
  const copy = fresh()
  cpSync(lake, copy, { recursive: true })
  const file = (readdirSync(copy, { recursive: true }) as string[]).filter((f) => f.endsWith('.parquet')).sort()[0]
  return { copy, file: join(copy, file) }
}

async function rewrite(file: string, select: string): Promise<void> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  await connection.run(`copy (${select.replaceAll('FILE', `'${file}'`)}) to '${file}.new' (format parquet)`)
  execFileSync('mv', [`${file}.new`, file])
}

describe('bad input', () => {
  it('a lake that is not there', async () => {
    const { code, stderr } = await replay(join(folder, 'nowhere'))
    expect([code, stderr]).toEqual([2, expect.stringMatching(/nowhere[\s\S]*LAKE_MISSING/)])
  })

  it('a lake without ticks', async () => {
    const empty = fresh()
    mkdirSync(empty)
    const { code, stderr } = await replay(empty)
    expect([code, stderr]).toEqual([2, expect.stringMatching(/LAKE_EMPTY/)])
  })

  it('a truncated Parquet file, named, with nothing written', async () => {
    const { copy, file } = copyOfLake()
    truncateSync(file, 1000)
    const out = fresh()
    const { code, stderr } = await replay(copy, '--out', out)
    expect([code, stderr]).toEqual([2, expect.stringContaining('FILE_CORRUPT')])
    expect(stderr).toContain(file)
    expect(parquetFiles(out)).toEqual({})
  })

  it('a column of the wrong type, named with its file', async () => {
    const { copy, file } = copyOfLake()
    await rewrite(file, `select * replace (case when price > 0 then 'x' end as price) from FILE`)
    const { code, stderr } = await replay(copy)
    expect([code, stderr]).toEqual([2, expect.stringMatching(/price[\s\S]*FILE_SCHEMA/)])
    expect(stderr).toContain(file)
  })

  it('a file that is not sorted by time, named with the row', async () => {
    const { copy, file } = copyOfLake()
    await rewrite(file, 'select * from FILE order by ts desc')
    const { code, stderr } = await replay(copy)
    expect([code, stderr]).toEqual([2, expect.stringMatching(/row 2[\s\S]*FILE_UNSORTED|FILE_UNSORTED/)])
    expect(stderr).toContain(file)
  })

  it('a parameter that the topology does not have', async () => {
    const { code, stderr } = await replay(lake, '--param', 'rollingBurst.widow=30')
    expect([code, stderr]).toEqual([2, expect.stringMatching(/rollingBurst\.widow[\s\S]*rollingBurst\.window[\s\S]*PARAMETER_INVALID/)])
  })

  it('an output folder that cannot be written', async () => {
    const blocked = fresh()
    writeFileSync(blocked, 'a file where the folder should be')
    const { code, stderr } = await replay(lake, '--out', join(blocked, 'out'))
    expect([code, stderr]).toEqual([2, expect.stringMatching(/OUTPUT_UNWRITABLE/)])
  })

  it('a topology file that throws when it is loaded', async () => {
    const file = join(folder, 'throws.ts')
    writeFileSync(file, `throw new Error('the market is closed')\n`)
    const { code, stderr } = await tickloom(['replay', '--topology', file, '--lake', lake])
    expect([code, stderr]).toEqual([2, expect.stringMatching(/throws\.ts[\s\S]*the market is closed[\s\S]*TOPOLOGY_INVALID/)])
  })

  it('a topology whose step throws, named, with its finished epochs kept', async () => {
    const file = join(folder, 'step-throws.ts')
    writeFileSync(
      file,
      `
      import { topology, Trade } from 'tickloom'
      import { z } from 'zod'
      export default topology({ name: 'bad', version: 1, memory: 'day', params: z.object({}), inputs: { ticks: Trade }, outputs: { ticks: Trade },
        wire: ({ ticks }, at) => ({ ticks: ticks.pipe(at('moody').map((batch) => { if (batch.n > 0 && batch.col.ts[0] > ${Date.UTC(2025, 0, 6, 7) * 1000}) throw new Error('no more'); return batch })) }) })`,
    )
    const { code, stderr } = await tickloom(['replay', '--topology', file, '--lake', lake, '--out', fresh()])
    expect([code, stderr]).toEqual([1, expect.stringMatching(/moody[\s\S]*no more[\s\S]*STEP_FAILED/)])
  })

  it('a full disk: says so, and once there is room --resume completes what was committed', async (test) => {
    const disk = fresh()
    mkdirSync(disk)
    const refusal = mountInMemory(disk, 'size=300k')
    if (refusal !== undefined) return test.skip(`a small disk cannot be mounted here: ${refusal}`)
    try {
      const args = ['--out', join(disk, 'out'), '--epoch', '10m', '--run', 'R'] as const
      const { code, stderr } = await replay(lake, ...args)
      expect([code, stderr]).toEqual([1, expect.stringMatching(/DISK_FULL/)])
      expect((readdirSync(disk, { recursive: true }) as string[]).filter((f) => f.endsWith('.tmp'))).toEqual([])

      remount(disk, 'size=60m')
      expect((await replay(lake, ...args, '--resume')).code).toBe(0)
      const elsewhere = fresh()
      expect((await replay(lake, '--out', elsewhere, '--epoch', '10m', '--run', 'R')).code).toBe(0)
      expect(parquetFiles(join(disk, 'out'))).toEqual(parquetFiles(elsewhere))
    } finally {
      unmount(disk)
    }
  }, 60_000)

  it('a database directory that another process has open', async () => {
    const out = fresh()
    const args = ['replay', '--topology', 'volume-burst', '--lake', lake, '--out', out, '--clickhouse', join(out, 'ch'), '--epoch', '10m']
    const child = spawn(process.execPath, [main, ...args])
    const first = answerOf(child)
    // Locked first, then written into.
    const status = () => statSync(join(out, 'ch', 'status'), { throwIfNoEntry: false })?.size ?? 0
    await vi.waitUntil(() => status() > 0, { timeout: 30_000, interval: 5 })
    // It has the directory until the second one has looked, however long that takes to start.
    child.kill('SIGSTOP')
    const second = await replay(lake, '--out', fresh(), '--clickhouse', join(out, 'ch'))
    child.kill('SIGCONT')
    expect([second.code, second.stderr]).toEqual([2, expect.stringMatching(/CLICKHOUSE_BUSY/)])
    expect((await first).code).toBe(0)
  }, 60_000)
})
