import { get as plain } from 'node:http'
import { get as secure } from 'node:https'
import { TickloomError } from '../../core/errors.ts'

export interface GetOptions {
  readonly signal: AbortSignal
  /** For the whole answer, milliseconds of the machine's clock. */
  readonly timeout: number
  /** Of the answer, bytes. */
  readonly largest: number
  readonly headers?: Readonly<Record<string, string>>
  /** The headers let in, so that 403 is said of them and not, as of some exchanges, of too many requests. */
  readonly authorized?: boolean
}

/**
 * Asks for JSON. Throws FEED_UNREACHABLE, FEED_REFUSED for a status of 400 to 499 that waiting will not mend, and the
 * signal's reason. No header is in any message.
 */
export function getJson(url: string, options: GetOptions): Promise<unknown> {
  return answered(url, { ...options, headers: { accept: 'application/json', ...options.headers } }, (bytes) => JSON.parse(bytes.toString()))
}

/** Asks for bytes, as they come over the line. Throws as `getJson`. */
export function getBytes(url: string, options: GetOptions): Promise<Buffer> {
  return answered(url, options, (bytes) => bytes)
}

async function answered<T>(url: string, options: GetOptions, read: (bytes: Buffer) => T): Promise<T> {
  const { signal, timeout } = options
  try {
    const { status, bytes } = await get(url, options, AbortSignal.any([signal, AbortSignal.timeout(timeout)]))
    const waits = status >= 500 || (status === 403 && options.authorized !== true) || status === 408 || status === 429
    if (status !== 200)
      throw new TickloomError(waits ? 'FEED_UNREACHABLE' : 'FEED_REFUSED', `${bare(url)} answered ${status}`, { url: bare(url), status })
    return read(bytes)
  } catch (cause) {
    signal.throwIfAborted()
    if (cause instanceof TickloomError) throw cause
    throw new TickloomError('FEED_UNREACHABLE', `${bare(url)} cannot be read: ${(cause as Error).message}`, { url: bare(url) }, cause)
  }
}

/** With Node's own client, not `fetch`, which takes 10 MB and more. */
function get(url: string, { largest, headers }: GetOptions, signal: AbortSignal): Promise<{ status: number; bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    const request = (url.startsWith('https:') ? secure : plain)(url, { signal, headers }, (response) => {
      const parts: Buffer[] = []
      let bytes = 0
      response.on('data', (part: Buffer) => {
        bytes += part.length
        if (bytes > largest) request.destroy(new Error(`the answer has more than ${largest} bytes`))
        else parts.push(part)
      })
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, bytes: Buffer.concat(parts) }))
    })
    request.on('error', reject)
  })
}

/** Without the query, which may hold a key. */
function bare(url: string): string {
  return url.replace(/\?.*/s, '')
}
