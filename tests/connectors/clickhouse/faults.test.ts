import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openClickHouse } from '../../../connectors/clickhouse/client.ts'
import { committerOf } from '../../../connectors/clickhouse/committer.ts'
import { embeddedEngine } from '../../../connectors/clickhouse/engine.ts'
import { clickhouseDestination } from '../../../connectors/clickhouse/sink.ts'
import type { TickloomError } from '../../../core/errors.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Second } from '../../../core/market.ts'
import type { SinkTask } from '../../../core/ports.ts'
import { deadPort, type FrontFault } from '../../kit/clickhouseFront.ts'
import { contractRows } from '../../kit/contractRows.ts'
import { serverBench } from './bench.ts'

const instruments = new Instruments()
const task: SinkTask = { topology: 't', run: 'r', partition: 'p', outputs: { seconds: Second }, instruments, committed: undefined }
const rows = (seed: number) => contractRows(Second, instruments, 1000, seed)
const count = () => Number(embeddedEngine().query('SELECT count() + 0 * uniqExact(ts) FROM tickloom.seconds').trim())

let bench: Awaited<ReturnType<typeof serverBench>>
beforeEach(async () => {
  bench = await serverBench()
})
afterEach(() => bench.dispose())

async function failure(call: Promise<unknown>): Promise<TickloomError> {
  return call.then(
    () => expect.unreachable('it should have failed'),
    (thrown: unknown) => thrown as TickloomError,
  )
}

describe('no row is lost and none is doubled', () => {
  const faults: FrontFault[] = ['refuse', 'error', 'halfBody', 'halfAnswer', 'lostAnswer', 'silence']
  const places: [string, RegExp][] = [
    ['the insert', /^INSERT INTO `tickloom`.`seconds`/],
    ['the epoch', /^INSERT INTO `tickloom`.epochs/],
    ['opening', /^(CREATE|SELECT)/],
  ]
  for (const fault of faults) {
    for (const [place, query] of places) {
      it(`${fault} at ${place}`, async () => {
        // Where only silence has to end, and a request that takes longer for another reason costs an attempt, there are more.
        const [timeout, attempts] = fault === 'silence' ? [400, 10] : [30_000, 4]
        const clickhouse = openClickHouse(bench.front.url, { timeout })
        const to = clickhouseDestination({ committer: committerOf(clickhouse, { retry: { attempts, delay: 5 } }) })
        if (place === 'opening') bench.front.fail(fault, 2, query)
        const sink = await to.open(task)
        sink.write('seconds', rows(1))
        if (place !== 'opening') bench.front.fail(fault, 2, query)
        await sink.flush(1)
        sink.write('seconds', rows(2))
        await sink.flush(2)
        expect(count()).toBe(2000)
        expect(embeddedEngine().query('SELECT arraySort(groupUniqArray(epoch)) FROM tickloom.epochs').trim()).toBe('"[1,2]"')
        await clickhouse.close()
      })
    }
  }

  it('a flush that failed for good can be made again', async () => {
    const to = clickhouseDestination({ target: bench.front.url, retry: { attempts: 2, delay: 1 } })
    const sink = await to.open(task)
    sink.write('seconds', rows(1))
    bench.front.fail('lostAnswer', 2, /^INSERT/)
    expect((await failure(sink.flush(1))).code).toBe('CLICKHOUSE_REFUSED')
    await sink.flush(1)
    expect(count()).toBe(1000)
    await to.close()
  })
})

describe('failures say what they are', () => {
  it('nobody listens: CLICKHOUSE_REFUSED with the address and without the password', async () => {
    const to = clickhouseDestination({ target: `http://u:sEcret@127.0.0.1:${await deadPort()}`, retry: { attempts: 2, delay: 1 } })
    const thrown = await failure(to.open(task))
    expect(thrown.code).toBe('CLICKHOUSE_REFUSED')
    expect(thrown.message).toMatch(/127\.0\.0\.1/)
    expect(JSON.stringify([thrown.message, thrown.at, thrown.stack, to.name])).not.toMatch(/sEcret/)
  })

  it('another table is there: CLICKHOUSE_REJECTED with the table and column', async () => {
    const first = clickhouseDestination({ target: bench.front.url })
    await first.open({ ...task, outputs: { fills: { ts: 'time', price: 'f64' } } })
    const thrown = await failure(first.open({ ...task, outputs: { fills: { ts: 'time', price: 'i32' } } }))
    expect(thrown.code).toBe('CLICKHOUSE_REJECTED')
    expect(thrown.at).toMatchObject({ table: 'fills', column: 'price' })
    await first.close()
  })

  it('the server says no: CLICKHOUSE_REJECTED with its words, at once', async () => {
    const to = clickhouseDestination({ target: bench.front.url })
    const sink = await to.open(task)
    embeddedEngine().query('DROP TABLE tickloom.seconds SYNC')
    sink.write('seconds', rows(1))
    const before = bench.front.requests
    const thrown = await failure(sink.flush(1))
    expect(thrown.code).toBe('CLICKHOUSE_REJECTED')
    expect(thrown.message).toMatch(/seconds.*(UNKNOWN_TABLE|does not exist)/)
    expect(bench.front.requests).toBe(before + 1)
    await to.close()
  })

  it('an address that is none: OPTION_INVALID', () => {
    expect(() => openClickHouse('http://')).toThrow(/not a URL/)
  })
})
