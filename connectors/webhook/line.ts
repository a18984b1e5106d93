import { Agent as PlainAgent, request as plain, type RequestOptions } from 'node:http'
import { Agent as SecureAgent, request as secure } from 'node:https'

export interface Answer {
  readonly status: number
  /** What the header Retry-After says, milliseconds. */
  readonly retryAfter: number | undefined
  readonly text: string
}

export interface Asked {
  readonly method: 'GET' | 'POST'
  readonly url: URL
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Of an answer, so much is read. */
const LARGEST = 64 * 1024

/**
 * A connection to one host, kept open between requests; Node's own client, as `fetch` takes 10 MB and more. TLS
 * sessions are resumed when it has to be opened anew.
 */
export class Line {
  readonly #agent: PlainAgent
  readonly #request: typeof plain

  constructor(url: URL) {
    const options = { keepAlive: true, keepAliveMsecs: 15_000, maxSockets: 2, maxFreeSockets: 1 }
    this.#agent = url.protocol === 'https:' ? new SecureAgent(options) : new PlainAgent(options)
    this.#request = url.protocol === 'https:' ? secure : plain
  }

  /**
   * An answer that came whole within `timeout` milliseconds; throws otherwise. What broke because the other side had
   * just closed the kept connection is asked again at once, on a new one.
   */
  async ask(asked: Asked, timeout: number, signal: AbortSignal): Promise<Answer> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeout)])
    try {
      return await this.#once(asked, limit).catch((thrown: unknown) => {
        if (thrown instanceof StaleConnection && !limit.aborted) return this.#once(asked, limit)
        throw thrown
      })
    } catch (thrown) {
      if (signal.aborted) throw signal.reason
      throw limit.aborted ? new Error(`no whole answer within ${timeout / 1000} s`, { cause: thrown }) : thrown
    }
  }

  close(): void {
    this.#agent.destroy()
  }

  #once({ method, url, body, headers }: Asked, signal: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const length: Record<string, string> = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
      const options: RequestOptions = { method, agent: this.#agent, signal, headers: { ...headers, ...length } }
      const request = this.#request(url, options, (response) => {
        const parts: Buffer[] = []
        let bytes = 0
        response.on('data', (part: Buffer) => {
          bytes += part.length
          if (bytes <= LARGEST) parts.push(part)
          else request.destroy(new Error(`the answer has more than ${LARGEST} bytes`))
        })
        response.on('error', (cause) => reject(response.complete ? cause : new Error(`the answer broke off: ${cause.message}`)))
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            retryAfter: retryAfter(response.headers['retry-after']),
            text: Buffer.concat(parts).toString(),
          }),
        )
      })
      request.on('error', (cause) => reject(isStale(request.reusedSocket, cause) ? new StaleConnection() : cause))
      request.end(body)
    })
  }
}

class StaleConnection extends Error {
  override readonly message = 'the kept connection had been closed'
}

function isStale(reused: boolean, cause: NodeJS.ErrnoException): boolean {
  return reused && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE')
}

/** Seconds, or a date; undefined for anything else. */
function retryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  const wait = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now()
  return Number.isNaN(wait) ? undefined : Math.max(0, wait)
}
