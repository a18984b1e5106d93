import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { WebSocketServer } from 'ws'
import { optionsOf, TickerWalk } from './trackerMarket.ts'

/*
 * A process that is Bybit's option stream and listing to a tracker, on loopback, at a rate that is asked for:
 *
 *     node tests/kit/trackerSimulator.ts --symbols 2000 --updates 5000 --seconds 300
 *
 * What is due goes out every 100 ms, as Bybit documents its pushes. Every symbol has its turn, in an order that mixes them: of all streams of that rate the hardest to conflate. Says
 * lines of JSON: `listening` with the addresses; `subscribed` when all symbols are; after a line `mark` on its input,
 * and at the end, `newest`: the time of the newest message that was sent of every symbol. It ends after --seconds from
 * the first subscription, with its input, or on SIGTERM.
 */

const { values: flags } = parseArgs({
  options: {
    symbols: { type: 'string', default: '2000' },
    updates: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '0' },
    coins: { type: 'string', default: 'BTC,ETH' },
    port: { type: 'string', default: '0' },
    slice: { type: 'string', default: '100' },
  },
})
const [symbols, updates, seconds] = [Number(flags.symbols), Number(flags.updates), Number(flags.seconds)]

/** Bybit pushes options' tickers every 100 ms, and stamps to that. What is due is sent together, every --slice milliseconds. */
const STAMP = 100
/** Bytes that may wait for a reader; what it does not read beyond is left out and counted, as an exchange cuts it off. */
const BACKLOG = 16_000_000

const options = optionsOf(flags.coins.split(','), symbols, Date.now())
const indexOf = new Map(options.map(({ symbol }, i) => [symbol, i]))
const walk = new TickerWalk(options)
const newest = new Float64Array(symbols)
const readers: (Socket | undefined)[] = options.map(() => undefined)
const counts = { sent: 0, skipped: 0, unheard: 0, connections: 0, pings: 0, bytes: 0 }
let began: number | undefined
let walked = 0
let subscribed = 0
let told = false

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

/** A stride without a common divisor walks through all symbols, far from where it was. */
function strideOf(n: number): number {
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))
  let stride = Math.max(1, Math.floor(n * 0.618))
  while (gcd(stride, n) !== 1) stride++
  return stride
}
const stride = strideOf(symbols)

function slice(): void {
  if (began === undefined) return
  const now = Date.now()
  const ts = now - (now % STAMP)
  const due = Math.floor(((performance.now() - began) / 1000) * updates)
  const parts = new Map<Socket, Buffer[]>()
  for (; walked < due; walked++) {
    const option = (walked * stride) % symbols
    const reader = readers[option]
    if (reader === undefined) counts.unheard++
    else if (reader.writableLength > BACKLOG) counts.skipped++
    else {
      let own = parts.get(reader)
      if (own === undefined) parts.set(reader, (own = []))
      own.push(Buffer.from(walk.next(option, ts)))
      newest[option] = ts
      counts.sent++
    }
  }
  for (const [reader, frames] of parts) {
    const bytes = Buffer.concat(frames)
    counts.bytes += bytes.length
    reader.write(bytes)
  }
}

function tellNewest(event: string): void {
  const elapsed = began === undefined ? 0 : (performance.now() - began) / 1000
  const times = Object.fromEntries(options.flatMap(({ symbol }, i) => (newest[i] > 0 ? [[symbol, newest[i]]] : [])))
  say({ event, at: Date.now(), seconds: elapsed, ...counts, newest: times })
}

function listing(request: URL, response: ServerResponse): void {
  const query = request.searchParams
  const all = options.filter(({ coin }) => coin === query.get('baseCoin'))
  const from = Number(query.get('cursor') ?? '0')
  const to = from + Number(query.get('limit') ?? '500')
  const list = all.slice(from, to).map(({ symbol, coin, delivery, type }) => ({
    symbol,
    status: 'Trading',
    baseCoin: coin,
    quoteCoin: 'USDT',
    settleCoin: 'USDT',
    optionsType: type === 'CE' ? 'Call' : 'Put',
    launchTime: String(delivery - 30 * 86_400_000),
    deliveryTime: String(delivery),
    deliveryFeeRate: '0.00015',
    priceFilter: { minPrice: '5', maxPrice: '1110000', tickSize: '5' },
    lotSizeFilter: { maxOrderQty: '1000', minOrderQty: '0.01', qtyStep: '0.01' },
    displayName: symbol,
  }))
  const result = { category: 'option', nextPageCursor: to < all.length ? String(to) : '', list }
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ retCode: 0, retMsg: 'success', result, retExtInfo: {}, time: Date.now() }))
}

const http = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost')
  if (url.pathname === '/v5/market/instruments-info') listing(url, response)
  else response.writeHead(404).end()
})
const sockets = new WebSocketServer({ noServer: true })

http.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
  sockets.handleUpgrade(request, socket, head, (ws) => {
    counts.connections++
    ws.on('error', () => socket.destroy())
    ws.on('close', () => leave(socket))
    ws.on('message', (data) => {
      const { op, args = [] } = JSON.parse(String(data)) as { op: string; args?: string[] }
      if (op === 'ping') {
        counts.pings++
        ws.send(JSON.stringify({ args: [String(Date.now())], op: 'pong' }))
        return
      }
      for (const topic of args) listen(topic.slice('tickers.'.length), op === 'unsubscribe' ? undefined : socket)
      ws.send(JSON.stringify({ success: true, conn_id: 'simulated', data: { failTopics: [], successTopics: args }, type: 'COMMAND_RESP' }))
      began ??= performance.now()
      if (subscribed < symbols || told) return
      told = true
      say({ event: 'subscribed', at: Date.now(), connections: counts.connections })
    })
  })
})

function listen(symbol: string, reader: Socket | undefined): void {
  const option = indexOf.get(symbol)
  if (option === undefined) return
  if ((readers[option] === undefined) !== (reader === undefined)) subscribed += reader === undefined ? -1 : 1
  readers[option] = reader
}

function leave(socket: Socket): void {
  for (const [option, reader] of readers.entries()) if (reader === socket) listen(options[option].symbol, undefined)
}

function end(): void {
  clearInterval(timer)
  tellNewest('end')
  process.stdout.write('', () => process.exit(0))
}

const timer = setInterval(() => {
  slice()
  if (seconds > 0 && began !== undefined && performance.now() - began >= seconds * 1000) end()
}, Number(flags.slice))
process.once('SIGTERM', end)
createInterface({ input: process.stdin })
  .on('line', (line) => line === 'mark' && tellNewest('mark'))
  .once('close', end)
http.listen(Number(flags.port), '127.0.0.1', () => {
  const address = `127.0.0.1:${(http.address() as AddressInfo).port}`
  say({ event: 'listening', rest: `http://${address}`, stream: `ws://${address}/v5/public/option` })
})
