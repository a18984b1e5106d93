import { rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { closeEmbeddedEngine, embeddedEngine } from '../../../connectors/clickhouse/engine.ts'
import { clickhouseLatest } from '../../../connectors/clickhouse/latest.ts'
import { Instruments } from '../../../core/instruments.ts'
import { type ClickHouseFront, clickhouseFront } from '../../kit/clickhouseFront.ts'
import { type LatestBench, type LatestRow, latestContract } from '../../kit/latestContract.ts'
import { rowsOf, toBatch } from '../../kit/table.ts'
import { scratchDirectory } from './bench.ts'

/** What the engine holds after its merges, which are when rows are forgotten; what is missing is NaN there. */
async function read(table: string, columns: readonly string[]): Promise<LatestRow[]> {
  const picked = columns.map((c) => (c === 'updated' ? 'toUnixTimestamp64Micro(updated) AS at' : `\`${c}\``))
  const engine = embeddedEngine()
  engine.query(`OPTIMIZE TABLE tickloom.${table} FINAL`)
  const sql = `SELECT ${picked.join(', ')} FROM tickloom.${table} FINAL ORDER BY \`${columns[0]}\` SETTINGS output_format_json_quote_denormals = 1, output_format_json_quote_64bit_integers = 0`
  const text = (await engine.queryAsync(sql, { format: 'JSONCompactEachRow' })).text()
  const rows = text.split('\n').filter((line) => line !== '')
  return rows.map((line) =>
    Object.fromEntries((JSON.parse(line) as LatestRow[string][]).map((value, i) => [columns[i], value === 'nan' ? null : value])),
  )
}

async function served(): Promise<LatestBench & { front: ClickHouseFront }> {
  const directory = scratchDirectory()
  embeddedEngine(directory)
  const front = await clickhouseFront()
  return {
    front,
    destination: (options) => clickhouseLatest({ ...options, target: front.url, retry: { attempts: 4, delay: 10 } }),
    read,
    async dispose() {
      await front.close()
      closeEmbeddedEngine()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

const Level = { ts: 'time', instrument: 'instrument', level: 'f64' } as const

describe('latest rows in ClickHouse', () => latestContract(served, { runs: 3 }))

describe('inserts of latest rows', () => {
  it('an insert that was refused, cut in half or not answered is made again, and the row is there once', async () => {
    const bench = await served()
    const instruments = new Instruments()
    const to = bench.destination({})
    const sink = await to.open({ topology: 't', run: 'r', partition: 'p', outputs: { levels: Level }, instruments, committed: undefined })
    for (const [i, fault] of (['refuse', 'error', 'halfBody', 'halfAnswer', 'lostAnswer'] as const).entries()) {
      bench.front.fail(fault, 1, /^INSERT/)
      sink.write('levels', toBatch(Level, rowsOf(Level, `ts instrument level\n09:15:0${i} NIFTY ${i}\n09:15:0${i} BANKNIFTY ${i}`), instruments))
      await sink.flush(i + 1)
      expect(await bench.read('levels', ['instrument', 'level', 'epoch'])).toEqual([
        { instrument: 'BANKNIFTY', level: i, epoch: i + 1 },
        { instrument: 'NIFTY', level: i, epoch: i + 1 },
      ])
    }
    await to.close()
    await bench.dispose()
  })

  it('in an embedded database it is the same table, whatever process wrote it', async () => {
    const target = scratchDirectory()
    for (const epoch of [2, 1]) {
      const instruments = new Instruments()
      const to = clickhouseLatest({ target })
      const sink = await to.open({ topology: 't', run: 'r', partition: 'p', outputs: { levels: Level }, instruments, committed: undefined })
      sink.write('levels', toBatch(Level, rowsOf(Level, `ts instrument level\n09:15:00 NIFTY ${epoch}\n09:15:0${epoch} BANKNIFTY -`), instruments))
      expect((await sink.flush(epoch)).rows).toBe(2)
      await to.close()
    }
    embeddedEngine(target)
    expect(await read('levels', ['instrument', 'level', 'epoch'])).toEqual([
      { instrument: 'BANKNIFTY', level: null, epoch: 2 },
      { instrument: 'NIFTY', level: 2, epoch: 2 },
    ])
    closeEmbeddedEngine()
    rmSync(target, { recursive: true, force: true })
  })
})
