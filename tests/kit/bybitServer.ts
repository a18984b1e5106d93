import type { ServerResponse } from 'node:http'
import { type Client, WsServer } from './wsServer.ts'

export interface Listed {
  readonly symbol: string
  readonly status?: string
  /** Milliseconds; far away by default. */
  readonly deliveryTime?: string
}

/** A message that was sent for a topic that its connection had subscribed. `ts` is its own among all, milliseconds. */
export interface SentTicker {
  readonly client: number
  readonly symbol: string
  readonly ts: number
}

/** A ticker as the public option stream sends it: the fields of the documentation's, values as texts. */
export function tickerOf(symbol: string, ts: number, over: Readonly<Record<string, unknown>> = {}): string {
  const data = {
    symbol,
    bidPrice: '10.5',
    bidSize: '5.1',
    bidIv: '0.4771',
    askPrice: '11',
    askSize: '0.8',
    askIv: '0.514',
    lastPrice: '10.75',
    highPrice24h: '25',
    lowPrice24h: '5',
    markPrice: '10.86976724',
    indexPrice: '16823.73',
    markPriceIv: '0.4896',
    underlyingPrice: '16815.1',
    openInterest: '49.85',
    turnover24h: '446802.8473',
    volume24h: '26.55',
    totalVolume: '86',
    totalTurnover: '1437431',
    delta: '-0.047831',
    gamma: '0.00021453',
    vega: '0.81351067',
    theta: '-19.9115368',
    predictedDeliveryPrice: '0',
    change24h: '-0.33333334',
    ...over,
  }
  return JSON.stringify({ id: `tickers.${symbol}-2480334983-${ts}`, topic: `tickers.${symbol}`, ts, data, type: 'snapshot' })
}

/** Bybit's option stream and its listing, as far as a feed needs them. */
export class BybitServer {
  readonly server: WsServer
  /** By coin. */
  readonly listing = new Map<string, readonly Listed[]>()
  readonly requests: { readonly op: string; readonly args?: string[] }[] = []
  /** Queries of the listing. */
  readonly asked: URLSearchParams[] = []
  readonly sent: SentTicker[] = []
  readonly topics = new Map<Client, Set<string>>()
  /** Symbols that a subscription may not have, and whether the answer names them. */
  readonly refused = new Set<string>()
  namesRefused = true
  /** Status of the listing's answers. */
  status = 200
  /** Answers no subscription. */
  deaf = false
  #ts = 1_700_000_000_000

  constructor() {
    this.server = new WsServer(
      {
        connected: (client) => void this.topics.set(client, new Set()),
        said: (client, text) => this.#said(client, text),
      },
      (request, response) => this.#list(request, response),
    )
  }

  get stream(): string {
    return `ws://${this.server.address}/v5/public/option`
  }
  get rest(): string {
    return `http://${this.server.address}`
  }

  /** Sends the symbol's ticker to whoever subscribed it, and answers to how many; `times` above 1 makes duplicates. */
  tick(symbol: string, times = 1): number {
    const ts = this.#ts++
    let listeners = 0
    for (const [client, topics] of this.topics) {
      if (!client.open || !topics.has(symbol)) continue
      listeners++
      for (let i = 0; i < times; i++) {
        client.send(tickerOf(symbol, ts))
        this.sent.push({ client: client.number, symbol, ts })
      }
    }
    return listeners
  }

  #said(client: Client, text: string): void {
    const request = JSON.parse(text) as { op: string; args?: string[] }
    this.requests.push(request)
    if (request.op === 'ping') client.send(JSON.stringify({ args: [String(this.#ts)], op: 'pong' }))
    else if (!this.deaf) this.#subscribe(client, request.op, request.args ?? [])
  }

  #subscribe(client: Client, op: string, args: readonly string[]): void {
    const topics = this.topics.get(client) as Set<string>
    const symbols = args.map((topic) => topic.replace(/^tickers\./, ''))
    const failTopics = symbols.filter((symbol) => this.refused.has(symbol)).map((symbol) => `tickers.${symbol}`)
    const conn_id = `c${client.number}`
    if (failTopics.length > 0 && !this.namesRefused) {
      client.send(JSON.stringify({ success: false, ret_msg: 'error:handler not found', conn_id, req_id: '', op }))
      return
    }
    for (const symbol of symbols)
      if (op === 'unsubscribe') topics.delete(symbol)
      else if (!this.refused.has(symbol)) topics.add(symbol)
    const successTopics = args.filter((topic) => !failTopics.includes(topic))
    client.send(JSON.stringify({ success: failTopics.length === 0, conn_id, data: { failTopics, successTopics }, type: 'COMMAND_RESP' }))
  }

  #list(request: URL, response: ServerResponse): void {
    const query = request.searchParams
    this.asked.push(query)
    const all = this.listing.get(query.get('baseCoin') ?? '') ?? []
    const from = Number((query.get('cursor') ?? '0').replace('first%3D', ''))
    const to = from + Number(query.get('limit'))
    const list = all.slice(from, to).map((option) => ({ status: 'Trading', deliveryTime: '4102444800000', launchTime: '1', ...option }))
    const result = { category: 'option', nextPageCursor: to < all.length ? `first%3D${to}` : '', list }
    response.writeHead(this.status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ retCode: 0, retMsg: 'success', result, retExtInfo: {}, time: this.#ts }))
  }
}
