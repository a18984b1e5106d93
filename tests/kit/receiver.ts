import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export interface Request {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** performance.now() */
  readonly at: number
  /** The number of the connection it came on, from 1. */
  readonly connection: number
}

/** What is done with a request; a number is answered as a status. */
export type Reply = number | ((response: ServerResponse, socket: Socket) => void)

/** A local HTTP server that answers as told, request by request, and then as `last`; it keeps what it got. */
export class Receiver {
  readonly requests: Request[] = []
  readonly #server
  readonly #sockets = new Map<Socket, number>()
  #connections = 0

  constructor(replies: Reply[], last: Reply = 200, alike: (path: string) => Reply | undefined = () => undefined) {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        const { method = '', url: path = '', headers, socket } = request
        const connection = this.#sockets.get(socket) as number
        this.requests.push({ method, path, headers, body: Buffer.concat(parts).toString(), at: performance.now(), connection })
        const reply = alike(path) ?? replies.shift() ?? last
        if (typeof reply === 'number') response.writeHead(reply).end(`{"ok":${reply === 200}}`)
        else reply(response, socket)
      })
    })
    this.#server.on('connection', (socket) => this.#sockets.set(socket, ++this.#connections))
  }

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Resolves when so many requests have come; throws after twenty seconds. */
  async got(requests: number): Promise<Request[]> {
    const end = performance.now() + 20_000
    while (this.requests.length < requests) {
      if (performance.now() > end) throw new Error(`${this.requests.length} of ${requests} requests came`)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    return this.requests
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.keys()) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
