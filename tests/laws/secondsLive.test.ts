import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { duckRows } from '../../connectors/parquet/duck.ts'
import { tickloom } from '../kit/commandLine.ts'
import { describeKafka } from '../kit/kafka.ts'
import { PARITY_DATE, runParityDay } from '../kit/liveDayRun.ts'

const folder = mkdtempSync(join(tmpdir(), 'tickloom-seconds-live-'))

describeKafka('a topology that starts from seconds', () => {
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('writes live, from ticks, what its replays write, of the recording and of the ticks recorded', async () => {
    const { live, recorded } = await runParityDay({ folder, speed: 'max', parts: ['09:15..09:30'], blocks: '7', topology: 'seconds-burst' })
    const during = ['--run', 'L', '--date', PARITY_DATE, '--lake', recorded, '--time', '09:15..09:30']
    const parity = await tickloom(['parity', '--out', live, ...during, '--json'])
    expect([parity.code, JSON.parse(parity.stdout)]).toMatchObject([0, { equal: true, outputs: [{ output: 'bursts' }, { output: 'signals' }] }])

    const replayed = join(folder, 'replayed')
    await tickloom(['replay', '--topology', 'seconds-burst', '--lake', recorded, '--out', replayed, '--quiet'])
    const rows = (of: string, output: string) =>
      duckRows<object>(`SELECT * FROM read_parquet('${of}/${output}/**/*.parquet', hive_partitioning = false)
        WHERE ts < '2025-01-06 04:00:00+00' ORDER BY ALL`)
    for (const output of ['bursts', 'signals']) {
      const written = await rows(live, output)
      expect(written.length, output).toBeGreaterThan(output === 'bursts' ? 5_000 : 0)
      expect(JSON.stringify(await rows(replayed, output)) === JSON.stringify(written), output).toBe(true)
    }
  }, 120_000)
})
