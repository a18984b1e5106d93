import { it } from 'vitest'
import { describeKafka } from '../kit/kafka.ts'
import { expectTradesParity } from '../kit/liveTrades.ts'

// tests/laws/liveTrades.test.ts with eight times as many minutes.
describeKafka('live trades equal replayed trades', () => {
  it(
    'row for row, with what they follow from, two underlyings, late rows and a quiet while',
    () => expectTradesParity(['09:15..10:15', '10:40..11:00']),
    300_000,
  )
})
