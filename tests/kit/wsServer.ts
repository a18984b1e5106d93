import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

/** What a protocol of tests/kit does with the connections of its clients. */
export interface Speaker {
  connected(client: Client): void
  said(client: Client, text: string): void
}

/** Ways in which a connection ends, or stops being one. */
export type Break = 'close' | 'half-close' | 'reset' | 'torn' | 'garbage' | 'mute'
export const breaks: readonly Break[] = ['close', 'half-close', 'reset', 'torn', 'garbage', 'mute']

/** One client's connection, with the ways in which a network ends it. */
export class Client {
  readonly number: number
  readonly query: URLSearchParams
  readonly #ws: WebSocket
  readonly #socket: Socket
  /** Of pings under way, the oldest first. */
  readonly #answers: (() => void)[] = []
  /** It was broken: nothing more is said on it. */
  broken: Break | undefined

  constructor(ws: WebSocket, number: number, request: IncomingMessage) {
    this.#ws = ws
    this.#socket = request.socket
    this.number = number
    ws.on('pong', () => this.#answers.shift()?.())
    this.query = new URL(request.url ?? '/', 'ws://localhost').searchParams
  }

  get open(): boolean {
    return this.broken === undefined && this.#ws.readyState === this.#ws.OPEN
  }

  send(message: string | Buffer): void {
    if (this.open) this.#ws.send(message)
  }

  /** Asks for a sign of life, which comes when all that was sent before has been read. */
  ping(answered: () => void): void {
    if (!this.open) return
    this.#answers.push(answered)
    this.#ws.ping()
  }

  /** Reads nothing for a while: pings and requests wait. */
  readSlowly(milliseconds: number): void {
    this.#socket.pause()
    setTimeout(() => {
      if (this.broken !== 'mute') this.#socket.resume()
    }, milliseconds)
  }

  break(how: Break): void {
    if (!this.open) return
    this.broken = how
    if (how === 'close') this.#ws.close(1001)
    else if (how === 'half-close') this.#socket.end()
    else if (how === 'reset') this.#socket.resetAndDestroy()
    else if (how === 'torn') {
      // A text frame that says 100 bytes and brings ten.
      this.#socket.end(Buffer.concat([Buffer.from([0x81, 100]), Buffer.alloc(10, '{')]))
    } else if (how === 'garbage') this.#socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]))
    else this.#socket.pause()
  }

  destroy(): void {
    this.#ws.terminate()
    this.#socket.destroy()
  }
}

type Rest = (request: URL, response: ServerResponse, headers: IncomingHttpHeaders) => void

/** A WebSocket server on a port of its own of this machine, beside an HTTP one of the same port. */
export class WsServer {
  readonly clients: Client[] = []
  readonly #http: Server
  readonly #ws: WebSocketServer
  /** HTTP status that handshakes are answered with in place of a connection. */
  refuse: number | undefined

  constructor(speaker: Speaker, rest: Rest = (_, response) => response.writeHead(404).end()) {
    this.#http = createServer((request, response) => rest(new URL(request.url ?? '/', 'http://localhost'), response, request.headers))
    this.#ws = new WebSocketServer({ noServer: true, autoPong: false })
    this.#http.on('upgrade', (request, socket, head) => {
      if (this.refuse !== undefined) {
        socket.end(`HTTP/1.1 ${this.refuse} No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`)
        return
      }
      this.#ws.handleUpgrade(request, socket, head, (ws) => {
        const client = new Client(ws, this.clients.length, request)
        this.clients.push(client)
        // A broken connection is what is wanted here.
        ws.on('error', () => {})
        ws.on('ping', (data) => {
          if (client.broken === undefined) ws.pong(data)
        })
        ws.on('message', (data) => {
          if (client.broken === undefined) speaker.said(client, String(data))
        })
        speaker.connected(client)
      })
    })
  }

  get address(): string {
    return `127.0.0.1:${(this.#http.address() as AddressInfo).port}`
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#http.listen(0, '127.0.0.1', resolve))
    return this
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.destroy()
    this.#http.closeAllConnections()
    await new Promise((resolve) => this.#http.close(resolve))
  }
}
