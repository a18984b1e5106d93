export interface Shutdown {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal
  /** Gives the signals back to whoever had them. */
  release(): void
}

/** A signal again within this many milliseconds is the same one: npm passes on the Ctrl-C that its child also got. */
const SAME_SIGNAL = 300

/** What a shell reports for a process that Ctrl-C ended. */
const INTERRUPTED = 130

/**
 * The first SIGINT or SIGTERM asks the run to stop after what it is doing; the second ends the process at once, which
 * loses nothing that a finished epoch has written. `how`: what becomes of the work, told with the signal.
 */
export function onShutdown(how = 'stopping; what finished epochs wrote is kept. Once more ends it at once.', say = onANewLine): Shutdown {
  const controller = new AbortController()
  let first: number | undefined
  const stop = (signal: NodeJS.Signals): void => {
    const now = performance.now()
    if (first === undefined) {
      first = now
      say(`${signal}: ${how}`)
      controller.abort()
    } else if (now - first > SAME_SIGNAL) process.exit(INTERRUPTED)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return {
    signal: controller.signal,
    release() {
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
    },
  }
}

/** A progress bar may stand on the line. */
function onANewLine(message: string): void {
  process.stderr.write(`\n${message}\n`)
}

/** Ends the process with 1, and says so, when it has not ended by itself so many milliseconds after the signal. */
export function endWithin(signal: AbortSignal, grace: number, say: (message: string) => void): { stop(): void } {
  let timer: NodeJS.Timeout | undefined
  const begin = (): void => {
    timer = setTimeout(() => {
      say(`not at rest ${grace / 1000} s after it was told to stop`)
      process.exit(1)
    }, grace)
  }
  signal.addEventListener('abort', begin, { once: true })
  return {
    stop() {
      signal.removeEventListener('abort', begin)
      clearTimeout(timer)
    },
  }
}
