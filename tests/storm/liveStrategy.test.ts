import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, test } from 'vitest'
import { describeKafka } from '../kit/kafka.ts'
import { runParityDay } from '../kit/liveDayRun.ts'
import { expectParity } from '../kit/liveParity.ts'

// docs/howto/write-a-strategy.md: its file, live.

const folder = mkdtempSync(join(tmpdir(), 'tickloom-strategy-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const page = readFileSync(new URL('../../docs/howto/write-a-strategy.md', import.meta.url), 'utf8')
const [, source] = /```ts\n([\s\S]*?)```/.exec(page) as RegExpExecArray
const file = join(folder, 'straddle.ts')
writeFileSync(file, source)

describeKafka('the strategy of the how-to, live on paper', () => {
  test('has the trades that a replay of the recording has', async () => {
    const params = ['entry=09:16', 'stop=0.01', 'target=0.01']
    const places = await runParityDay({ folder, topology: file, params, speed: 'max', parts: ['09:15..09:25'], blocks: '7' })
    await expectParity(places, ['--time', '09:15..09:25', '--topology', file], ['orders', 'fills', 'trades', 'equity'])
  }, 180_000)
})
