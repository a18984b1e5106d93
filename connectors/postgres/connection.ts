import { Socket } from 'node:net'
import type { Client } from 'pg'
import { messageOf, TickloomError } from '../../core/errors.ts'

export interface ConnectionOptions {
  /** `postgres://user:password@host:5432/database`; what it leaves out is taken from PGHOST, PGUSER and so on. */
  readonly url: string
  /** Milliseconds for which a server that does not answer is asked again. Default 60 000. */
  readonly patience?: number
  /** Milliseconds after which a connection or a statement counts as not answered. Default 15 000. */
  readonly timeout?: number
}

/** Milliseconds before the second attempt, twice that before the next, up to the last. */
const [FIRST_DELAY, LAST_DELAY] = [100, 5000]

/**
 * One connection to PostgreSQL, made when it is needed and again after it broke; one transaction at a time.
 *
 * `pg` is loaded with the first: it brings TLS along.
 */
export class PostgresConnection {
  /** Host, port and database, without user and password. */
  readonly location: string
  readonly #options: ConnectionOptions
  #client: { readonly client: Client; readonly socket: Socket } | undefined
  /** The transaction before, whatever became of it. */
  #turn: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.location = locationOf(options.url)
  }

  /**
   * Runs it in a transaction; after a failure that may pass, such as a restart of the server, again from the start, on
   * a new connection. So it must be idempotent: a commit that was not answered may have been made.
   * Throws DATABASE_REFUSED after `patience`, DATABASE_REJECTED, DISK_FULL.
   */
  transaction<T>(run: (client: Client) => Promise<T>): Promise<T> {
    const mine = this.#turn.then(() => this.#patiently(run))
    this.#turn = mine.catch(() => {})
    return mine
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#turn
    const held = this.#client
    this.#client = undefined
    // A server that no longer answers must not keep the process.
    const timer = setTimeout(() => held?.socket.destroy(), 1000)
    await held?.client.end().catch(() => {})
    clearTimeout(timer)
  }

  async #patiently<T>(run: (client: Client) => Promise<T>): Promise<T> {
    const end = performance.now() + (this.#options.patience ?? 60_000)
    for (let delay = FIRST_DELAY; ; delay = Math.min(2 * delay, LAST_DELAY)) {
      try {
        return await this.#once(run)
      } catch (thrown) {
        const failure = postgresFailure(thrown, this.location)
        if (!failure.retry || this.#closed || performance.now() + delay > end) throw failure
        // Between half of the delay and all of it, so that many that lost one server do not come back as one.
        await new Promise((resolve) => setTimeout(resolve, delay * (0.5 + Math.random() / 2)))
      }
    }
  }

  async #once<T>(run: (client: Client) => Promise<T>): Promise<T> {
    this.#client ??= await this.#connect()
    const { client } = this.#client
    try {
      await client.query('BEGIN')
      const result = await run(client)
      await client.query('COMMIT')
      return result
    } catch (thrown) {
      // Whatever state the connection is in, a new one is in none.
      this.#drop()
      throw thrown
    }
  }

  async #connect(): Promise<{ client: Client; socket: Socket }> {
    const { default: pg } = await import('pg')
    const { url, timeout = 15_000 } = this.#options
    const socket = new Socket()
    const client = new pg.Client({
      connectionString: url === '' ? undefined : url,
      application_name: 'tickloom',
      connectionTimeoutMillis: timeout,
      query_timeout: timeout,
      keepAlive: true,
      stream: () => socket,
    })
    // A connection that breaks while nothing is asked of it is made anew by who asks next.
    client.on('error', () => {
      if (this.#client?.client === client) this.#client = undefined
      socket.destroy()
    })
    try {
      await client.connect()
    } catch (thrown) {
      socket.destroy()
      throw thrown
    }
    return { client, socket }
  }

  #drop(): void {
    this.#client?.socket.destroy()
    this.#client = undefined
  }
}

function locationOf(url: string): string {
  if (url === '') return 'postgres of the environment'
  if (!URL.canParse(url)) throw new TickloomError('OPTION_INVALID', 'the address of PostgreSQL is not a URL that can be read', { option: 'postgres' })
  const { host, pathname } = new URL(url)
  return `postgres://${host}${pathname}`
}

/**
 * States of SQL that pass by themselves: connection (08), resources but the disk (53), stopped or starting (57P), two
 * transactions in each other's way (40), a lock (55P03).
 */
const TRANSIENT = /^(08|53|57P|40|55P03)/

/** What failed as DISK_FULL, DATABASE_REJECTED (the server answered, and it is no) or DATABASE_REFUSED. */
export function postgresFailure(thrown: unknown, location: string): TickloomError {
  if (thrown instanceof TickloomError) return thrown
  const inner = thrown instanceof AggregateError ? thrown.errors[0] : thrown
  const said = messageOf(inner)
  // Errors of the server have a severity; those of sockets have none.
  const { code, severity } = inner as { code?: string; severity?: string }
  if (code === '53100') return new TickloomError('DISK_FULL', `no space left for ${location}: ${said}`, { location }, thrown)
  if (severity !== undefined && code !== undefined && !TRANSIENT.test(code)) {
    return new TickloomError('DATABASE_REJECTED', `${location}: ${said}`, { location, state: code }, thrown)
  }
  return new TickloomError('DATABASE_REFUSED', `no good answer from ${location}: ${said === '' ? String(code) : said}`, { location }, thrown)
}
