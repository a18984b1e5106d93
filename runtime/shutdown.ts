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
 * loses nothing that a finished epoch has written.
 */
export function onShutdown(say: (message: string) => void = (message) => process.stderr.write(`${message}\n`)): Shutdown {
  const controller = new AbortController()
  let first: number | undefined
  const stop = (signal: NodeJS.Signals): void => {
    const now = performance.now()
    if (first === undefined) {
      first = now
      say(`\n${signal}: stopping; what finished epochs wrote is kept. Once more ends it at once.`)
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
