import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type ClickHouseClient, createClient } from '@clickhouse/client'
import { TickloomError } from '../../core/errors.ts'
import { holdEmbeddedEngine } from './engine.ts'

const load = createRequire(import.meta.url)

/** An open ClickHouse: a server over HTTP, or the engine inside this process on a directory. */
export interface ClickHouse {
  readonly kind: 'server' | 'embedded'
  readonly client: ClickHouseClient
  /** The URL without its password, or the directory. Fit for messages and logs. */
  readonly location: string
  close(): Promise<void>
}

export interface ClientOptions {
  /** Milliseconds after which an unanswered request counts as refused. */
  readonly timeout?: number
  /** What unqualified names mean on a server whose URL says nothing; default `default`, which every server has. */
  readonly database?: string
}

/** Is it the address of a server, and not a directory? */
export function isServer(target: string): boolean {
  return /^https?:\/\//.test(target)
}

/**
 * Opens a server by URL (`http://user:password@host:8123/database`) or an embedded database by directory, which is made
 * if it is not there. Empty text: what CLICKHOUSE_URL says. User, password and database missing from the URL are
 * taken from CLICKHOUSE_USER, CLICKHOUSE_PASSWORD and CLICKHOUSE_DATABASE.
 *
 * Nothing is sent to a server yet. Throws OPTION_INVALID on an address that is none, CLICKHOUSE_BUSY when another
 * process owns the directory.
 */
export function openClickHouse(target: string, options: ClientOptions = {}): ClickHouse {
  const wanted = target === '' ? (process.env['CLICKHOUSE_URL'] ?? '') : target
  if (wanted === '')
    throw new TickloomError('OPTION_INVALID', '--clickhouse wants a directory or a URL, and CLICKHOUSE_URL is not set', { option: 'clickhouse' })
  return isServer(wanted) ? openServer(wanted, options) : openEmbedded(wanted)
}

function openServer(target: string, options: ClientOptions): ClickHouse {
  if (!URL.canParse(target)) throw new TickloomError('OPTION_INVALID', '--clickhouse is not a URL that can be read', { option: 'clickhouse' })
  const url = new URL(target)
  const username = decodeURIComponent(url.username) || process.env['CLICKHOUSE_USER'] || 'default'
  const password = decodeURIComponent(url.password) || process.env['CLICKHOUSE_PASSWORD'] || ''
  const database = decodeURIComponent(url.pathname.slice(1)) || process.env['CLICKHOUSE_DATABASE'] || options.database || 'default'
  const client = createClient({
    url: url.origin,
    username,
    password,
    database,
    application: 'tickloom',
    request_timeout: options.timeout ?? 120_000,
    // The answer of an insert comes after the insert, so 200 means that the rows are there.
    clickhouse_settings: { wait_end_of_query: 1 },
    // A failure is thrown to the caller, who reports it once: the client's own line would print the same again.
    log: { level: 127 },
  })
  return { kind: 'server', client, location: url.origin, close: () => client.close() }
}

function openEmbedded(directory: string): ClickHouse {
  const { path, release } = holdEmbeddedEngine(directory)
  const { createChdbConnection } = load('chdb/connection') as typeof import('chdb/connection')
  const client = createClient({ connection: createChdbConnection({ path }), log: { level: 127 } } as Parameters<typeof createClient>[0])
  return {
    kind: 'embedded',
    client,
    location: path,
    close: async () => {
      await client.close()
      release()
    },
  }
}

/** Is there an embedded database in that directory? */
export function hasEmbeddedDatabase(directory: string): boolean {
  return existsSync(join(directory, 'store')) || existsSync(join(directory, 'metadata'))
}
