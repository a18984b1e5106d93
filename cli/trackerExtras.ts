import type { Destination } from '../core/ports.ts'
import type { Routes } from '../runtime/http.ts'
import type { TrackerLog } from './trackerLog.ts'
import type { TrackerSettings } from './trackerSettings.ts'

/** What runs beside the databases: a page, alerts. */
export interface TrackerExtra {
  /** Is given every output that the graph has. */
  readonly destination?: Destination
  /** Served beside /metrics and /healthz. */
  readonly routes?: Routes
  /** What is wrong, a line each. */
  troubles?(): readonly string[]
  /** Totals for the stats line and /metrics, by name. */
  figures?(): Readonly<Record<string, number>>
  close(): Promise<void>
}

/** Those that the settings ask for; each is loaded only then. */
export async function trackerExtras(_settings: TrackerSettings, _log: TrackerLog): Promise<TrackerExtra[]> {
  return []
}
