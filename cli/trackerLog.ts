import { type LogLevel, logLevels } from './trackerSettings.ts'

type Fields = Readonly<Record<string, unknown>>

/** What a tracker says, on stderr: lines on a terminal, JSON otherwise. Not pino, for its five megabytes. */
export class TrackerLog {
  readonly #level: number
  readonly #terminal: boolean
  readonly #write: (line: string) => void

  constructor(
    level: LogLevel,
    {
      terminal = process.stderr.isTTY === true,
      write = (line) => void process.stderr.write(line),
    }: { terminal?: boolean; write?: (line: string) => void } = {},
  ) {
    this.#level = logLevels.indexOf(level)
    this.#terminal = terminal
    this.#write = write
  }

  say(level: LogLevel, message: string, fields: Fields = {}): void {
    if (logLevels.indexOf(level) <= this.#level) this.#line(level, message, fields)
  }

  /** Whatever the level: it has an interval of its own. */
  stats(message: string, fields: Fields): void {
    this.#line('info', message, fields)
  }

  #line(level: LogLevel, message: string, fields: Fields): void {
    const time = new Date()
    if (this.#terminal) this.#write(`${time.toTimeString().slice(0, 8)} ${level === 'info' ? '' : `${level}: `}${message}\n`)
    else this.#write(`${JSON.stringify({ level, time: time.toISOString(), ...fields, msg: message })}\n`)
  }
}
