import pino from 'pino'
import { messageOf, TickloomError } from '../core/errors.ts'
import { formatTime, IST, SECOND } from '../core/time.ts'
import type { Gap, LiveEvent } from '../runtime/liveEvents.ts'
import { shortCount } from '../runtime/progress.ts'
import { shownBytes } from './tables.ts'

type Level = 'info' | 'warn' | 'error'

/** Where a run stands: rows in since its partitions' start, and microseconds of event time. */
export interface LiveStatus {
  readonly rowsIn: number
  readonly eventTime: number
  readonly partitions: number
}

/** Seconds between two lines that say how a live run stands. */
const STATUS_EVERY = 10

/** What a live run says while it works, on stderr: lines on a terminal, JSON otherwise. */
export class LiveReport {
  readonly #quiet: boolean
  readonly #log = process.stderr.isTTY
    ? undefined
    : pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ dest: 2, sync: true }))
  readonly #started = performance.now()
  readonly #timer: NodeJS.Timeout
  readonly #status: () => LiveStatus
  #rows = 0
  #at = performance.now()

  constructor(quiet: boolean, status: () => LiveStatus) {
    this.#quiet = quiet
    this.#status = status
    this.#timer = setInterval(() => this.#tellStatus(), STATUS_EVERY * 1000)
    this.#timer.unref()
  }

  get seconds(): number {
    return (performance.now() - this.#started) / 1000
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  say(level: Level, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (this.#quiet && level === 'info') return
    if (this.#log !== undefined) this.#log[level](fields, message)
    else process.stderr.write(`${new Date().toTimeString().slice(0, 8)} ${level === 'info' ? '' : `${level}: `}${message}\n`)
  }

  event(event: LiveEvent): void {
    if (event.type === 'assigned') this.say('info', `partitions here: ${event.partitions.join(', ') || 'none'}`, { partitions: event.partitions })
    else if (event.type === 'restored') this.say('info', restored(event), { ...event })
    else if (event.type === 'failed') {
      const code = event.failure instanceof TickloomError ? event.failure.code : 'UNEXPECTED'
      this.say('error', `partition ${event.partition}: ${messageOf(event.failure)}; again in ${event.retryIn / 1000} s`, {
        partition: event.partition,
        code,
      })
    } else if (event.type === 'left') this.say('error', `left the group: ${messageOf(event.failure)}; joined again in ${event.retryIn / 1000} s`)
    else if (event.type === 'silent')
      this.say('warn', `partition ${event.gap.partition} is silent: neither ticks nor heartbeats arrive`, gapFields(event.gap))
    else if (event.type === 'heard')
      this.say('warn', `partition ${event.gap.partition} is heard again; nothing came ${between(event.gap)}`, gapFields(event.gap))
  }

  #tellStatus(): void {
    const { rowsIn, eventTime, partitions } = this.#status()
    const rate = Math.max(0, rowsIn - this.#rows) / ((performance.now() - this.#at) / 1000)
    this.#rows = rowsIn
    this.#at = performance.now()
    const time = Number.isFinite(eventTime) ? formatTime(eventTime, IST) : 'no time yet'
    this.say('info', `${time}, ${shortCount(rowsIn)} rows, ${shortCount(rate)}/s, ${partitions} partitions`, { rowsIn, eventTime, partitions, rate })
  }
}

function restored({ partition, epoch, bytes, took, upgradedFrom, reset }: LiveEvent & { type: 'restored' }): string {
  if (epoch === undefined) return `partition ${partition}: no checkpoint, from the oldest record`
  const from = upgradedFrom === undefined ? '' : `, saved by ${upgradedFrom}`
  return `partition ${partition}: after epoch ${epoch}${from}${reset ? ', with empty steps as asked' : ''} (${shownBytes(bytes)}, ${took.toFixed(0)} ms)`
}

function between({ from, to }: Gap): string {
  return `from ${formatTime(from, IST)} to ${formatTime(to ?? NaN, IST)} of event time`
}

function gapFields({ partition, from, to, instruments }: Gap): Readonly<Record<string, unknown>> {
  return { partition, from: Number.isFinite(from) ? from / SECOND : null, to: to === undefined ? null : to / SECOND, instruments: instruments.length }
}
