import { messageOf } from '../core/errors.ts'
import { optionQuoteColumns } from '../core/optionQuote.ts'
import type { Destination } from '../core/ports.ts'
import { type SteadyDestination, steadily } from '../runtime/steadySink.ts'
import { onlyOutputs } from './outputs.ts'
import type { TrackerLog } from './trackerLog.ts'
import type { TrackerSettings } from './trackerSettings.ts'

/** Milliseconds that SQLite waits for another process that writes: nothing else happens here meanwhile. */
const PATIENCE = 250
/** Milliseconds of the grace that the connections of the feed have for their end. */
const FAREWELL = 2000

/** The databases that the settings name, their clients loaded only then, each with a table `quotes`. */
export async function trackerStores(settings: TrackerSettings, log: TrackerLog): Promise<SteadyDestination[]> {
  const { sqlite, postgres, clickhouse, database, history, forget_after: forgetAfter } = settings
  const common = { columns: optionQuoteColumns, forgetAfter }
  const stores: Destination[] = []
  if (sqlite !== undefined) {
    const { sqliteDestination } = await import('../connectors/sqlite/sink.ts')
    stores.push(sqliteDestination({ ...common, file: sqlite, history, patience: PATIENCE }))
  }
  if (postgres !== undefined) {
    const { postgresDestination } = await import('../connectors/postgres/sink.ts')
    stores.push(postgresDestination({ ...common, url: postgres, history, patience: 0 }))
  }
  if (clickhouse !== undefined) {
    const { clickhouseLatest } = await import('../connectors/clickhouse/latest.ts')
    stores.push(clickhouseLatest({ ...common, target: clickhouse, database, retry: { attempts: 1 } }))
  }
  return stores.map((store) => steady(onlyOutputs(store, ['quotes']), settings, log))
}

function steady(store: Destination, { grace }: TrackerSettings, log: TrackerLog): SteadyDestination {
  return steadily(store, {
    grace: Math.max(500, grace * 1000 - FAREWELL),
    onFailure: (failure, retryIn) =>
      log.say('error', `${messageOf(failure)}; the newest quotes are kept, again in ${(retryIn / 1000).toFixed(1)} s`, {
        sink: store.name,
        code: failure.code,
      }),
    onRecovery: (seconds) => log.say('warn', `${store.name} is written to again after ${seconds.toFixed(1)} s`, { sink: store.name }),
  })
}
