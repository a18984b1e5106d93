import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parity } from '../../cli/parityDay.ts'
import { reportText } from '../../cli/parityReport.ts'
import { closeEmbeddedEngine, embeddedEngine } from '../../connectors/clickhouse/engine.ts'
import { clickhouseFront } from '../kit/clickhouseFront.ts'
import { tickloom } from '../kit/commandLine.ts'
import { copyOf, type LiveDay, liveDay, spoil } from '../kit/liveDay.ts'
import { at } from '../kit/table.ts'

let day: LiveDay
beforeAll(async () => {
  day = await liveDay({ clickhouse: true })
}, 60_000)
afterAll(() => {
  closeEmbeddedEngine()
  rmSync(dirname(day.lake), { recursive: true, force: true })
})

const optionsOf = (more: object = {}) => ({ run: 'R', date: '2025-01-06', lake: day.lake, database: 'tickloom', param: [], rows: 2, ...more })
/** What parity says of the run after `spoiling` it: the step, the first row, what is missing where. */
async function found(spoiling: (out: string) => Promise<unknown>) {
  const out = copyOf(day.out)
  await spoiling(out)
  return parity(optionsOf({ out }))
}
const CALL = 'NIFTY:2025-01-09:24150:CE'
const TEN = at('10:00:00')
const row = (ts: number, instrument = CALL) => `epoch_us(ts) = ${ts} AND instrument = '${instrument}'`

