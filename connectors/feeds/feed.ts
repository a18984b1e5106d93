import type { Batch, Schema } from '../../core/batch.ts'

/**
 * Why nothing is known of instruments for a while.
 *
 * | reason | what happened |
 * | --- | --- |
 * | closed | the other side, or the network between, ended the connection |
 * | silent | it was open and said nothing for too long |
 * | malformed | it sent what is no WebSocket frame, or one too large |
 * | unreachable | no connection came about |
 * | unanswered | the subscription was not acknowledged in time |
 * | refused | the exchange will not send these instruments |
 */
export type GapReason = 'closed' | 'silent' | 'malformed' | 'unreachable' | 'unanswered' | 'refused'

/** A stretch of one connection in which rows may be missing. Times are the reader's own clock, microseconds. */
export interface Gap {
  /** The same in the event that opens the gap and in the one that closes it. */
  readonly id: number
  readonly connection: number
  readonly reason: GapReason
  /** When the connection last said anything. */
  readonly from: number
  /** When the subscription stood again; NaN: not yet. */
  readonly to: number
  /** Attempts to connect that it took. */
  readonly attempts: number
  /** Ids of the instruments that the connection is for, when the event was made. */
  readonly instruments: readonly number[]
}

/**
 * What a feed says, in its order: rows, which are lent until the next event is asked for and have no watermark; a gap
 * when it opens and again when it closes; and `heartbeat`, how far the exchange's time has come, microseconds.
 */
export type FeedEvent<S extends Schema> =
  | { readonly kind: 'rows'; readonly batch: Batch<S> }
  | { readonly kind: 'gap'; readonly gap: Gap }
  | { readonly kind: 'heartbeat'; readonly ts: number }

/**
 * A market's own stream of quotes, read by this process.
 *
 * Contract (tests/kit/feedContract.ts): a message that came whole on an open connection for a subscribed instrument is
 * delivered once, those of a connection in the order they came, and a gap is between those before a break and those after. Nothing is dropped
 * when the consumer is slow: the sockets are read no further. The signal closes the connections; what came until then
 * is delivered and the iteration ends. It throws FEED_UNREACHABLE or FEED_REFUSED when there is no point in going on.
 */
export interface Feed<S extends Schema = Schema> {
  readonly columns: S
  /** Once; breaking off closes what is open. */
  start(signal: AbortSignal): AsyncIterable<FeedEvent<S>>
  /** What was received, left out or tried again, by name. */
  counts(): Readonly<Record<string, number>>
}
