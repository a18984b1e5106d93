import { it } from 'vitest'
import { describeKafka } from '../kit/kafka.ts'
import { expectTradesParity } from '../kit/liveTrades.ts'

describeKafka('live trades equal replayed trades', () => {
  it(
    'row for row, with what they follow from, two underlyings, late rows and a quiet half-hour',
    () => expectTradesParity(['09:15..09:23', '09:50..09:52']),
    180_000,
  )
})
