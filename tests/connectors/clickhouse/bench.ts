import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { closeEmbeddedEngine, embeddedEngine } from '../../../connectors/clickhouse/engine.ts'
import { clickhouseDestination } from '../../../connectors/clickhouse/sink.ts'
import type { Schema } from '../../../core/batch.ts'
import { clickhouseFront } from '../../kit/clickhouseFront.ts'
import type { SinkBench, StoredRow } from '../../kit/sinkContract.ts'

export function scratchDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'tickloom-clickhouse-'))
}

/** Rows of a table as the sink contract compares them. */
export async function readTable(table: string, schema: Schema): Promise<StoredRow[]> {
  const columns = Object.entries(schema).map(([name, kind]) =>
    kind === 'time' ? `toUnixTimestamp64Micro(${name}) AS ${name}` : kind === 'bool' ? `toUInt8(${name}) AS ${name}` : name,
  )
  const sql = `SELECT ${columns.join(', ')} FROM tickloom.${table} SETTINGS output_format_json_quote_denormals = 1, output_format_json_quote_64bit_integers = 0`
  const rows = (await embeddedEngine().queryAsync(sql, { format: 'JSONEachRow' }))
    .text()
    .split('\n')
    .filter((l) => l !== '')
  return rows.map((line) => Object.fromEntries(Object.entries(JSON.parse(line) as StoredRow).map(([k, v]) => [k, v === 'nan' ? Number.NaN : v])))
}

export async function embeddedBench(): Promise<SinkBench> {
  const target = scratchDirectory()
  return {
    destination: () => clickhouseDestination({ target }),
    async read(output, schema) {
      embeddedEngine(target)
      return readTable(output, schema)
    },
    async dispose() {
      closeEmbeddedEngine()
      rmSync(target, { recursive: true, force: true })
    },
  }
}

export async function serverBench() {
  const directory = scratchDirectory()
  embeddedEngine(directory)
  const front = await clickhouseFront()
  return {
    front,
    destination: () => clickhouseDestination({ target: front.url, retry: { attempts: 4, delay: 10 } }),
    read: readTable,
    async dispose() {
      await front.close()
      closeEmbeddedEngine()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
