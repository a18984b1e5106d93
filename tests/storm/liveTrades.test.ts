import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, it } from 'vitest'
import atmVolumeBurst from '../../topologies/atm-volume-burst/graph.ts'
import { describeKafka } from '../kit/kafka.ts'
import { runParityDay } from '../kit/liveDayRun.ts'
import { expectParity } from '../kit/liveParity.ts'

const folder = mkdtempSync(join(tmpdir(), 'tickloom-trades-storm-'))

// tests/laws/liveTrades.test.ts with eight times as many minutes.
describeKafka('live trades equal replayed trades', () => {
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('row for row, with what they follow from, two underlyings, late rows and a quiet while', async () => {
    const places = await runParityDay({
      folder,
      topology: 'atm-volume-burst',
      params: [
        ...['anchors.first=09:18', 'anchors.every=3', 'trend.filter=off', 'hold=60'],
        ...['rollingBurst.window=5', 'rollingBurst.baseline=60', 'rollingBurst.floor=75'],
      ],
      speed: 'max',
      parts: ['09:15..10:15', '10:40..11:00'],
      blocks: '7',
    })
    await expectParity(places, ['--time', '09:15..11:00'], Object.keys(atmVolumeBurst.outputs))
  }, 300_000)
})
