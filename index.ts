/**
 * What a strategy author needs: write a topology out of operators, or an operator of one's own, and hand the file to
 * `tickloom replay --topology`. Everything else is reached through the command line.
 */

export { Alert, type Selection, type WatchRule } from './core/alerts.ts'
export { Bar, Ohlc } from './core/bar.ts'
export type { Batch, Column, ColumnOf, Columns, Kind, Schema } from './core/batch.ts'
export { allocateColumns, emptyBatch, sliceRows, takeRows, withColumns } from './core/batch.ts'
export type { Calendar, Session } from './core/calendar.ts'
export { catalogue, type ErrorCode, type Fault, TickloomError } from './core/errors.ts'
export { impliedVolatility } from './core/impliedVolatility.ts'
export { type Contract, contractOf, Instruments, nameOf, type OptionType } from './core/instruments.ts'
export { Book, Burst, HEARTBEAT, Quote, Second, Tick, Trade, VolDelta } from './core/market.ts'
export type { OptionMarket } from './core/optionMarket.ts'
export {
  black76,
  black76Greeks,
  blackScholes,
  blackScholesGreeks,
  CALL,
  OptionGreeks,
  type OptionSign,
  PUT,
} from './core/optionPricing.ts'
export { Greeks, OptionQuote } from './core/optionQuote.ts'
export { listParameters, type ParameterLine, type Params, resolveParameters } from './core/parameters.ts'
export type { Delivery, Destination, Flushed, Partition, Position, Sink, SinkTask, Source } from './core/ports.ts'
export { RowBuffer } from './core/rowBuffer.ts'
export { SessionWindows } from './core/sessionWindows.ts'
export {
  type At,
  type Batches,
  type Branches,
  type Counter,
  type Migrate,
  type SavedState,
  type Step,
  sharedBy,
  type Value,
  type ValueSpec,
} from './core/step.ts'
export { type Field, type Fields, f64, i32, Table } from './core/table.ts'
export {
  attach,
  DAY,
  dayOf,
  formatDate,
  formatTime,
  HOUR,
  IST,
  isNewDay,
  MINUTE,
  parseDate,
  SECOND,
  startOfDay,
  timeOfDay,
  UTC,
  type Zone,
} from './core/time.ts'
export { type Memory, type Ports, type Streams, type Topology, topology } from './core/topology.ts'
export { ClosedTrade, Equity, Fill, Order, OrderFate } from './core/trading.ts'
export { bybitExpiryTime } from './markets/bybit/expiry.ts'
export { nseCalendar } from './markets/nse/calendar.ts'
export { formatContract, parseContract } from './markets/nse/contractNames.ts'
export { optionFees } from './markets/nse/fees.ts'
export { expiriesOf, finalExpiry, freezeQuantity, isTradingDay, lotSize, sessionOf, strikeStep, tickSize, tradingDays } from './markets/nse/market.ts'
export { nseOptions } from './markets/nse/optionMarket.ts'
export { type AtmStrikesOptions, atmStrikes, StrikePick } from './operators/atmStrikes.ts'
export { type BarsOptions, bars } from './operators/bars.ts'
export { type BracketOptions, bracketOrders } from './operators/bracketOrders.ts'
export { Candidate, candidates } from './operators/candidates.ts'
export { dedup } from './operators/dedup.ts'
export { ensureOhlc } from './operators/ensureOhlc.ts'
export { type EntriesOptions, entries, Wanted, Watched } from './operators/entries.ts'
export { AnchorPrice, entryPrice } from './operators/entryPrice.ts'
export { type EventTimeOptions, eventTime, type Late } from './operators/eventTime.ts'
export { EventTimeScheduler } from './operators/eventTimeScheduler.ts'
export { type GreeksOptions, greeks, type PriceOf } from './operators/greeks.ts'
export { Delta, mergeDeltas } from './operators/mergeDeltas.ts'
export { type PaperBrokerOptions, paperBroker } from './operators/paperBroker.ts'
export { perSecond } from './operators/perSecond.ts'
export { type RollingBurstOptions, rollingBurst } from './operators/rollingBurst.ts'
export type { OutRowObject, RowObject } from './operators/rowObjects.ts'
export { type RowsOptions, rows } from './operators/rows.ts'
export { type SessionFilterOptions, sessionFilter } from './operators/sessionFilter.ts'
export { Signal, type SignalOptions, signal } from './operators/signal.ts'
export { Spot, spotGrid } from './operators/spotGrid.ts'
export { Trend, trend } from './operators/trend.ts'
export { volDelta } from './operators/volDelta.ts'
export { type WatchOptions, watch } from './operators/watch.ts'
export { Flow } from './runtime/flow.ts'
export { fromTicks, startsFromSeconds } from './topologies/seconds/fromTicks.ts'
