import type { WatchRule } from '../core/alerts.ts'
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

/** What they are told of the tracker. */
export interface TrackerContext {
  readonly rules: readonly WatchRule[]
  /** For the page's status line. */
  status(): Readonly<Record<string, number>>
}

/** Those that the settings ask for; each is loaded only then. */
export async function trackerExtras(settings: TrackerSettings, log: TrackerLog, context: TrackerContext): Promise<TrackerExtra[]> {
  const extras: TrackerExtra[] = []
  if (context.rules.length > 0) extras.push(await alertsExtra(settings, log, context.rules))
  if (settings.ui) extras.push(await pageExtra(context))
  return extras
}

/** The other half of the grace is for the databases. */
async function alertsExtra(settings: TrackerSettings, log: TrackerLog, rules: readonly WatchRule[]): Promise<TrackerExtra> {
  const { alerts } = await import('./trackerAlerts.ts')
  return alerts({
    rules,
    webhook: settings.webhook,
    telegramChat: settings.telegram_chat,
    telegramBase: settings.telegram_base,
    token: process.env['TELEGRAM_BOT_TOKEN'],
    grace: settings.grace * 500,
    say: (message) => log.say('warn', message),
  })
}

async function pageExtra({ status }: TrackerContext): Promise<TrackerExtra> {
  const [{ Board }, { ChainServer }, { boardColumns }] = await Promise.all([
    import('../connectors/board/board.ts'),
    import('./chainServer.ts'),
    import('./chainView.ts'),
  ])
  const board = new Board({ output: 'quotes', columns: boardColumns })
  const server = new ChainServer({ board, status })
  return {
    destination: board,
    routes: server.routes,
    figures: () => ({ pages: server.pages }),
    close: async () => server.close(),
  }
}
