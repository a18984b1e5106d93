import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeEmbeddedEngine } from '../../connectors/clickhouse/engine.ts'
import { Instruments } from '../../core/instruments.ts'
import { resolveParameters } from '../../core/parameters.ts'
import { HOUR } from '../../core/time.ts'
import { runPartition } from '../../runtime/runPartition.ts'
import type { PartitionSummary } from '../../runtime/summaries.ts'
import { type BacktestOptions, backtest } from '../../topologies/volume-burst/deploy.ts'
import { tickloom } from '../kit/commandLine.ts'
import { marketLake } from '../kit/marketLake.ts'
import { clickhouseRows, parquetFiles } from '../kit/outputs.ts'

const folder = mkdtempSync(join(tmpdir(), 'deploy-'))
const at = (name: string): string => join(folder, name)
let lake = ''
beforeAll(async () => {
  lake = await marketLake({ days: 2 })
})
afterAll(() => {
  closeEmbeddedEngine()
  rmSync(folder, { recursive: true, force: true })
})

async function fromCommandLine(out: string, ...more: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await tickloom(
    ['replay', '--topology', 'volume-burst', '--lake', lake, '--out', out, '--epoch', '1h', '--json', ...more],
    { cwd: folder },
  )
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

async function fromCode(options: Omit<BacktestOptions, 'instruments'>, run: string): Promise<PartitionSummary[]> {
  const instruments = new Instruments()
  const { topology, source, destinations } = backtest({ ...options, instruments })
  const plugged = { topology, source, destinations, instruments, params: resolveParameters(topology), run, epochLength: HOUR, resume: false }
  const summaries: PartitionSummary[] = []
  for (const { name } of await source.partitions()) {
    summaries.push(await runPartition({ ...plugged, checkpoints: join(options.out, 'checkpoints') }, name, { signal: new AbortController().signal }))
  }
  await source.close()
  for (const destination of destinations) await destination.close()
  return summaries
}

describe('volume-burst, deployed from code', () => {
  it('writes what the command line writes, into Parquet and ClickHouse', async () => {
    const summary = await fromCommandLine(at('cli'), '--run', 'r1', '--clickhouse', at('cli-db'))
    const summaries = await fromCode({ lake, out: at('code'), clickhouse: at('code-db') }, 'r1')
    closeEmbeddedEngine()

    expect(summaries.map(({ partition }) => partition)).toEqual(['2025-01-06', '2025-01-07'])
    expect(summaries.reduce((sum, { rowsIn }) => sum + rowsIn, 0)).toBe(summary['rowsIn'])
    const files = parquetFiles(at('cli'))
    expect(Object.keys(files).length).toBeGreaterThan(20)
    expect(parquetFiles(at('code'))).toEqual(files)
    const rows = await clickhouseRows(at('cli-db'), 'r1')
    expect(Number(rows['seconds'].split(' ')[0])).toBeGreaterThan(100_000)
    expect(await clickhouseRows(at('code-db'), 'r1')).toEqual(rows)
  }, 60_000)

  it('reads the part of the lake it is told to', async () => {
    const summary = await fromCommandLine(at('cli-part'), '--from', '2025-01-07', '--time', '10:00..11:00')
    const summaries = await fromCode({ lake, out: at('code-part'), from: '2025-01-07', timeFrom: '10:00', timeTo: '11:00' }, 'r2')
    expect(summaries.map(({ partition, rowsIn }) => [partition, rowsIn])).toEqual([['2025-01-07', summary['rowsIn']]])
    expect(parquetFiles(at('code-part'))).toEqual(parquetFiles(at('cli-part')))
  }, 60_000)
})

describe('docs/howto/deploy-from-code.md', () => {
  it('has a program that does what the page says', async () => {
    const page = readFileSync(new URL('../../docs/howto/deploy-from-code.md', import.meta.url), 'utf8')
    const program = /```ts\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
    // It is saved in the repository by its reader; here, beside it.
    writeFileSync(at('backtest.ts'), program.replaceAll("from './", `from '${new URL('../../', import.meta.url).href}`))
    const { stdout } = await promisify(execFile)(process.execPath, [at('backtest.ts'), lake, at('page')])
    const summary = await fromCommandLine(at('page-cli'), '--param', 'signal.floor=300')
    const days = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(days.map(({ day }) => day)).toEqual(['2025-01-06', '2025-01-07'])
    expect(days.reduce((sum, { signals }) => sum + signals, 0)).toBe((summary['outputs'] as Record<string, number>)['signals'])
    expect(parquetFiles(at('page'))).toEqual(parquetFiles(at('page-cli')))
  }, 60_000)
})
