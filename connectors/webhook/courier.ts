import { messageOf } from '../../core/errors.ts'
import { Backoff } from '../feeds/attempts.ts'
import type { FeedClock } from '../feeds/clock.ts'
import { Line } from './line.ts'
import { type Message, messageFor, type Note } from './message.ts'
import type { Failure, Target } from './target.ts'
import { TokenBucket } from './tokenBucket.ts'

/** Times in milliseconds. */
export interface CourierOptions {
  readonly target: Target
  /** Alerts that may wait; the oldest beyond are dropped and counted. */
  readonly most: number
  /** For one attempt, its answer included. */
  readonly timeout: number
  /** How long one message is tried. */
  readonly giveUpAfter: number
  /** How long `close` tries what still waits. */
  readonly grace: number
  readonly backoff: { readonly first: number; readonly most: number }
  /** After so long without a request, the connection is used, where the target has a request for that. */
  readonly idle: number
  readonly clock: FeedClock
  say(message: string): void
}

/** Alerts, but `sent`, which are messages, and `attempts`. */
export interface CourierCounts {
  sent: number
  attempts: number
  delivered: number
  /** Told as numbers only, in a message with others. */
  merged: number
  dropped: number
  refused: number
  givenUp: number
  unsent: number
}

/**
 * Takes alerts to one target, a message at a time, in their order. `add` never waits.
 *
 *     tokens for all that wait   a message an alert
 *     fewer                      one message for all of them
 *     refused for now            again after growing pauses, or when the answer says
 *     refused, or tried too long counted and said; the next message follows
 */
export class Courier {
  readonly counts: CourierCounts = { sent: 0, attempts: 0, delivered: 0, merged: 0, dropped: 0, refused: 0, givenUp: 0, unsent: 0 }
  readonly #options: CourierOptions
  readonly #line: Line
  readonly #bucket: TokenBucket
  readonly #ended = new AbortController()
  #attempting = new AbortController()
  #waiting: Note[] = []
  /** Dropped, and not yet told in a message. */
  #untold = 0
  #working: Promise<void> | undefined
  /** By the clock; once `close` was called. */
  #deadline = Infinity
  #hurry: (() => void) | undefined
  #rest: (() => void) | undefined

  constructor(options: CourierOptions) {
    this.#options = options
    this.#line = new Line(options.target.url)
    this.#bucket = new TokenBucket(options.target.rate, options.clock)
    this.#keepWarm(0)
  }

  get waiting(): number {
    return this.#waiting.length
  }

  add(note: Note): void {
    if (this.#waiting.length >= this.#options.most) {
      this.#waiting.shift()
      this.counts.dropped++
      this.#untold++
    }
    this.#waiting.push(note)
    this.#working ??= this.#work()
  }