describe('parity of a day recorded live', () => {
  it('is equal, over every output and both partitions, a row that came the morning after among them', async () => {
    const report = await parity(optionsOf({ out: day.out }))
    expect(reportText(report)).toMatch(/^equal: run R of volume-burst@1 on 2025-01-06, \d{3},\d{3} rows/)
    expect(report.outputs.map((o) => o.output)).toEqual(['seconds', 'bursts', 'signals', 'late'])
    for (const { live, replay, onlyLive, onlyReplay } of report.outputs) {
      expect([replay, onlyLive, onlyReplay]).toEqual([live, 0, 0])
      expect(live).toBeGreaterThan(0)
    }
  })

  it('is equal over an embedded database, and over a server', async () => {
    expect(await parity(optionsOf({ clickhouse: day.clickhouse }))).toMatchObject({ equal: true })
    embeddedEngine(day.clickhouse)
    const front = await clickhouseFront()
    try {
      expect(await parity(optionsOf({ clickhouse: front.url }))).toMatchObject({ equal: true })
    } finally {
      await front.close()
    }
  }, 60_000)

  it('finds one burst that was changed, in its last bit, and names rollingBurst', async () => {
    const change = `SELECT * REPLACE (CASE WHEN ${row(TEN)} THEN close + 1e-12 * close ELSE close END AS close) FROM rows`
    const report = await found((out) => spoil(out, 'bursts', row(TEN), change))
    expect(report).toMatchObject({
      equal: false,
      first: { output: 'bursts', ts: TEN, instrument: CALL, columns: ['close'], live: { ts: TEN }, replay: { ts: TEN } },
      blame: { step: 'rollingBurst', output: 'bursts', orBefore: [] },
    })
    expect(report.outputs.map((o) => [o.output, o.onlyLive, o.onlyReplay])).toEqual([
      ['seconds', 0, 0],
      ['bursts', 1, 1],
      ['signals', 0, 0],
      ['late', 0, 0],
    ])
    expect(report.input?.map((r) => r['instrument'])).toEqual([CALL, CALL, CALL, CALL])
    expect(report.input?.findIndex((r) => (r['ts'] as number) >= TEN)).toBe(2)
  })

  it('names perSecond for a second that was changed, although a burst differs before it', async () => {
    const report = await found(async (out) => {
      const change = (ts: number) => `SELECT * REPLACE (CASE WHEN ${row(ts)} THEN close + 1 ELSE close END AS close) FROM rows`
      await spoil(out, 'seconds', row(TEN), change(TEN))
      await spoil(out, 'bursts', row(TEN - 5_000_000), change(TEN - 5_000_000))
    })
    expect(report).toMatchObject({
      first: { output: 'bursts', ts: TEN - 5_000_000 },
      upstream: { output: 'seconds', ts: TEN, columns: ['close'] },
      blame: { step: 'perSecond', output: 'seconds', orBefore: ['sessionFilter', 'dedup', 'volDelta'] },
    })
  })

  it('leaves a difference of an hour later out of who is to blame', async () => {
    const report = await found(async (out) => {
      const change = (ts: number) => `SELECT * REPLACE (CASE WHEN ${row(ts)} THEN close + 1 ELSE close END AS close) FROM rows`
      await spoil(out, 'bursts', row(TEN), change(TEN))
      await spoil(out, 'seconds', row(TEN + 3_600_000_000), change(TEN + 3_600_000_000))
    })
    expect(report).toMatchObject({ first: { output: 'bursts', ts: TEN }, blame: { step: 'rollingBurst' } })
  })

  it.each([
    ['removed', `SELECT * FROM rows WHERE NOT (${row(TEN, 'BANKNIFTY')})`, 'missing live', [0, 1]],
    ['added', `FROM rows UNION ALL SELECT * REPLACE ('NOBODY' AS instrument) FROM rows WHERE ${row(TEN, 'BANKNIFTY')}`, 'missing in replay', [1, 0]],
    ['doubled', `FROM rows UNION ALL FROM rows WHERE ${row(TEN, 'BANKNIFTY')}`, 'missing in replay', [1, 0]],
  ] as const)('finds a second that was %s in the other partition', async (_, select, says, counts) => {
    const report = await found((out) => spoil(out, 'seconds', row(TEN, 'BANKNIFTY'), select))
    expect([report.outputs[0].onlyLive, report.outputs[0].onlyReplay]).toEqual(counts)
    expect(report).toMatchObject({ first: { output: 'seconds', ts: TEN }, blame: { step: 'perSecond' } })
    expect(reportText(report)).toContain(`seconds at 2025-01-06 10:00:00: ${says}`)
  })

  it('tells a value that is missing from 0, and counts NaN as missing', async () => {
    const spoilt = (value: string, holds: string) =>
      found((out) => spoil(out, 'seconds', holds, `SELECT * REPLACE (CASE WHEN ${holds} THEN ${value} ELSE vol END AS vol) FROM rows`))
    const zero = `vol = 0 AND ${row(at('15:29:59'), 'NIFTY')}`
    expect(await spoilt('NULL', zero)).toMatchObject({ equal: false, first: { live: { vol: NaN } } })
    expect(
      await found((out) => spoil(out, 'bursts', 'baseline IS NULL', `SELECT * REPLACE (coalesce(baseline, 'nan'::DOUBLE) AS baseline) FROM rows`)),
    ).toMatchObject({
      equal: true,
    })
  })

  it('compares the part of the day asked for only', async () => {
    const out = copyOf(day.out)
    await spoil(out, 'seconds', row(TEN), `SELECT * FROM rows WHERE NOT (${row(TEN)})`)
    const [before, after] = await Promise.all(
      ['09:15', '10:00'].map((from) => parity(optionsOf({ out, time: { from, to: from === '09:15' ? '10:00' : '10:01' } }))),
    )
    expect([before.equal, after.equal, after.outputs[0].onlyReplay]).toEqual([true, false, 1])
    expect(after.outputs[0].replay).toBe(60 * 4)
  })

  it('says where the recording ends when that is where it differs', async () => {
    const out = copyOf(day.out)
    const end = at('15:29:59')
    await spoil(out, 'seconds', row(end), `SELECT * FROM rows WHERE NOT (${row(end)})`)
    const report = await parity(optionsOf({ out }))
    expect(reportText({ ...report, recordedUntil: end + 500_000 })).toContain('the recording ends at 2025-01-06 15:29:59.500000')
    expect(reportText(report)).not.toContain('the recording ends')
  })

  it('compares the outputs asked for only', async () => {
    const out = copyOf(day.out)
    await spoil(out, 'bursts', row(TEN), `SELECT * FROM rows WHERE NOT (${row(TEN)})`)
    expect(await parity(optionsOf({ out, outputs: ['signals', 'seconds'] }))).toMatchObject({
      equal: true,
      outputs: [{ output: 'signals' }, { output: 'seconds' }],
    })
    await expect(parity(optionsOf({ out, outputs: ['nothing'] }))).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })

  it('that was replayed with other parameters differs', async () => {
    const report = await parity(optionsOf({ out: day.out, param: ['signal.floor=100'], preset: 'j1' }))
    expect(report).toMatchObject({
      equal: false,
      first: { output: 'late' },
      upstream: { output: 'late' },
      blame: { step: 'eventTime', orBefore: [] },
    })
  })
})

