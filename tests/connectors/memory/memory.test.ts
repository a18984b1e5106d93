import { describe, expect, it } from 'vitest'
import { memoryDestination } from '../../../connectors/memory/sink.ts'
import { memorySource } from '../../../connectors/memory/source.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Trade } from '../../../core/market.ts'
import { sinkContract } from '../../kit/sinkContract.ts'
import { sourceContract } from '../../kit/sourceContract.ts'
import { rowsOf, toBatch } from '../../kit/table.ts'

describe('memory, as every source', () => {
  sourceContract(async () => {
    const instruments = new Instruments()
    const rows = rowsOf(Trade, 'ts price\n09:15:00 1\n09:15:01 2\n09:15:01 3\n09:15:02 4\n09:15:03 5')
    const batches = [rows.slice(0, 3), [], rows.slice(3)].map((part) => toBatch(Trade, part, instruments))
    return { schema: Trade, instruments, source: () => memorySource(Trade, { day: batches }) }
  })
})

describe('memory, as every sink', () => {
  sinkContract(async () => {
    const destination = memoryDestination()
    return { destination: () => destination, read: async (output) => destination.rows(output), dispose: async () => {} }
  })

  it('lists epochs', async () => {
    const destination = memoryDestination()
    const sink = await destination.open({
      topology: 't',
      run: 'r',
      partition: 'p',
      outputs: { t: Trade },
      instruments: new Instruments(),
      committed: undefined,
    })
    for (const epoch of [2, 1]) await sink.flush(epoch)
    expect(destination.epochs('p')).toEqual([1, 2])
  })
})
