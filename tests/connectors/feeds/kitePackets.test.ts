import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KiteTick, PacketReader } from '../../../connectors/feeds/kite/packets.ts'
import { RowBuffer } from '../../../core/rowBuffer.ts'
import { attach, formatTime, IST } from '../../../core/time.ts'
import { frameOf, fullPacket, indexPacket } from '../../kit/kiteServer.ts'

/** Tokens end with their segment: 1 is NSE, 2 NFO, 3 CDS, 6 BCD, 9 indices. */
const [INFY, NIFTY_CE, USDINR, BSE_USDINR, NIFTY] = [408065, 0x10002, 0x10003, 0x10006, 256265]
/** 2024-01-04 09:15:00 in Kolkata, which is 03:45 UTC. */
const OPEN = 1_704_339_900

function read(frame: Buffer, received = OPEN * 1e6) {
  const rows = new RowBuffer(KiteTick)
  const reader = new PacketReader(new Map([INFY, NIFTY_CE, USDINR, BSE_USDINR, NIFTY].map((token, id) => [token, id])))
  const added = reader.append(frame, received, rows)
  expect(rows.n).toBe(added)
  const found = Array.from({ length: added }, (_, i) => Object.fromEntries(Object.keys(KiteTick).map((name) => [name, rows.col[name as 'ts'][i]])))
  return { rows: found, counts: reader.counts, col: rows.col }
}
const none = { malformed: 0, stranger: 0, partial: 0, untimed: 0, ahead: 0 }

