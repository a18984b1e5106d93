import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, it } from 'vitest'
import { describeKafka } from '../kit/kafka.ts'
import { runParityDay } from '../kit/liveDayRun.ts'
import { expectParity } from '../kit/liveParity.ts'

const folder = mkdtempSync(join(tmpdir(), 'tickloom-parity-'))

describeKafka('live equals replay', () => {
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('row for row, in ClickHouse and Parquet, with late rows, doubles and a quiet hour', async () => {
    const places = await runParityDay({ folder, speed: 'max', parts: ['09:15..09:40', '10:40..10:55'], blocks: '7' })
    await expectParity(places, ['--time', '09:15..10:55'])
  }, 180_000)
})
