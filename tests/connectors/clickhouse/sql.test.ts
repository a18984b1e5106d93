import { existsSync, readFileSync, rmSync } from 'node:fs'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runSql, sqlCommand } from '../../../cli/sql.ts'
import { closeEmbeddedEngine, embeddedEngine } from '../../../connectors/clickhouse/engine.ts'
import { clickhouseDestination } from '../../../connectors/clickhouse/sink.ts'
import type { TickloomError } from '../../../core/errors.ts'
import { Instruments } from '../../../core/instruments.ts'
import { Second } from '../../../core/market.ts'
import { clickhouseFront } from '../../kit/clickhouseFront.ts'
import { contractRows } from '../../kit/contractRows.ts'
import { scratchDirectory } from './bench.ts'

const clickhouse = scratchDirectory()
beforeAll(async () => {
  const instruments = new Instruments()
  const to = clickhouseDestination({ target: clickhouse })
  const sink = await to.open({ topology: 't', run: 'r', partition: 'p', outputs: { seconds: Second }, instruments, committed: undefined })
  sink.write('seconds', contractRows(Second, instruments, 4, 1))
  await sink.flush(1)
  await to.close()
})
afterAll(() => {
  closeEmbeddedEngine()
  rmSync(clickhouse, { recursive: true, force: true })
})

async function said(options: Partial<Parameters<typeof runSql>[0]>): Promise<string> {
  let text = ''
  await runSql({
    clickhouse,
    print: (t) => {
      text += t
    },
    ...options,
  })
  return text
}

it('answers as a table, CSV and JSON, whatever the database in use', async () => {
  const query = 'SELECT type, count() AS n FROM seconds GROUP BY type ORDER BY type LIMIT 2;'
  expect(await said({ query })).toMatch(/type.*n[\s\S]*CE.*1[\s\S]*2 rows/)
  expect(await said({ query, format: 'csv' })).toBe('"type","n"\n"CE",1\n"FUT",1\n')
  expect(await said({ query, format: 'json' })).toBe('{"type":"CE","n":"1"}\n{"type":"FUT","n":"1"}\n')
})

it('asks a server the same way', async () => {
  embeddedEngine(clickhouse)
  const front = await clickhouseFront()
  expect(await said({ clickhouse: front.url, query: "SELECT count() AS n FROM seconds WHERE underlying = 'NIFTY'", format: 'csv' })).toBe('"n"\n3\n')
  await expect(said({ clickhouse: front.url, query: 'SELECT x FROM seconds' })).rejects.toMatchObject({ code: 'SQL_INVALID' })
  await front.close()
  closeEmbeddedEngine()
})

it('writes Parquet', async () => {
  const out = `${clickhouse}/answer.parquet`
  await said({ query: 'SELECT * FROM seconds', format: 'parquet', out })
  expect(existsSync(out) && readFileSync(out).subarray(0, 4).toString()).toBe('PAR1')
})

it('takes statements over several lines, and lists tables', async () => {
  const text = await said({ input: Readable.from(['\\d\nSELECT\n 41 + 1 AS x;\n\\q\n']) })
  expect(text).toMatch(/seconds.*MergeTree[\s\S]*42/)
})

it('a bad query is SQL_INVALID, and the command ends with 2', async () => {
  const thrown = await said({ query: 'SELEC 1' }).catch((t: unknown) => t as TickloomError)
  expect(thrown).toMatchObject({ code: 'SQL_INVALID', message: expect.stringContaining('Syntax error') })
  await sqlCommand().parseAsync(['--clickhouse', clickhouse, 'SELECT nothing FROM nowhere'], { from: 'user' })
  expect(process.exitCode).toBe(2)
  process.exitCode = 0
})

it('a directory without a database is not made into one', async () => {
  await expect(said({ clickhouse: `${clickhouse}-not`, query: 'SELECT 1' })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  expect(existsSync(`${clickhouse}-not`)).toBe(false)
})

it('shows examples in its help', () => {
  let help = ''
  const command = sqlCommand().configureOutput({
    writeOut: (t) => {
      help += t
    },
  })
  command.outputHelp()
  expect(help).toMatch(/Examples:[\s\S]*tickloom sql --clickhouse/)
})