  /**
   * Tries what waits for the time of grace, in one message, and ends. What is under way has a third of it for its
   * answer; what fails is tried again after a tenth of it at most.
   */
  async close(): Promise<void> {
    if (this.#deadline !== Infinity) return this.#working
    const { grace, clock } = this.#options
    this.#deadline = clock.elapsed() + grace
    const cancel = clock.after(grace, () => this.#ended.abort(new Error('the time of grace is over')))
    // One that hangs must not take all of it.
    const nudge = clock.after(grace / 3, () => this.#attempting.abort(new Error('no answer yet, and it ends')))
    this.#rest?.()
    this.#hurry?.()
    await this.#working
    cancel()
    nudge()
    this.#ended.abort()
    this.#line.close()
    this.counts.unsent += this.#waiting.length
    if (this.counts.unsent > 0) this.#say(`${this.counts.unsent} alerts were not sent before the end`)
    this.#waiting = []
  }

  async #work(): Promise<void> {
    // Alerts of one batch are added one after the other: all of them are there when this goes on.
    await Promise.resolve()
    this.#rest?.()
    while (this.#waiting.length > 0 && !this.#ended.signal.aborted) {
      const wait = this.#bucket.wait()
      if (wait > 0 && this.#deadline === Infinity) await this.#sleep(wait, true)
      else await this.#deliver(this.#next())
    }
    this.#working = undefined
    if (this.#deadline === Infinity) this.#keepWarm(this.#options.idle)
  }

  #next(): Message {
    const all = this.#deadline !== Infinity || this.#bucket.tokens < this.#waiting.length
    this.#bucket.take()
    const message = messageFor(this.#waiting.splice(0, all ? this.#waiting.length : 1), this.#untold, this.#options.target.most)
    this.#untold = 0
    return message
  }

  async #deliver(message: Message): Promise<void> {
    const { giveUpAfter, backoff, clock, grace } = this.#options
    const pauses = new Backoff(backoff, clock)
    const until = clock.elapsed() + giveUpAfter
    for (;;) {
      const failure = await this.#attempt(message)
      if (failure === undefined) return this.#delivered(message)
      if (!failure.retry) return this.#lost('refused', message, failure.text)
      const longest = this.#deadline === Infinity ? Infinity : grace / 10
      const pause = Math.max(failure.retryAfter ?? 0, Math.min(pauses.next(), longest))
      const [now, last] = [clock.elapsed(), Math.min(until, this.#deadline)]
      if (this.#ended.signal.aborted || now + (failure.retryAfter ?? 0) >= last)
        return this.#lost(this.#deadline < until ? 'unsent' : 'givenUp', message, failure.text)
      if (pauses.attempts === 1) this.#say(`${failure.text}; it is tried again`)
      await this.#sleep(Math.min(pause, last - now), failure.retryAfter === undefined)
    }
  }

  async #attempt(message: Message): Promise<Failure | undefined> {
    const { target, timeout } = this.#options
    this.counts.attempts++
    this.#attempting = new AbortController()
    try {
      return target.failure(await this.#line.ask(target.ask(message), timeout, AbortSignal.any([this.#ended.signal, this.#attempting.signal])))
    } catch (thrown) {
      return { text: messageOf(thrown), retry: true }
    }
  }

  #delivered({ count, alerts }: Message): void {
    this.counts.sent++
    this.counts.delivered += count
    this.counts.merged += count - alerts.length
  }

  /** What it told of alerts dropped before it is told by the next. */
  #lost(why: 'refused' | 'givenUp' | 'unsent', { count, dropped }: Message, text: string): void {
    this.counts[why] += count
    this.#untold += dropped
    if (why !== 'unsent') this.#say(`${text}; ${count === 1 ? 'an alert is' : `${count} alerts are`} ${why === 'refused' ? 'refused' : 'given up'}`)
  }

  /** Where `hurried`, the end does not wait for it. */
  #sleep(milliseconds: number, hurried: boolean): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel()
        this.#hurry = undefined
        this.#ended.signal.removeEventListener('abort', done)
        resolve()
      }
      const cancel = this.#options.clock.after(milliseconds, done)
      if (hurried) this.#hurry = done
      this.#ended.signal.addEventListener('abort', done, { once: true })
    })
  }

  /** Asks the harmless request after so long without another, over and over. */
  #keepWarm(after: number): void {
    const { target, clock, idle, timeout } = this.#options
    const { idle: asked } = target
    if (asked === undefined) return
    this.#rest?.()
    const cancel = clock.after(after, () => {
      this.#line.ask(asked, timeout, this.#ended.signal).then(
        (answer) => this.#warmed(answer.status),
        () => this.#warmed(0),
      )
      this.#rest = clock.after(idle, () => this.#keepWarm(0))
    })
    this.#rest = cancel
  }

  #warmed(status: number): void {
    if (status === 401 || status === 404) this.#say(`answered ${status}: the token is not one of its bots`)
  }

  #say(text: string): void {
    const { target, say } = this.#options
    say(target.secrets.reduce((clean, secret) => clean.replaceAll(secret, '***'), `${target.name}: ${text}`))
  }
}
