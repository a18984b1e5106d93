/** A symbol's ticker as a WebSocket frame that is made once and then only has its digits changed. */
export interface TickerFrame {
  readonly frame: Buffer
  readonly fields: readonly Field[]
  /** Where the time stands, in `id` and in `ts`; 13 digits. */
  readonly times: readonly number[]
}

/** Digits of a value that change: their number and where they stand; the point, if there is one, stays where it is. */
interface Field {
  readonly name: string
  readonly at: number
  readonly whole: number
  readonly decimals: number
}

/** Values as they are first, all those of the documentation's example; digits of these change, their number does not. */
function dataOf(symbol: string, price: string, underlying: string): Record<string, string> {
  return {
    symbol,
    bidPrice: price,
    bidSize: '15.1',
    bidIv: '0.4771',
    askPrice: price,
    askSize: '18.2',
    askIv: '0.5140',
    lastPrice: price,
    highPrice24h: price,
    lowPrice24h: price,
    markPrice: `${price}0976724`,
    indexPrice: underlying,
    markPriceIv: '0.4896',
    underlyingPrice: underlying,
    openInterest: '149.85',
    turnover24h: '446802.8473',
    volume24h: '126.55',
    totalVolume: '1086.10',
    totalTurnover: '1437431',
    delta: '-0.447831',
    gamma: '0.00021453',
    vega: '0.81351067',
    theta: '-19.9115368',
    predictedDeliveryPrice: '0',
    change24h: '-0.33333334',
  }
}

const changing = 'bidPrice bidSize bidIv askPrice askSize askIv lastPrice markPrice indexPrice markPriceIv underlyingPrice delta gamma vega theta'
const patched = new Set([...changing.split(' '), 'totalVolume', 'openInterest'])

/** `price` and `underlying` have as many digits before and behind the point as all later values. */
export function frameOf(symbol: string, price: string, underlying: string): TickerFrame {
  const stamp = '0000000000000'
  const data = dataOf(symbol, price, underlying)
  const text = JSON.stringify({
    id: `tickers.${symbol}-2480334983-${stamp}`,
    topic: `tickers.${symbol}`,
    ts: Number(`1${stamp.slice(1)}`),
    data,
    type: 'snapshot',
  })
  const frame = Buffer.alloc(4 + text.length)
  frame.writeUInt8(0x81, 0)
  frame.writeUInt8(126, 1)
  frame.writeUInt16BE(text.length, 2)
  frame.write(text, 4, 'latin1')
  const fields = Object.entries(data).flatMap(([name, value]): Field[] => {
    if (!patched.has(name)) return []
    const sign = value.startsWith('-') ? 1 : 0
    const [whole, decimals = ''] = value.slice(sign).split('.')
    return [{ name, at: 4 + text.indexOf(`"${name}":"`) + name.length + 4 + sign, whole: whole.length, decimals: decimals.length }]
  })
  return { frame, fields, times: [4 + text.indexOf(`-${stamp}"`) + 1, 4 + text.indexOf('"ts":') + 5] }
}

/** Writes the last `digits` digits of a whole number. */
export function digits(frame: Buffer, at: number, count: number, value: number): void {
  let rest = value
  for (let i = at + count - 1; i >= at; i--) {
    const next = Math.floor(rest / 10)
    frame[i] = 48 + (rest - next * 10)
    rest = next
  }
}

/** Writes a value given in units of its last decimal. */
export function put(frame: Buffer, { at, whole, decimals }: Field, units: number): void {
  const scale = 10 ** decimals
  const above = Math.floor(units / scale)
  digits(frame, at, whole, above)
  if (decimals > 0) digits(frame, at + whole + 1, decimals, units - above * scale)
}
