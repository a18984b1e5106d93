import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { tickloom } from '../kit/commandLine.ts'
import { type LiveDay, liveDay } from '../kit/liveDay.ts'
import { OUTPUTS, parquetFiles } from '../kit/outputs.ts'

let day: LiveDay
beforeAll(async () => {
  day = await liveDay()
}, 60_000)

const replay = (...more: string[]) =>
  tickloom([
    'replay',
    '--topology',
    'volume-burst',
    '--preset',
    'j1',
    '--param',
    'eventTime.lateness=2',
    '--param',
    'signal.floor=100',
    '--lake',
    day.lake,
    ...more,
  ])

describe('tickloom replay of a recording', () => {
  it('shows its partitions, a date and recorded partition each, before it reads a row', async () => {
    const { code, stdout } = await replay('--dry-run', '--json', '--from', '2025-01-06')
    expect(code).toBe(0)
    const { partitions } = JSON.parse(stdout) as { partitions: { name: string; rows: number }[] }
    expect(partitions.map(({ name }) => name)).toEqual(['2025-01-06.p0', '2025-01-06.p1', '2025-01-07.p0'])
    expect(partitions[2].rows).toBe(2)
    expect((await replay('--dry-run', '--explain', '--to', '2025-01-06')).stdout).toContain('days        2: 2025-01-06.p0 to 2025-01-06.p1')
  }, 60_000)

  it('gives the same rows with two workers as with one, and what the live run gave', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'replay-recording-'))
    for (const workers of ['1', '2']) {
      const { code, stderr } = await replay('--out', join(folder, workers), '--run', 'R', '--workers', workers, '--quiet')
      expect(code, stderr).toBe(0)
    }
    const files = parquetFiles(join(folder, '1'))
    expect(parquetFiles(join(folder, '2'))).toEqual(files)
    expect(new Set(Object.keys(files).map((name) => name.split('/')[0]))).toEqual(new Set(OUTPUTS))
    const compared = await tickloom(['parity', '--run', 'R', '--date', '2025-01-06', '--lake', day.lake, '--out', join(folder, '2')])
    expect(compared.stdout).toMatch(/^equal: run R/)
  }, 120_000)
})
