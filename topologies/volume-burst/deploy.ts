import { join } from 'node:path'
import { clickhouseDestination } from '../../connectors/clickhouse/sink.ts'
import type { ReplayFilter } from '../../connectors/parquet/plan.ts'
import { parquetDestination } from '../../connectors/parquet/sink.ts'
import { parquetSource } from '../../connectors/parquet/source.ts'
import type { Instruments } from '../../core/instruments.ts'
import type { Destination, Source } from '../../core/ports.ts'
import type { Topology } from '../../core/topology.ts'
import volumeBurst from './graph.ts'

export interface BacktestOptions extends ReplayFilter {
  readonly lake: string
  /** Folder of the run. */
  readonly out: string
  /** Directory of an embedded database, or URL of a server. */
  readonly clickhouse?: string
  /** The dictionary of the process; the graph must be given the same. */
  readonly instruments: Instruments
}

export interface Backtest {
  readonly topology: Topology
  readonly source: Source
  readonly destinations: readonly Destination[]
}

/**
 * volume-burst between a lake and its answers: Parquet in `out`, and tables when `clickhouse` is named. It is what
 * `tickloom replay` plugs, for a program of one's own (docs/howto/deploy-from-code.md). Whoever calls it closes the
 * source and the destinations.
 *
 * Throws CLICKHOUSE_BUSY when another process owns the directory.
 */
export function backtest({ lake, out, clickhouse, instruments, ...filter }: BacktestOptions): Backtest {
  const destinations = [parquetDestination({ dir: out })]
  if (clickhouse !== undefined) destinations.push(clickhouseDestination({ target: clickhouse, staging: join(out, 'staging') }))
  return {
    topology: volumeBurst,
    source: parquetSource({ ...filter, lake, columns: volumeBurst.inputs.ticks, instruments }),
    destinations,
  }
}
