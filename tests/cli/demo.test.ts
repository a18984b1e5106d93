import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ReplaySummary } from '../../cli/replayOptions.ts'
import type { Synthesised } from '../../cli/synth.ts'
import { type Answer, tickloom } from '../kit/commandLine.ts'

const folder = mkdtempSync(join(tmpdir(), 'tickloom-demo-'))
afterAll(() => rmSync(folder, { recursive: true }))

function checksums(dir: string): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(
    files.map(({ parentPath, name }) => [
      join(parentPath, name).slice(dir.length),
      createHash('sha256')
        .update(readFileSync(join(parentPath, name)))
        .digest('hex'),
    ]),
  )
}

const small = ['--days', '1', '--strikes', '2', '--rate', '0.2']

describe('tickloom synth', () => {
  test('the same options give the same bytes, another seed others', async () => {
    const made: Record<string, string>[] = []
    for (const [dir, seed] of [
      ['a', '1'],
      ['b', '1'],
      ['c', '2'],
    ]) {
      expect((await tickloom(['synth', '--out', join(folder, dir), '--seed', seed, ...small])).code).toBe(0)
      made.push(checksums(join(folder, dir)))
    }
    expect(made[1]).toEqual(made[0])
    expect(Object.values(made[2])).not.toEqual(Object.values(made[0]))
  })

  test('says what it made', async () => {
    const { stdout } = await tickloom(['synth', '--out', join(folder, 'a'), '--json', ...small])
    expect(JSON.parse(stdout)).toMatchObject({ out: join(folder, 'a'), days: 1, contracts: 5, rows: expect.any(Number) })
  })

  test('says where it cannot write', async () => {
    mkdirSync(join(folder, 'taken/ticks/symbol=NIFTY/date=2025-01-06/part-0.parquet'), { recursive: true })
    const { code, stderr } = await tickloom(['synth', '--out', join(folder, 'taken'), '--json', ...small])
    expect([code, JSON.parse(stderr).error.code]).toEqual([2, 'OUTPUT_UNWRITABLE'])
  })
})

describe('tickloom replay', () => {
  const replay = (...flags: string[]): Promise<Answer> => tickloom(['replay', '--topology', 'volume-burst', '--lake', join(folder, 'a'), ...flags])

  test('--dry-run says what would be read and writes nothing', async () => {
    const plan = JSON.parse((await replay('--dry-run', '--json', '--out', join(folder, 'never'))).stdout)
    expect(plan).toMatchObject({
      topology: 'volume-burst@1',
      parameters: { signal: { floor: 500 } },
      partitions: [{ name: expect.stringContaining('2025-01-06') }],
    })
    expect(existsSync(join(folder, 'never'))).toBe(false)
    const explained = (await replay('--dry-run', '--explain', '--strikes', '24000')).stdout
    expect(explained).toMatch(/files +\d+ read; left out/)
    expect((await replay('--dry-run')).stdout).toContain('1 partition, 22,9')
  })

  test('--metrics writes what the summary says', async () => {
    const path = join(folder, 'run.prom')
    const { code, stdout, stderr } = await replay('--json', '--metrics', path)
    expect([code, stderr]).toEqual([0, ''])
    const summary = JSON.parse(stdout) as ReplaySummary
    const text = readFileSync(path, 'utf8')
    expect(text).toContain(
      `tickloom_output_rows_total{output="seconds",topology="volume-burst@1",run="${summary.run}"} ${summary.outputs['seconds']}`,
    )
    expect(text).toContain(`tickloom_rows_in_total{topology="volume-burst@1",run="${summary.run}"} ${summary.rowsIn}`)
  })

  test('--quiet says nothing, a person gets tables', async () => {
    expect(await replay('--quiet')).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect((await replay()).stdout).toMatch(/run volume-burst-[0-9a-f]{10} of volume-burst@1: [\d,]+ rows of 1 partition in/)
  })

  test('a lake that is not there', async () => {
    const { code, stderr } = await tickloom(['replay', '--topology', 'volume-burst', '--lake', join(folder, 'gone')])
    expect(code).toBe(2)
    expect(stderr).toContain('code   LAKE_MISSING')
  })
})

describe('tickloom demo', () => {
  let shown: { lake: Synthesised; summary: ReplaySummary; answers: { rows: unknown[] }[] }

  beforeAll(async () => {
    const { code, stdout, stderr } = await tickloom(['demo', '--out', join(folder, 'demo'), '--json'])
    expect([code, stderr]).toEqual([0, ''])
    shown = JSON.parse(stdout)
  })

  test('reads every row it made, and finds what was planted', () => {
    expect(shown.summary.rowsIn).toBe(shown.lake.rows)
    for (const reason of ['eventTime/late', 'sessionFilter/off_session', 'dedup/duplicate', 'dedup/conflict'])
      expect(shown.summary.dropped[reason]).toBeGreaterThan(0)
    expect(shown.summary.outputs['signals']).toBeGreaterThan(0)
    expect(shown.summary.sinks).toHaveLength(2)
  })

  test('every question has an answer', () => {
    expect(shown.answers.map(({ rows }) => rows.length > 0)).toEqual([true, true, true])
  })
})
