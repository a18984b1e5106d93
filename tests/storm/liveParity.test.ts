import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { describeKafka } from '../kit/kafka.ts'
import { runParityDay } from '../kit/liveDayRun.ts'
import { expectParity } from '../kit/liveParity.ts'

const folder = mkdtempSync(join(tmpdir(), 'tickloom-parity-'))

describeKafka('a whole day at 200 times its pace', () => {
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('is in ClickHouse and in Parquet what its replay gives, from the open to the bell, over a quiet hour', async () => {
    const places = await runParityDay({ folder, speed: '200', parts: ['09:15..12:00', '13:00..15:30'], blocks: '1' })
    const { seconds } = await expectParity(places)
    // Ten contracts and two spots, from the second of each one's first tick to the bell.
    expect(seconds).toBeGreaterThan(10 * 22_000)
  }, 400_000)
})
