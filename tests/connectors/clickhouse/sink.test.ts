import { describe } from 'vitest'
import { sinkContract } from '../../kit/sinkContract.ts'
import { embeddedBench, serverBench } from './bench.ts'

describe('embedded', () => sinkContract(embeddedBench))
describe('server', () => sinkContract(serverBench))
