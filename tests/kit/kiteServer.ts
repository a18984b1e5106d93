import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { type Client, WsServer } from './wsServer.ts'

/** Fields of a packet in the mode `full`, as Kite documents it: prices in hundredths, times in seconds, all of them integers. */
export interface FullPacket {
  readonly token: number
  readonly price: number
  readonly time: number
  readonly volume?: number
  readonly oi?: number
  readonly lastTrade?: number
  /** Quantity and price of the first levels. */
  readonly bid?: readonly [quantity: number, price: number]
  readonly ask?: readonly [quantity: number, price: number]
}

/** Every field has a value of its own, so that one read from a wrong place shows. */
export function fullPacket({
  token,
  price,
  time,
  volume = 1001,
  oi = 1002,
  lastTrade = Math.max(0, time - 1),
  bid = [11, 1003],
  ask = [12, 1004],
}: FullPacket) {
  const packet = Buffer.alloc(184)
  const [lastQuantity, average, buying, selling, open, high, low, close] = [2001, 2002, 2003, 2004, 2005, 2006, 2007, 2008]
  const [highest, lowest] = [2009, 2010]
  const head = [token, price, lastQuantity, average, volume, buying, selling, open, high, low, close, lastTrade, oi, highest, lowest, time]
  for (const [i, value] of head.entries()) packet.writeUInt32BE(value, i * 4)
  for (let level = 0; level < 10; level++) {
    const [quantity, levelPrice] = level === 0 ? bid : level === 5 ? ask : [3000 + level, 4000 + level]
    packet.writeUInt32BE(quantity, 64 + level * 12)
    packet.writeUInt32BE(levelPrice, 68 + level * 12)
    packet.writeUInt16BE(7, 72 + level * 12)
  }
  return packet
}

/** An index in the mode `full`. */
export function indexPacket({ token, price, time }: Pick<FullPacket, 'token' | 'price' | 'time'>): Buffer {
  const packet = Buffer.alloc(32)
  for (const [i, value] of [token, price, 2006, 2007, 2005, 2008, 2011, time].entries()) packet.writeUInt32BE(value, i * 4)
  return packet
}

export function frameOf(packets: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [Buffer.alloc(2)]
  parts[0].writeUInt16BE(packets.length)
  for (const packet of packets) {
    const length = Buffer.alloc(2)
    length.writeUInt16BE(packet.length)
    parts.push(length, packet)
  }
  return Buffer.concat(parts)
}

export const DUMP_HEADING =
  'instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange'

/** A packet that was sent for a token that its connection had subscribed. `ts` is its own among all, microseconds. */
export interface SentPacket {
  readonly client: number
  readonly token: number
  readonly ts: number
}

/** Kite's stream and its dump of instruments, as far as a feed needs them. */
export class KiteServer {
  readonly server: WsServer
  /** Lines of the dump below its heading. */
  readonly dump: string[] = []
  /** Requests for the dump. */
  readonly asked: IncomingHttpHeaders[] = []
  readonly sent: SentPacket[] = []
  readonly requests: { readonly a: string; readonly v: readonly unknown[] }[] = []
  /** By connection, the tokens and their mode. */
  readonly modes = new Map<Client, Map<number, string>>()
  /** Status of the dump's answers. */
  status = 200
  /** Sends no beats. */
  deaf = false
  #second = 1_700_000_000
  readonly #beats: NodeJS.Timeout

  /** Beats come so many milliseconds after each other. */
  constructor(beat = 20) {
    this.server = new WsServer(
      {
        connected: (client) => void this.modes.set(client, new Map()),
        said: (client, text) => this.#said(client, text),
      },
      (request, response, headers) => this.#answer(request, response, headers),
    )
    this.#beats = setInterval(() => {
      if (!this.deaf) for (const client of this.modes.keys()) client.send(Buffer.of(0))
    }, beat)
  }

  get stream(): string {
    return `ws://${this.server.address}`
  }
  get rest(): string {
    return `http://${this.server.address}`
  }

  /** Sends the tokens' packets in one frame to each connection that wants some of them; answers to how many of them nobody listened. */
  tick(tokens: readonly number[], times = 1): number[] {
    const ts = new Map(tokens.map((token) => [token, this.#second++]))
    const heard = new Set<number>()
    for (const [client, modes] of this.modes) {
      const wanted = client.open ? tokens.filter((token) => modes.get(token) === 'full') : []
      if (wanted.length === 0) continue
      for (let i = 0; i < times; i++) {
        client.send(frameOf(wanted.map((token) => fullPacket({ token, price: 100_00, time: ts.get(token) as number }))))
        for (const token of wanted) this.sent.push({ client: client.number, token, ts: (ts.get(token) as number) * 1_000_000 })
      }
      for (const token of wanted) heard.add(token)
    }
    return tokens.filter((token) => !heard.has(token))
  }

  async close(): Promise<void> {
    clearInterval(this.#beats)
    await this.server.close()
  }

  #said(client: Client, text: string): void {
    const request = JSON.parse(text) as { a: string; v: unknown[] }
    this.requests.push(request)
    const modes = this.modes.get(client) as Map<number, string>
    if (request.a === 'subscribe') for (const token of request.v as number[]) modes.set(token, 'quote')
    else if (request.a === 'mode') for (const token of request.v[1] as number[]) modes.set(token, request.v[0] as string)
  }

  #answer(request: URL, response: ServerResponse, headers: IncomingHttpHeaders): void {
    this.asked.push(headers)
    response.writeHead(request.pathname === '/instruments' ? this.status : 404, { 'content-type': 'text/csv' })
    response.end(gzipSync([DUMP_HEADING, ...this.dump, ''].join('\n')))
  }
}
