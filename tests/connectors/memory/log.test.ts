import { describe } from 'vitest'
import { MemoryLog } from '../../../connectors/memory/log.ts'
import { Instruments } from '../../../core/instruments.ts'
import type { Trade } from '../../../core/market.ts'
import { logContract } from '../../kit/logContract.ts'

describe('MemoryLog', () => {
  logContract(async () => {
    const log = new MemoryLog<Trade>(['0', '1'])
    return { instruments: new Instruments(), member: () => log.member(), append: async (partition, batch) => log.append(partition, batch) }
  })
})
