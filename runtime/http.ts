import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { messageOf, TickloomError } from '../core/errors.ts'

export interface Answer {
  readonly status: number
  readonly type: string
  readonly text: string
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer that goes on: it is given the response and ends it. */
export interface Streamed {
  stream(response: ServerResponse): void
}

/** What is answered to GET, by path. */
export type Routes = Readonly<Record<string, (request: IncomingMessage) => Answer | Streamed | Promise<Answer>>>

export interface Exposed {
  /** Of the first route. */
  readonly url: string
  close(): Promise<void>
}

/** Answers GET requests until it is closed; it keeps no process alive. Port 0 takes a free one. Throws OPTION_INVALID when the port cannot be had. */
export async function serveHttp(routes: Routes, port: number, host = '127.0.0.1'): Promise<Exposed> {
  const [first] = Object.keys(routes)
  const known = Object.keys(routes)
    .map((path) => `GET ${path}\n`)
    .join('')
  const server = createServer((request, response) => {
    const route = request.method === 'GET' ? routes[request.url?.split('?')[0] ?? ''] : undefined
    if (route === undefined) answer(response, { status: 404, type: 'text/plain', text: known })
    else
      Promise.resolve()
        .then(() => route(request))
        .then((found) => ('stream' in found ? found.stream(response) : answer(response, found)))
        .catch((cause: unknown) => {
          if (response.headersSent) response.destroy()
          else answer(response, { status: 500, type: 'text/plain', text: `${messageOf(cause)}\n` })
        })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new TickloomError('OPTION_INVALID', `cannot serve ${first} on ${host}:${port}: ${cause.message}`, { host, port }, cause)),
    )
    server.listen(port, host, resolve)
  })
  // A scraper that stays away must not keep a finished run alive.
  server.unref()
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}${first}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answer(response: ServerResponse, { status, type, text, headers }: Answer): void {
  response.writeHead(status, { 'content-type': type, ...headers }).end(text)
}
