import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { closeEmbeddedEngine } from '../../../connectors/clickhouse/engine.ts'
import { duckRows } from '../../../connectors/parquet/duck.ts'
import { outputFiles } from '../../../connectors/parquet/outputManifest.ts'
import { explainPlan, planReplay } from '../../../connectors/parquet/plan.ts'
import { recordedPartition } from '../../../connectors/parquet/recording.ts'
import { recordingDestination } from '../../../connectors/parquet/recordingSink.ts'
import { parquetSource } from '../../../connectors/parquet/source.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Quote, Trade } from '../../../core/market.ts'
import type { Position } from '../../../core/ports.ts'
import { MINUTE, SECOND } from '../../../core/time.ts'
import { concat } from '../../../runtime/concat.ts'
import { recordedLake, temporaryLake } from '../../kit/recordedLake.ts'
import { sourceContract } from '../../kit/sourceContract.ts'
import { at, clock, type Row, rowsOf, toBatch, toRows } from '../../kit/table.ts'

afterAll(closeEmbeddedEngine)

const instruments = new Instruments()
/** Epochs of a minute. */
const [MONDAY, TUESDAY, EVENING] = ['09:15:00', '2025-01-07 09:15:00', '2025-01-07 09:16:00'].map((clock) => at(clock) / MINUTE)
const CALL = 'NIFTY:2025-01-09:24000:CE'
const rows = rowsOf(
  Quote,
  `ts                   instrument               price  volume oi bid  ask  bidSize askSize received lastTrade
   09:15:00             NIFTY                    24000  0      -  -    -    -       -       09:15:00.2 -
   09:15:01             ${CALL}                  100    75     10 99.5 100  50      75      -          09:15:01
   09:14:58             NIFTY                    24001  0      -  -    -    -       -       09:15:01.5 09:14:58
   09:15:04.000001      ${CALL}                  101    80     -  -    101  50      -       -          -
   2025-01-07T09:15:00  NIFTY                    24100  0      -  -    -    -       -       -          -
   15:29:59             ${CALL}                  99     900    -  -    -    -       -       -          -`,
)
/** Two of the partition's days, a heartbeat in the morning of the first, and a row of the first that came on the second. */
const batches = [
  toBatch(Quote, rows.slice(0, 2), instruments, at('09:15:03')),
  toBatch(Quote, rows.slice(2, 4), instruments),
  toBatch(Quote, [], instruments, at('09:15:10')),
  toBatch(Quote, rows.slice(4), instruments, at('2025-01-07 09:16:00')),
]
const lake = await recordedLake({ '0': batches, '10': batches.slice(3), '2': batches.slice(0, 1) }, { instruments, epoch: MINUTE })

async function read(options: object = {}): Promise<Record<string, (string | number)[][]>> {
  const source = parquetSource({ lake, columns: Trade, instruments, ...options })
  const found: Record<string, (string | number)[][]> = {}
  for (const { name } of await source.partitions()) {
    found[name] = []
    for await (const { batch } of source.open(name, undefined, new AbortController().signal)) {
      for (const row of toRows(batch, Trade, instruments)) found[name].push([clock(row['ts'] as number), row['instrument'] as string])
      if (batch.watermark !== -Infinity) found[name].push([clock(batch.watermark), 'watermark'])
    }
  }
  return found
}

describe('a recording, as every source', () => {
  const few = recordedLake({ '0': batches }, { instruments, epoch: SECOND })
  sourceContract(async () => {
    const own = new Instruments()
    return { schema: Quote, instruments: own, source: () => parquetSource({ lake, columns: Quote, instruments: own }) }
  })
  it('gives the same rows whatever its epochs were', async () => {
    expect(await read({ lake: await few })).toEqual({
      '2025-01-06.p0': (await read())['2025-01-06.p0'],
      '2025-01-07.p0': (await read())['2025-01-07.p0'],
    })
  })
})

const many = await recordedLake(
  {
    '3': Array.from({ length: 100 }, (_, i) =>
      toBatch(Quote, [{ ...rows[i % 4], ts: at('09:15:00') + i * SECOND, volume: i }], instruments, at('09:15:00.5') + i * SECOND),
    ),
  },
  { instruments, epoch: 2 * SECOND },
)
describe('a recording of many epochs, as every source', () => {
  sourceContract(async () => {
    const own = new Instruments()
    return { schema: Quote, instruments: own, source: () => parquetSource({ lake: many, columns: Quote, instruments: own }) }
  })
})

