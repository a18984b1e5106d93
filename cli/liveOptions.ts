import type { Exchange, ExchangeFlags } from './exchange.ts'
import type { CommonFlags } from './flags.ts'
import type { KafkaFlags } from './kafkaFlags.ts'

/** The flags of `tickloom live`, as commander gives them. */
export interface LiveFlags extends CommonFlags, KafkaFlags, ExchangeFlags {
  readonly topology: string
  /** In place of topics. */
  readonly feed?: Exchange
  readonly topics: string[]
  readonly group?: string
  readonly param: string[]
  readonly preset?: string
  readonly out?: string
  readonly outputs?: string[]
  readonly clickhouse?: string
  readonly database?: string
  readonly run?: string
  /** Lake to record into, instead of the places for outputs. */
  readonly lake?: string
  readonly publish?: string[]
  readonly prefix?: string
  /** Microseconds. */
  readonly epoch: number
  readonly silence: number
  readonly http?: number
  readonly httpHost: string
  readonly resetState?: boolean
  readonly create?: boolean
  readonly quiet?: boolean
}

/** What a live process did until it was stopped. Rows: since the partitions' start, of those that were here last. */
export interface LiveSummary {
  readonly run: string
  readonly topology: string
  readonly topic: string
  readonly group: string
  readonly partitions: readonly string[]
  readonly rowsIn: number
  readonly dropped: Readonly<Record<string, number>>
  readonly outputs: Readonly<Record<string, number>>
  readonly rejected: Readonly<Record<string, number>>
  readonly seconds: number
}
