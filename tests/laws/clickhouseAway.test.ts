import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openClickHouse } from '../../connectors/clickhouse/client.ts'
import { HOUR } from '../../core/time.ts'
import { type ClickHouseFront, clickhouseFront } from '../kit/clickhouseFront.ts'
import { tickloom } from '../kit/commandLine.ts'
import { marketLake } from '../kit/marketLake.ts'
import { at, DATE } from '../kit/table.ts'

let lake: string
let front: ClickHouseFront
beforeAll(async () => {
  lake = await marketLake({ days: 1, strikes: 2, rate: 0.2 })
  front = await clickhouseFront()
}, 60_000)
afterAll(async () => {
  await front.close()
  rmSync(dirname(lake), { recursive: true, force: true })
})

const replay = (database: string, ...more: string[]) => {
  const args = [
    'replay',
    '--topology',
    'volume-burst',
    '--lake',
    lake,
    '--epoch',
    '1h',
    '--run',
    'R',
    '--out',
    join(dirname(lake), database),
    '--quiet',
  ]
  return tickloom([...args, '--clickhouse', front.url, '--database', database, ...more])
}

/** Rows, and a hash over all of them, of each table of the run. */
async function tables(database: string): Promise<unknown> {
  const clickhouse = openClickHouse(front.url)
  try {
    const of = (t: string) =>
      `SELECT '${t}' AS output, count() AS rows, toString(sum(cityHash64(*))) AS hash FROM (SELECT * EXCEPT run_id FROM ${database}.${t} WHERE run_id = 'R')`
    const query = `SELECT * FROM (${['seconds', 'bursts', 'signals'].map(of).join(' UNION ALL ')}) ORDER BY output`
    const answer = await clickhouse.client.query({ query, format: 'JSONEachRow' })
    return await answer.json()
  } finally {
    await clickhouse.close()
  }
}

describe('a ClickHouse server that goes away in the middle of a replay', () => {
  it('ends the replay with its address, and --resume completes it as if nothing had been', async () => {
    const whole = await replay('whole')
    expect(whole.code, whole.stderr).toBe(0)

    // From the epoch of 12:00 on the server refuses every try that the sink makes.
    front.fail('refuse', 5, new RegExp(`volume-burst/R/${DATE}/seconds/${Math.floor(at('12:00:00') / HOUR)}'`))
    const broken = await replay('broken')
    expect([broken.code, broken.stderr]).toEqual([1, expect.stringMatching(/127\.0\.0\.1[\s\S]*--resume[\s\S]*CLICKHOUSE_REFUSED/)])

    const resumed = await replay('broken', '--resume')
    expect(resumed.code, resumed.stderr).toBe(0)
    expect(await tables('broken')).toEqual(await tables('whole'))
  }, 120_000)

  it('rides out a server that is back within the retries', async () => {
    front.fail('lostAnswer', 2, /INSERT INTO `shaky`\.`bursts`/)
    front.fail('error', 2, /INSERT INTO `shaky`\.`seconds`/)
    const shaky = await replay('shaky')
    expect(shaky.code, shaky.stderr).toBe(0)
    expect(await tables('shaky')).toEqual(await tables('whole'))
  }, 120_000)
})
