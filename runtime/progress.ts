import cliProgress from 'cli-progress'
import { formatTime, IST, type Zone } from '../core/time.ts'

/** How far a run is. Whatever is not known yet is undefined. */
export interface Pace {
  readonly rows: number
  /** 0 to 1. */
  readonly fraction: number | undefined
  readonly rowsPerSecond: number | undefined
  readonly secondsLeft: number | undefined
}

/** Seconds after which what was measured before weighs a third. */
const MEMORY = 5

/**
 * Rate and time left, smoothed, so that neither jumps about.
 *
 * The first observation is where counting begins: a resumed run does not count as fast the rows it read yesterday.
 */
export class PaceMeter {
  #rows: number | undefined
  #at = 0
  #rate: number | undefined

  /** `now` in seconds, on any clock that only goes forward. */
  observe(rows: number, rowsInAll: number | undefined, now: number): Pace {
    const elapsed = now - this.#at
    if (this.#rows === undefined) {
      this.#rows = rows
      this.#at = now
    } else if (elapsed > 0) {
      const measured = Math.max(0, rows - this.#rows) / elapsed
      const weight = this.#rate === undefined ? 1 : 1 - Math.exp(-elapsed / MEMORY)
      this.#rate = (this.#rate ?? 0) + (measured - (this.#rate ?? 0)) * weight
      this.#rows = rows
      this.#at = now
    }
    const left = rowsInAll === undefined ? undefined : Math.max(0, rowsInAll - rows)
    return {
      rows,
      fraction: rowsInAll ? Math.min(1, rows / rowsInAll) : undefined,
      rowsPerSecond: this.#rate,
      secondsLeft: left === 0 ? 0 : left !== undefined && this.#rate ? left / this.#rate : undefined,
    }
  }
}

/** 950, 12.3k, 4.56M: three digits that a moving line can be read by. */
export function shortCount(n: number): string {
  if (n >= 1e9) return `${(n / 1e9).toPrecision(3)}G`
  // What toPrecision would round up to the next unit is written in it.
  if (n >= 999_500) return n >= 999_500_000 ? `${(n / 1e9).toPrecision(3)}G` : `${(n / 1e6).toPrecision(3)}M`
  if (n >= 1000) return `${(n / 1e3).toPrecision(3)}k`
  return String(Math.round(n))
}

/** 8 s, 3 min 20 s, 2 h 5 min. */
export function shortDuration(seconds: number): string {
  const s = Math.ceil(seconds)
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`
}

/** One line that says how far a run is. */
export function paceLine({ rows, fraction, rowsPerSecond, secondsLeft }: Pace, eventTime: number, zone: Zone): string {
  const parts = [`${shortCount(rows)} rows`]
  if (fraction !== undefined) parts.unshift(`${Math.floor(fraction * 100)} %`)
  if (rowsPerSecond !== undefined) parts.push(`${shortCount(rowsPerSecond)} rows/s`)
  if (secondsLeft !== undefined) parts.push(`${shortDuration(secondsLeft)} left`)
  if (Number.isFinite(eventTime)) parts.push(`at ${formatTime(Math.floor(eventTime / 1e6) * 1e6, zone)}`)
  return parts.join('  ')
}

export interface Progress {
  /** Called as often as the run likes; shown no more often than a person reads. */
  at(rows: number, rowsInAll: number | undefined, eventTime: number): void
  stop(): void
}

export interface ProgressOptions {
  readonly quiet: boolean
  readonly out?: NodeJS.WriteStream
  /** Zone the event time is shown in. */
  readonly zone?: Zone
  /** Seconds, on a clock that only goes forward. */
  readonly now?: () => number
}

const LINE_EVERY = 3
const BAR_EVERY = 0.1

/** A bar on a terminal, a line every few seconds elsewhere, nothing when quiet. Writes to stderr: stdout is for answers. */
export function showProgress({ quiet, out = process.stderr, zone = IST, now = () => performance.now() / 1000 }: ProgressOptions): Progress {
  if (quiet) return { at: () => undefined, stop: () => undefined }
  const meter = new PaceMeter()
  const show = out.isTTY ? barOn(out) : lineOn(out)
  let shown = -Infinity
  return {
    at(rows, rowsInAll, eventTime) {
      const time = now()
      // A pipe gets its first line after a while: short runs say nothing.
      if (shown === -Infinity && !out.isTTY) shown = time
      if (shown !== -Infinity && time - shown < (out.isTTY ? BAR_EVERY : LINE_EVERY)) return
      shown = time
      const pace = meter.observe(rows, rowsInAll, time)
      show.update(pace, paceLine(pace, eventTime, zone))
    },
    stop: show.stop,
  }
}

interface Shown {
  update(pace: Pace, line: string): void
  stop(): void
}

function lineOn(out: NodeJS.WriteStream): Shown {
  return { update: (_, line) => out.write(`${line}\n`), stop: () => undefined }
}

function barOn(stream: NodeJS.WriteStream): Shown {
  let bar: cliProgress.SingleBar | undefined
  return {
    update({ fraction }, line) {
      if (bar === undefined) {
        const format = fraction === undefined ? '{line}' : '{bar}  {line}'
        bar = new cliProgress.SingleBar(
          { stream, format, barsize: 24, hideCursor: true, clearOnComplete: true, gracefulExit: false },
          cliProgress.Presets.shades_classic,
        )
        bar.start(1, 0, { line })
      }
      bar.update(fraction ?? 0, { line })
    },
    stop: () => bar?.stop(),
  }
}