describe("kite's packets", () => {
  it('give every field from its place, the full packet of a share and that of an index', () => {
    const share = fullPacket({
      token: INFY,
      price: 157370,
      time: OPEN,
      volume: 1192471,
      oi: 5,
      lastTrade: OPEN - 2,
      bid: [5, 157340],
      ask: [172, 157380],
    })
    const { rows, counts } = read(frameOf([share, indexPacket({ token: NIFTY, price: 2165860, time: OPEN })]), 77)
    expect(rows).toEqual([
      {
        ...{ ts: OPEN * 1e6, instrument: 0, price: 1573.7, volume: 1192471, oi: 5, bid: 1573.4, ask: 1573.8 },
        ...{ bidSize: 5, askSize: 172, received: 77, lastTrade: (OPEN - 2) * 1e6 },
      },
      {
        ...{ ts: OPEN * 1e6, instrument: 4, price: 21658.6, volume: NaN, oi: NaN, bid: NaN, ask: NaN },
        ...{ bidSize: NaN, askSize: NaN, received: 77, lastTrade: NaN },
      },
    ])
    expect(counts).toEqual({ ...none, ahead: 2 })
  })

  it('take the time as seconds of the epoch: a tick of the opening bell is of 09:15 in Kolkata, nothing added', () => {
    const [{ ts }] = read(frameOf([fullPacket({ token: INFY, price: 1, time: OPEN })])).rows
    expect(ts).toBe(1704339900000000)
    expect(ts).toBe(attach('2024-01-04 09:15:00', IST))
    expect(formatTime(ts, IST)).toBe('2024-01-04 09:15:00')
  })

  it('count a time that has a zone added to it, which lies five hours and a half ahead of the clock', () => {
    const shifted = fullPacket({ token: INFY, price: 1, time: OPEN + 19_800 })
    expect(read(frameOf([shifted])).counts).toEqual({ ...none, ahead: 1 })
    expect(read(frameOf([fullPacket({ token: INFY, price: 1, time: OPEN + 3 })])).counts).toEqual(none)
  })

  it.each([2 ** 31 - 1, 2 ** 31, 3_000_000_000, 2 ** 32 - 1])('keep a volume of %d, and as much open interest and depth', (n) => {
    const [row] = read(frameOf([fullPacket({ token: INFY, price: 1, time: OPEN, volume: n, oi: n, bid: [n, 1], ask: [n, 1] })])).rows
    expect(row).toMatchObject({ volume: n, oi: n, bidSize: n, askSize: n })
  })

  it('divide prices by what their segment has: hundredths, and in currencies parts of 10,000,000 and 10,000', () => {
    const packets = [NIFTY_CE, USDINR, BSE_USDINR].map((token) => fullPacket({ token, price: 832_525_000, time: OPEN, bid: [1, 832_500_000] }))
    expect(read(frameOf(packets)).rows.map(({ price, bid }) => [price, bid])).toEqual([
      [8_325_250, 8_325_000],
      [83.2525, 83.25],
      [83_252.5, 83_250],
    ])
  })

  it('have NaN where there is no price, no book and no trade yet', () => {
    const untraded = fullPacket({ token: INFY, price: 0, time: OPEN, lastTrade: 0, bid: [0, 0], ask: [4, 105] })
    expect(read(frameOf([untraded])).rows).toMatchObject([{ price: NaN, lastTrade: NaN, bid: NaN, bidSize: NaN, ask: 1.05, askSize: 4 }])
  })

  it('leave out and count those of other modes, of other instruments, and without a time', () => {
    const other = [8, 28, 44].map((bytes) => Buffer.alloc(bytes))
    const stranger = fullPacket({ token: 999, price: 1, time: OPEN })
    const { rows, counts } = read(
      frameOf([...other, stranger, fullPacket({ token: INFY, price: 1, time: 0 }), fullPacket({ token: INFY, price: 1, time: OPEN })]),
    )
    expect(rows.length).toBe(1)
    expect(counts).toEqual({ ...none, partial: 3, stranger: 1, untimed: 1 })
  })

  it.each([
    ['is empty', Buffer.alloc(0)],
    ['says more packets than it has', Buffer.concat([Buffer.of(0, 2), frameOf([fullPacket({ token: INFY, price: 1, time: OPEN })]).subarray(2)])],
    ['has bytes behind the last packet', Buffer.concat([frameOf([fullPacket({ token: INFY, price: 1, time: OPEN })]), Buffer.of(9)])],
    ['is cut off', frameOf([fullPacket({ token: INFY, price: 1, time: OPEN }), fullPacket({ token: INFY, price: 2, time: OPEN })]).subarray(0, 300)],
    ['has a packet of a length that there is not', frameOf([Buffer.alloc(40), fullPacket({ token: INFY, price: 1, time: OPEN })])],
  ])('of a frame that %s are kept as far as they came whole, and the fault is counted once', (_, frame) => {
    const { rows, counts } = read(frame)
    expect(rows.length).toBe(frame.length === 0 ? 0 : 1)
    expect(counts).toEqual({ ...none, malformed: 1 })
  })

  it('of bytes that are anything at all never make a row of an instrument that was not asked for, nor fail', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        const { rows } = read(Buffer.from(bytes))
        for (const { instrument } of rows) expect([0, 1, 2, 3, 4]).toContain(instrument)
      }),
    )
  })

  it('come back as they were written, whatever the numbers', () => {
    const u32 = fc.integer({ min: 1, max: 2 ** 32 - 1 })
    const paise = fc.integer({ min: 1, max: 2 ** 31 - 1 })
    fc.assert(
      fc.property(fc.record({ price: paise, time: u32, volume: u32, oi: u32, lastTrade: u32, bidPrice: paise, bidSize: u32 }), (p) => {
        const packet = fullPacket({ ...p, token: NIFTY_CE, bid: [p.bidSize, p.bidPrice] })
        const [row] = read(frameOf([packet])).rows
        expect(row).toMatchObject({ price: p.price / 100, ts: p.time * 1e6, volume: p.volume, oi: p.oi, lastTrade: p.lastTrade * 1e6 })
        expect(row).toMatchObject({ bid: p.bidPrice / 100, bidSize: p.bidSize })
      }),
    )
  })
})
