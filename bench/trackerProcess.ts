import { readFileSync, statSync } from 'node:fs'

/** What a process had used, at a moment. Memory in MB (10^6 bytes), CPU in seconds of one core since its start. */
export interface Sample {
  /** Seconds, of the sampler's clock. */
  readonly at: number
  readonly rss: number
  /** Of `rss`, what is no file's: heap, stacks, JIT code. */
  readonly anonymous: number
  /** The highest `rss` since the process began. */
  readonly peak: number
  readonly cpu: number
  /** Bytes that it had the disk write. */
  readonly written: number
}

/** Ticks of /proc/PID/stat a second: 100 on every Linux that is not built otherwise. */
const TICKS = 100

/** Linux only. Throws when the process is gone. */
export function sampleOf(pid: number): Sample {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const io = readFileSync(`/proc/${pid}/io`, 'utf8')
  const megabytes = (name: string): number => (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024) / 1e6
  // The name in parentheses may hold blanks; utime and stime are the 12th and 13th behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return {
    at: performance.now() / 1000,
    rss: megabytes('VmRSS'),
    anonymous: megabytes('RssAnon'),
    peak: megabytes('VmHWM'),
    cpu: (Number(fields[11]) + Number(fields[12])) / TICKS,
    written: Number(/^write_bytes: (\d+)/m.exec(io)?.[1]),
  }
}

export interface Slope {
  /** A unit of x. */
  readonly slope: number
  /** Its standard error, were the points independent. */
  readonly error: number
}

/** The line through points by least squares. NaN of fewer than three. */
export function slopeOf(xs: readonly number[], ys: readonly number[]): Slope {
  const n = xs.length
  if (n < 3) return { slope: NaN, error: NaN }
  const [mx, my] = [mean(xs), mean(ys)]
  let [sxx, sxy] = [0, 0]
  for (let i = 0; i < n; i++) {
    sxx += (xs[i] - mx) ** 2
    sxy += (xs[i] - mx) * (ys[i] - my)
  }
  const slope = sxy / sxx
  let squares = 0
  for (let i = 0; i < n; i++) squares += (ys[i] - my - slope * (xs[i] - mx)) ** 2
  return { slope, error: Math.sqrt(squares / (n - 2) / sxx) }
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Bytes of an SQLite file with its log, as they are on the disk. */
export function databaseSize(file: string): number {
  return [file, `${file}-wal`, `${file}-shm`].reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0)
}