describe('a recording', () => {
  it('lies by the date of arrival and the partition; a row of yesterday lies where it came', () => {
    expect((readdirSync(lake, { recursive: true }) as string[]).filter((f) => /\.(parquet|jsonl|tmp)$/.test(f)).sort()).toEqual(
      [
        ...[MONDAY, TUESDAY].map((epoch, i) => `recorded/date=2025-01-0${6 + i}/partition=0/${epoch}.parquet`),
        `recorded/date=2025-01-06/partition=2/${MONDAY}.parquet`,
        `recorded/date=2025-01-07/partition=0/${EVENING}.parquet`,
        `recorded/date=2025-01-07/partition=10/${TUESDAY}.parquet`,
        `recorded/date=2025-01-07/partition=10/${EVENING}.parquet`,
        ...['0', '10', '2'].map((partition) => `recorded/meta/${partition}.jsonl`),
      ].sort(),
    )
  })

  it('is replayed a date and partition at a time: rows as they came, heartbeats as watermarks where they came', async () => {
    const second = [
      ['09:15:00', 'NIFTY'],
      ['15:29:59', CALL],
      ['09:16:00', 'watermark'],
      ['00:00:00', 'watermark'],
    ]
    expect(await read()).toEqual({
      '2025-01-06.p0': [
        ['09:15:00', 'NIFTY'],
        ['09:15:01', CALL],
        ['09:15:03', 'watermark'],
        ['09:14:58', 'NIFTY'],
        ['09:15:04.000001', CALL],
        ['09:15:10', 'watermark'],
        ['00:00:00', 'watermark'],
      ],
      '2025-01-06.p2': [
        ['09:15:00', 'NIFTY'],
        ['09:15:01', CALL],
        ['09:15:03', 'watermark'],
        ['00:00:00', 'watermark'],
      ],
      '2025-01-07.p0': second,
      '2025-01-07.p10': second,
    })
  })

  it('keeps every column bit for bit, with what a feed lacks missing, times too', async () => {
    const source = parquetSource({ lake, columns: Quote, instruments })
    const found: Row[] = []
    for (const name of ['2025-01-06.p0', '2025-01-07.p0'])
      for await (const { batch } of source.open(name, undefined, new AbortController().signal)) found.push(...toRows(batch, Quote, instruments))
    expect(found).toEqual(rows)
    const [file] = outputFiles(join(lake, 'recorded'), '0')
    expect(
      await duckRows(`SELECT count(received)::INTEGER AS received, count(price)::INTEGER AS price, count(*)::INTEGER AS rows
      FROM '${join(lake, 'recorded', file.path)}'`),
    ).toEqual([{ received: 2, price: 4, rows: 6 }])
  })

  it('is pruned by date; conditions on rows leave its heartbeats', async () => {
    const beats = (rows: (string | number)[][]) => rows.filter(([, what]) => what === 'watermark').map(([ts]) => ts)
    const all = await read()
    expect(Object.keys(await read({ to: '2025-01-06' }))).toEqual(['2025-01-06.p0', '2025-01-06.p2'])
    for (const [filter, keep] of [
      [{ timeFrom: '09:15:00', timeTo: '09:15:01' }, (ts: string) => ts === '09:15:00'],
      [{ strikes: [23000] }, (_: string, what: string) => what === 'NIFTY'],
      [{ symbols: ['BANKNIFTY'] }, () => false],
    ] as const) {
      const found = await read(filter)
      for (const [name, rows] of Object.entries(all)) {
        expect(beats(found[name])).toEqual(beats(rows))
        expect(found[name]).toEqual(rows.filter(([ts, what]) => what === 'watermark' || keep(String(ts), String(what))))
      }
    }
  })

  it('is one stream a partition to a topology that remembers more than a day, and goes on from anywhere in it', async () => {
    const source = concat(parquetSource({ lake, columns: Quote, instruments }), recordedPartition)
    expect(await source.partitions()).toEqual([
      { name: '2025-01-06.p0..2025-01-07.p0', rows: 6 },
      { name: '2025-01-06.p2', rows: 2 },
      { name: '2025-01-07.p10', rows: 2 },
    ])
    const read = async (from: Position | undefined) => {
      const found: { rows: Row[]; position: Position }[] = []
      for await (const { batch, after } of source.open('2025-01-06.p0..2025-01-07.p0', from, new AbortController().signal))
        found.push({ rows: toRows(batch, Quote, instruments), position: after(batch.n) })
      return found
    }
    const whole = await read(undefined)
    expect(whole.flatMap((delivery) => delivery.rows)).toEqual(rows)
    for (const [i, { position }] of whole.entries())
      expect((await read(position)).flatMap((delivery) => delivery.rows)).toEqual(whole.slice(i + 1).flatMap((delivery) => delivery.rows))
  })

  it('is explained', async () => {
    const text = explainPlan(await planReplay(lake, { columns: Trade, from: '2025-01-07' }))
    expect(text).toContain('days        2: 2025-01-07.p0 to 2025-01-07.p10')
    expect(text).toContain('left out: 2 by date')
    await expect(planReplay(lake, { columns: Trade, from: '2025-01-08' })).rejects.toMatchObject({ code: 'LAKE_EMPTY' })
  })

  it('that lacks a file which its manifest names is refused, and one that is spoilt is named', async () => {
    const { writeFileSync } = await import('node:fs')
    const broken = await recordedLake({ '0': batches }, { instruments, epoch: SECOND })
    const files = outputFiles(join(broken, 'recorded'), '0').map(({ path }) => join(broken, 'recorded', path))
    writeFileSync(files[1], 'no Parquet')
    await expect(read({ lake: broken })).rejects.toMatchObject({ code: 'FILE_CORRUPT', message: expect.stringContaining(files[1]) })
    rmSync(files[1])
    await expect(read({ lake: broken })).rejects.toMatchObject({ code: 'LAKE_MANIFEST', message: expect.stringContaining(files[1]) })
  })

  it('takes one output, of rows with ts and instrument', async () => {
    const task = { topology: 't', run: 'r', partition: '0', instruments, committed: undefined }
    const open = (outputs: object) => recordingDestination({ lake }).open({ ...task, outputs: outputs as never })
    for (const outputs of [{ a: Quote, b: Quote }, {}, { a: { ts: 'time' } }])
      await expect(open(outputs)).rejects.toMatchObject({ code: 'TOPOLOGY_INVALID' })
  })

  it('files what is written while an epoch is being flushed under the epoch after it', async () => {
    const fresh = temporaryLake()
    const task = { topology: 'record', run: 'r', partition: '0', instruments, outputs: { ticks: Quote }, committed: undefined }
    const sink = await recordingDestination({ lake: fresh }).open(task)
    sink.write('ticks', toBatch(Quote, rows.slice(0, 1), instruments))
    const flushed = sink.flush(MONDAY)
    sink.write('ticks', toBatch(Quote, rows.slice(1, 4), instruments))
    expect([(await flushed).rows, (await sink.flush(MONDAY + 1)).rows]).toEqual([1, 3])
    expect(outputFiles(join(fresh, 'recorded'), '0').map((file) => [file.epoch, file.rows])).toEqual([
      [MONDAY, 1],
      [MONDAY + 1, 3],
    ])
  })

  it('that is begun again without a checkpoint keeps what is older than its first epoch', async () => {
    const again = await recordedLake({ '0': batches }, { instruments, epoch: MINUTE })
    rmSync(join(again, 'checkpoints'), { recursive: true })
    await recordedLake({ '0': batches.slice(3) }, { instruments, epoch: MINUTE, lake: again })
    expect(await read({ lake: again })).toEqual(await read({ lake: await recordedLake({ '0': batches }, { instruments, epoch: MINUTE }) }))
  })

  it('forgets what lies beyond the committed epoch, and files a late row by what was filed before the restart', async () => {
    const again = await recordedLake({ '0': batches }, { instruments, epoch: MINUTE })
    const task = { topology: 'record', run: 'recording', partition: '0', instruments, outputs: { ticks: Quote }, committed: TUESDAY }
    const sink = await recordingDestination({ lake: again }).open(task)
    sink.write('ticks', toBatch(Quote, rows.slice(0, 1), instruments))
    await sink.flush(EVENING)
    await sink.close()
    expect(outputFiles(join(again, 'recorded'), '0').map(({ path, rows, heartbeats }) => [path, rows, heartbeats])).toEqual([
      [`date=2025-01-06/partition=0/${MONDAY}.parquet`, 6, 2],
      [`date=2025-01-07/partition=0/${TUESDAY}.parquet`, 2, 0],
      [`date=2025-01-07/partition=0/${EVENING}.parquet`, 1, 0],
    ])
  })
})