describe('parity that cannot be had', () => {
  it('no such recording, run or version', async () => {
    const { out, lake } = day
    const failing = (more: object) => expect(parity(optionsOf({ out, ...more }))).rejects
    await failing({ date: '2025-01-08' }).toMatchObject({ code: 'LAKE_EMPTY', message: expect.stringContaining('2025-01-06 to 2025-01-07') })
    await failing({ lake: out }).toMatchObject({ code: 'LAKE_EMPTY', message: expect.stringContaining('no recordings') })
    await failing({ lake: '/nowhere/at/all' }).toMatchObject({ code: 'LAKE_MISSING' })
    await failing({ run: 'S' }).toMatchObject({ code: 'RUN_MISMATCH', message: expect.stringContaining('holds the run R') })
    await failing({ out: lake }).toMatchObject({ code: 'OPTION_INVALID', message: expect.stringContaining('run.json') })
    await failing({ clickhouse: 'x' }).toMatchObject({ code: 'OPTION_INVALID' })
    await failing({ out: undefined, clickhouse: day.clickhouse, run: 'S' }).toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('no run S'),
    })
    const older = copyOf(out)
    const path = join(older, 'run.json')
    writeFileSync(path, readFileSync(path, 'utf8').replace('volume-burst@1', 'volume-burst@0'))
    await failing({ out: older }).toMatchObject({ code: 'RUN_MISMATCH', message: expect.stringMatching(/volume-burst@0.*volume-burst@1/) })
  })
})

describe('tickloom parity', () => {
  const args = (out: string, more: readonly string[] = []) => [
    'parity',
    '--run',
    'R',
    '--date',
    '2025-01-06',
    '--lake',
    day.lake,
    '--out',
    out,
    ...more,
  ]

  it('exits with 0 when equal, in JSON too', async () => {
    const { code, stdout, stderr } = await tickloom(args(day.out, ['--json']))
    expect([code, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout)).toMatchObject({ equal: true, run: 'R', outputs: [{ output: 'seconds', onlyLive: 0 }, {}, {}, {}] })
  }, 60_000)

  it('exits with 1 when it differs, with the report on stdout and the failure on stderr; with 2 when used wrongly', async () => {
    const out = copyOf(day.out)
    await spoil(out, 'bursts', row(TEN), `SELECT * FROM rows WHERE NOT (${row(TEN)})`)
    const text = await tickloom(args(out))
    expect(text.code).toBe(1)
    expect(text.stdout).toContain('the first step whose output differs is rollingBurst (bursts)')
    expect(text.stderr).toContain('RECORDING_DIFFERS')
    const json = await tickloom(args(out, ['--json']))
    expect(json.code).toBe(1)
    expect(JSON.parse(json.stdout)).toMatchObject({ equal: false, first: { output: 'bursts', ts: TEN }, blame: { step: 'rollingBurst' } })
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'RECORDING_DIFFERS' } })
    expect((await tickloom(args(out, ['--clickhouse', 'x']))).code).toBe(2)
  }, 60_000)
})
