import { copyFileSync, cpSync, mkdirSync, mkdtempSync, renameSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ReplayDatabase } from '../../cli/replayDatabase.ts'
import { claimRun } from '../../cli/replayIdentity.ts'
import { clickhouseDestination } from '../../connectors/clickhouse/sink.ts'
import { memorySource } from '../../connectors/memory/source.ts'
import { duckRows } from '../../connectors/parquet/duck.ts'
import { outputFiles, partitionsOf } from '../../connectors/parquet/outputManifest.ts'
import { parquetDestination } from '../../connectors/parquet/sink.ts'
import { generateDay } from '../../connectors/synthetic/market.ts'
import { parseSyntheticOptions, syntheticDays } from '../../connectors/synthetic/source.ts'
import { type Batch, type Columns, sliceRows } from '../../core/batch.ts'
import { Instruments } from '../../core/instruments.ts'
import { Quote, Trade } from '../../core/market.ts'
import { resolveParameters } from '../../core/parameters.ts'
import { MINUTE } from '../../core/time.ts'
import type { Topology } from '../../core/topology.ts'
import { runPartition } from '../../runtime/runPartition.ts'
import volumeBurst from '../../topologies/volume-burst/graph.ts'
import { recordedLake } from './recordedLake.ts'
import { at, toBatch } from './table.ts'

const topology = volumeBurst as unknown as Topology

/** A day that was recorded, and a run of volume-burst that wrote it live: two partitions, late and double rows, heartbeats. */
export interface LiveDay {
  readonly lake: string
  /** Folder of the run R. */
  readonly out: string
  /** Embedded database of the run R; '' where none was asked for. */
  readonly clickhouse: string
}

export async function liveDay({ clickhouse = false } = {}): Promise<LiveDay> {
  const folder = mkdtempSync(join(tmpdir(), 'live-day-'))
  const [out, lake, database] = [join(folder, 'run'), join(folder, 'lake'), join(folder, 'database')]
  const instruments = new Instruments()
  const log = { '0': marketOf('NIFTY', instruments), '1': marketOf('BANKNIFTY', instruments) }
  // A row of the day that comes the morning after: it is late live, and in the next date's recording.
  log['0'].push(rowsOf([at('2025-01-07 09:15:00'), at('15:00:00')], instruments))
  await recordedLake(log, { instruments, lake })

  const params = resolveParameters(topology, ['eventTime.lateness=2', 'signal.floor=100'], 'j1')
  const identity = { topology: 'volume-burst@1', parameters: params, lake: 'kafka:ticks', epoch: MINUTE, outputs: null }
  mkdirSync(out)
  claimRun(out, 'R', identity)
  const tables = clickhouse ? new ReplayDatabase({ clickhouse: database }) : undefined
  await tables?.begin(topology, 'R', { lake: 'kafka:ticks' }, identity)
  const source = memorySource(Trade, Object.fromEntries(Object.entries(log).map(([name, batches]) => [name, batches.map(tradesOf)])))
  const destinations = [
    parquetDestination({ dir: out }),
    ...(tables === undefined ? [] : [clickhouseDestination({ committer: tables.committer, staging: join(folder, 'staging') })]),
  ]
  const plugged = { topology, params, run: 'R', instruments, source, destinations, epochLength: 30 * MINUTE, checkpoints: undefined, resume: false }
  for (const partition of Object.keys(log)) await runPartition(plugged, partition, { signal: new AbortController().signal })
  await tables?.close()
  return { lake, out, clickhouse: tables === undefined ? '' : database }
}

/** The same run in a folder of its own, to be spoilt. */
export function copyOf(out: string): string {
  const copy = join(mkdtempSync(join(tmpdir(), 'live-copy-')), 'run')
  cpSync(out, copy, { recursive: true })
  return copy
}

/** Rewrites the file of an output that `holds` a row as `select` says, `rows` being what it holds now. */
export async function spoil(out: string, output: string, holds: string, select: string): Promise<void> {
  for (const partition of partitionsOf(out)) {
    for (const { path } of outputFiles(out, partition).filter((file) => file.output === output)) {
      const file = join(out, path)
      const [{ n }] = await duckRows<{ n: number }>(`SELECT count(*)::INTEGER AS n FROM '${file}' WHERE ${holds}`)
      if (n === 0) continue
      copyFileSync(file, `${file}.before.parquet`)
      await duckRows(`COPY (WITH rows AS (FROM '${file}.before.parquet') ${select}) TO '${file}.after.parquet' (FORMAT parquet)`)
      renameSync(`${file}.after.parquet`, file)
      return
    }
  }
  throw new Error(`no row of ${output} with ${holds}`)
}

function marketOf(symbol: string, instruments: Instruments): Batch<Quote>[] {
  const options = parseSyntheticOptions({ symbol, seed: symbol.length, strikes: symbol === 'NIFTY' ? 1 : 0, rate: 0.2 })
  const { ticks } = generateDay(options, syntheticDays(options)[0], instruments)
  const missing = new Float64Array(ticks.n).fill(NaN)
  const quotes: Batch<Quote> = {
    ...ticks,
    col: { ...ticks.col, bidSize: missing, askSize: missing, received: missing, lastTrade: missing } as Columns<Quote>,
  }
  const batches: Batch<Quote>[] = []
  let maximum = -Infinity
  for (let from = 0; from < ticks.n; ) {
    const to = Math.min(ticks.n, from + 1 + ((from * 7919) % 400))
    for (let i = from; i < to; i++) maximum = Math.max(maximum, ticks.col.ts[i])
    batches.push(sliceRows(quotes, from, to, from % 3 === 0 ? maximum + 500_000 : -Infinity))
    from = to
  }
  return batches
}

function rowsOf(times: readonly number[], instruments: Instruments): Batch<Quote> {
  const none = { oi: NaN, bid: NaN, ask: NaN, bidSize: NaN, askSize: NaN, received: NaN, lastTrade: NaN }
  return toBatch(
    Quote,
    times.map((ts) => ({ ts, instrument: 'NIFTY', price: 24000, volume: 0, ...none })),
    instruments,
  )
}

function tradesOf({ n, watermark, col: { ts, instrument, price, volume } }: Batch<Quote>): Batch<Trade> {
  return { n, watermark, col: { ts, instrument, price, volume } }
}
