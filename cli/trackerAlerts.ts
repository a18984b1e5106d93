import { type WebhookDestination, webhookDestination } from '../connectors/webhook/destination.ts'
import { noteOf } from '../connectors/webhook/message.ts'
import { type Target, telegramTarget, webhookTarget } from '../connectors/webhook/target.ts'
import type { Alert, WatchRule } from '../core/alerts.ts'
import type { Batch } from '../core/batch.ts'
import { TickloomError } from '../core/errors.ts'
import type { Destination, Sink } from '../core/ports.ts'

export interface AlertOptions {
  readonly rules: readonly WatchRule[]
  readonly webhook?: string
  readonly telegramChat?: string
  readonly telegramBase?: string
  /** Of the bot; out of the environment. */
  readonly token?: string
  /** Milliseconds for what waits at the end. */
  readonly grace: number
  say(message: string): void
}

export interface Alerts {
  readonly destination: Destination
  /** `alerts`, and over all targets `alerts delivered` and `alerts lost`. */
  figures(): Readonly<Record<string, number>>
  close(): Promise<void>
}

/** Alerts to all targets named; without one, each is said in the log. Throws OPTION_INVALID, which shows no secret. */
export function alerts(options: AlertOptions): Alerts {
  const { rules, grace, say } = options
  const all = targetsOf(options).map((target) => webhookDestination({ target, rules, grace, say }))
  let raised = 0
  return {
    destination: {
      name: ['alerts', ...all.map(({ name }) => name)].join(', '),
      open: async (task) => {
        const sinks = await Promise.all(all.map((one) => one.open(task)))
        return sinkOf((output, batch) => {
          if (output !== 'alerts') return
          raised += batch.n
          for (const sink of sinks) sink.write(output, batch)
          if (sinks.length > 0) return
          for (let row = 0; row < batch.n; row++) say(noteOf(batch as unknown as Batch<Alert>, row, rules, task.instruments).text)
        })
      },
      close: async () => {},
    },
    figures: () => ({ alerts: raised, ...total(all) }),
    close: async () => {
      await Promise.all(all.map((one) => one.close()))
    },
  }
}

function targetsOf({ webhook, telegramChat, telegramBase, token }: AlertOptions): Target[] {
  const targets: Target[] = []
  if (webhook !== undefined) targets.push(webhookTarget(webhook))
  if (telegramChat !== undefined) {
    if (token === undefined || token === '')
      throw new TickloomError('OPTION_INVALID', '--telegram-chat needs the token of a bot in the environment, as TELEGRAM_BOT_TOKEN', {
        option: '--telegram-chat',
      })
    targets.push(telegramTarget({ token, chat: telegramChat, base: telegramBase }))
  }
  return targets
}

/** It never waits, nor fails. */
function sinkOf(write: Sink['write']): Sink {
  return { write, flush: async () => ({ rows: 0, bytes: 0 }), close: async () => {} }
}

/** `alerts lost`: dropped, refused, given up or not sent before the end. */
function total(all: readonly WebhookDestination[]): Record<string, number> {
  let [delivered, lost] = [0, 0]
  for (const one of all) {
    const counts = one.counts()
    delivered += counts.delivered
    lost += counts.dropped + counts.refused + counts.givenUp + counts.unsent
  }
  return { 'alerts delivered': delivered, 'alerts lost': lost }
}
