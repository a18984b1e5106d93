import { messageOf, TickloomError } from '../../core/errors.ts'

/** What was being done: the table written to, and the server or directory, without its password. */
export interface Attempt {
  readonly table?: string
  readonly location: string
}

/** Exceptions of the server that pass without anybody changing anything: overload, time limits, a replica catching up. */
const TRANSIENT = new Set([
  'TIMEOUT_EXCEEDED',
  'SOCKET_TIMEOUT',
  'NETWORK_ERROR',
  'TOO_MANY_SIMULTANEOUS_QUERIES',
  'TOO_MANY_PARTS',
  'MEMORY_LIMIT_EXCEEDED',
  'TABLE_IS_READ_ONLY',
  'KEEPER_EXCEPTION',
  'UNKNOWN_STATUS_OF_INSERT',
  // The body broke off on its way: the server saw the half of an insert and inserted nothing.
  'CANNOT_READ_ALL_DATA',
  'UNEXPECTED_END_OF_FILE',
  'ATTEMPT_TO_READ_AFTER_EOF',
])

/**
 * A failure of a call to ClickHouse as one of CLICKHOUSE_REFUSED (not reached, not answered, answered by half: the
 * same call may succeed), CLICKHOUSE_REJECTED (reached, and it said no) and DISK_FULL.
 */
export function clickHouseFailure(thrown: unknown, { table, location }: Attempt): TickloomError {
  if (thrown instanceof TickloomError) return thrown
  const said = messageOf(thrown)
  const at = { location, ...(table === undefined ? {} : { table }) }
  const about = table === undefined ? location : `table ${table} at ${location}`
  if (/NOT_ENOUGH_SPACE|No space left on device|ENOSPC/.test(said))
    return new TickloomError('DISK_FULL', `no space left for ${about}: ${said}`, at, thrown)
  const type = exceptionType(thrown)
  if (type !== undefined && !TRANSIENT.has(type)) {
    return new TickloomError('CLICKHOUSE_REJECTED', `ClickHouse rejected ${about}: ${said}`, { ...at, type }, thrown)
  }
  return new TickloomError('CLICKHOUSE_REFUSED', `no good answer from ClickHouse for ${about}: ${said === '' ? codeOf(thrown) : said}`, at, thrown)
}

/**
 * The name of the server's exception, undefined when the failure is not one of the server. By shape: the embedded
 * connection has its own copy of the class ClickHouseError, and gives a bare Error for messages it cannot take apart.
 */
export function exceptionType(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined
  if ('type' in thrown && typeof thrown.type === 'string') return thrown.type
  return /DB::Exception/.test(thrown.message) ? (/\(([A-Z][A-Z0-9_]+)\)/.exec(thrown.message)?.[1] ?? 'UNKNOWN_EXCEPTION') : undefined
}

function codeOf(thrown: unknown): string {
  const inner = thrown instanceof AggregateError ? thrown.errors[0] : thrown
  return inner instanceof Error && 'code' in inner ? String(inner.code) : 'no reason given'
}

/** How often a refused call is made again: `attempts` in all, waiting `delay` ms, then twice that, and so on. */
export interface Retry {
  readonly attempts: number
  readonly delay: number
}

export const defaultRetry: Retry = { attempts: 5, delay: 200 }

/** Makes the call until it succeeds, fails for good, or has been refused `attempts` times. The call must be idempotent. */
export async function withRetry<T>(retry: Retry, attempt: Attempt, call: () => Promise<T>): Promise<T> {
  for (let made = 1; ; made++) {
    try {
      return await call()
    } catch (thrown) {
      const failure = clickHouseFailure(thrown, attempt)
      if (failure.code !== 'CLICKHOUSE_REFUSED' || made >= retry.attempts) throw failure
      await new Promise((resolve) => setTimeout(resolve, retry.delay * 2 ** (made - 1)))
    }
  }
}
