import { get as plain } from 'node:http'
import { get as secure } from 'node:https'
import { TickloomError } from '../../core/errors.ts'

export interface GetOptions {
  readonly signal: AbortSignal
  /** For the whole answer, milliseconds of the machine's clock. */
  readonly timeout: number
  /** Of the answer, bytes. */
  readonly largest: number
}

/**
 * Asks for JSON. Node's own client, not `fetch`, which takes 10 MB and more. Throws FEED_UNREACHABLE, FEED_REFUSED for a
 * status of 400 to 499 that waiting will not mend, and the signal's reason.
 */
export async function getJson(url: string, { signal, timeout, largest }: GetOptions): Promise<unknown> {
  try {
    const { status, text } = await get(url, AbortSignal.any([signal, AbortSignal.timeout(timeout)]), largest)
    const waits = status >= 500 || status === 403 || status === 408 || status === 429
    if (status !== 200)
      throw new TickloomError(waits ? 'FEED_UNREACHABLE' : 'FEED_REFUSED', `${bare(url)} answered ${status}`, { url: bare(url), status })
    return JSON.parse(text)
  } catch (cause) {
    signal.throwIfAborted()
    if (cause instanceof TickloomError) throw cause
    throw new TickloomError('FEED_UNREACHABLE', `${bare(url)} cannot be read: ${(cause as Error).message}`, { url: bare(url) }, cause)
  }
}

function get(url: string, signal: AbortSignal, largest: number): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = (url.startsWith('https:') ? secure : plain)(url, { signal, headers: { accept: 'application/json' } }, (response) => {
      const parts: Buffer[] = []
      let bytes = 0
      response.on('data', (part: Buffer) => {
        bytes += part.length
        if (bytes > largest) request.destroy(new Error(`the answer has more than ${largest} bytes`))
        else parts.push(part)
      })
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() }))
    })
    request.on('error', reject)
  })
}

/** Without the query, which may hold a key. */
function bare(url: string): string {
  return url.replace(/\?.*/s, '')
}
