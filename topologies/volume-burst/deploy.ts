import { join } from 'node:path'
import type { SchemaSource } from '../../connectors/avro/schemaSource.ts'
import { clickhouseDestination } from '../../connectors/clickhouse/sink.ts'
import type { KafkaDriver } from '../../connectors/kafka/driver.ts'
import { liveLog } from '../../connectors/kafka/liveLog.ts'
import { checkpointTopic, deadLetterTopic } from '../../connectors/kafka/topics.ts'
import type { ReplayFilter } from '../../connectors/parquet/plan.ts'
import { parquetDestination } from '../../connectors/parquet/sink.ts'
import { parquetSource } from '../../connectors/parquet/source.ts'
import type { Instruments } from '../../core/instruments.ts'
import type { Destination, Log, Source } from '../../core/ports.ts'
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

export interface LiveOptions {
  readonly driver: KafkaDriver
  readonly schemas: SchemaSource
  /** The topic of ticks. */
  readonly topic: string
  readonly group: string
  /** Folder of the run. */
  readonly out: string
  /** Directory of an embedded database, or URL of a server. */
  readonly clickhouse?: string
  /** Outputs published as topics `<topic>.<output>`, in the transactions that commit the epochs. */
  readonly publish?: readonly string[]
  readonly instruments: Instruments
}

export interface Live {
  readonly topology: Topology
  readonly log: Log
  readonly destinations: readonly Destination[]
}

/**
 * The same graph between a Kafka topic and the same answers: what `tickloom live` plugs. The topics must be there
 * (`tickloom topics --create`). Whoever calls it closes the log, the destinations and the driver.
 */
export function live({ driver, schemas, topic, group, out, clickhouse, publish = [], instruments }: LiveOptions): Live {
  const destinations = [parquetDestination({ dir: out })]
  if (clickhouse !== undefined) destinations.push(clickhouseDestination({ target: clickhouse, staging: join(out, 'staging'), live: true }))
  const log = liveLog({
    driver,
    group,
    topic,
    topics: { checkpoints: checkpointTopic(group), deadLetters: deadLetterTopic(topic) },
    outputs: { names: publish, prefix: `${topic}.` },
    columns: volumeBurst.inputs.ticks,
    instruments,
    schemas,
  })
  return { topology: volumeBurst, log, destinations }
}
