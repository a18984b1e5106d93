// The least that keeps the newest quote of every symbol: the floor of `npm run bench:tracker`.
//     node bench/tracker_script.mjs REST STREAM FILE COIN,COIN
import { get } from 'node:http'
import { DatabaseSync } from 'node:sqlite'
import { json } from 'node:stream/consumers'
import { WebSocket } from 'ws'

const [rest, stream, file, coins] = process.argv.slice(2)
const symbols = []
for (const coin of coins.split(','))
  for (let cursor = '', more = true; more; more = cursor !== '') {
    const url = `${rest}/v5/market/instruments-info?category=option&baseCoin=${coin}&limit=1000&cursor=${cursor}`
    // Not fetch, which takes 10 MB.
    const { result } = await json(await new Promise((resolve, reject) => get(url, resolve).on('error', reject)))
    symbols.push(...result.list.map(({ symbol }) => symbol))
    cursor = result.nextPageCursor
  }
const db = new DatabaseSync(file)
const columns = 'symbol updated last bid ask mark iv delta gamma vega theta oi volume'.split(' ')
db.exec(`PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS quotes (${columns.join(', ')}, PRIMARY KEY (symbol)) WITHOUT ROWID`)
const insert = db.prepare(`INSERT OR REPLACE INTO quotes VALUES (${columns.map(() => '?').join(', ')})`)
const changed = new Map()
for (let i = 0; i < symbols.length; i += 500) {
  const socket = new WebSocket(stream)
  const args = symbols.slice(i, i + 500).map((symbol) => `tickers.${symbol}`)
  socket.on('open', () => socket.send(JSON.stringify({ op: 'subscribe', args })))
  socket.on('message', (text) => {
    const { data, ts } = JSON.parse(text)
    if (ts !== undefined) changed.set(data.symbol, { ...data, ts })
  })
}
setInterval(() => {
  db.exec('BEGIN')
  for (const q of changed.values())
    insert.run(
      ...[q.symbol, q.ts * 1000, +q.lastPrice, +q.bidPrice, +q.askPrice, +q.markPrice, +q.markPriceIv],
      ...[+q.delta, +q.gamma, +q.vega, +q.theta, +q.openInterest, +q.totalVolume],
    )
  db.exec('COMMIT')
  changed.clear()
}, 1000)
