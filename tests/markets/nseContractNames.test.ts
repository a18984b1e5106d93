import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Contract, contractOf, nameOf } from '../../core/instruments.ts'
import { dialects, formatContract, parseContract } from '../../markets/nse/contractNames.ts'
import { expiriesOf, nseExpiries, nseTerms } from '../../markets/nse/market.ts'

const read = (name: string, options = {}) => nameOf(parseContract(name, options))

describe('names in every dialect', () => {
  test.each([
    ['nifty204238500ce', 'NIFTY:2020-04-23:8500:CE', 'digits that run together: not 2020-04-2 and strike 38500'],
    ['nifty20apr9000pe', 'NIFTY:2020-04-30:9000:PE', 'archive, monthly'],
    ['nifty20o0111000ce', 'NIFTY:2020-10-01:11000:CE', 'o is October'],
    ['banknifty20n0526000pe', 'BANKNIFTY:2020-11-05:26000:PE', 'n is November'],
    ['nifty20d0313000ce', 'NIFTY:2020-12-03:13000:CE', 'd is December'],
    ['NIFTY2410421500CE', 'NIFTY:2024-01-04:21500:CE', 'Kite, weekly'],
    ['NIFTY24O0325000PE', 'NIFTY:2024-10-03:25000:PE', 'Kite, weekly in October'],
    ['NIFTY24JAN21500CE', 'NIFTY:2024-01-25:21500:CE', 'Kite, monthly'],
    ['BANKNIFTY24JANFUT', 'BANKNIFTY:2024-01-25:FUT', 'Kite, future'],
    ['NIFTY2412521500CE', 'NIFTY:2024-01-25:21500:CE', 'a monthly by its day'],
    ['NIFTY23JUN18500CE', 'NIFTY:2023-06-28:18500:CE', 'a month whose expiry a holiday moved'],
    ['NIFTY04JAN2421500CE.NFO', 'NIFTY:2024-01-04:21500:CE', 'GDFL'],
    ['NIFTY25JAN24FUT.NFO', 'NIFTY:2024-01-25:FUT', 'GDFL, future'],
    ['NIFTYNXT5024MAY65000CE', 'NIFTYNXT50:2024-05-31:65000:CE', 'digits in the symbol'],
    ['NIFTY:2024-01-04:21500:CE', 'NIFTY:2024-01-04:21500:CE', 'canonical'],
    ['NIFTY', 'NIFTY', 'the index'],
    ['NIFTY BANK', 'BANKNIFTY', 'the index as Kite calls it'],
    ['NIFTY25JAN2421500CE', 'NIFTY:2024-01-25:21500:CE', 'GDFL without its end; no strike is 2421500'],
    ['BANKNIFTY26APR125000CE', 'BANKNIFTY:2026-04-28:125000:CE', 'the calendar begins in 2019: not 5000 of 2012-04-26'],
    ['NIFTY2590424500CE', 'NIFTY:2025-09-04:24500:CE', 'named before its expiry was revised'],
    ['BANKNIFTY2390744000CE', 'BANKNIFTY:2023-09-07:44000:CE', 'named before its expiry was revised'],
  ])('%s is %s: %s', (name, expected) => expect(read(name)).toBe(expected))

  test.each([
    ['NIFTY:2024-01-04:21500:CE', ['nifty2410421500ce', 'NIFTY2410421500CE', 'NIFTY04JAN2421500CE.NFO']],
    ['NIFTY:2024-01-25:21500:CE', ['nifty24jan21500ce', 'NIFTY24JAN21500CE', 'NIFTY25JAN2421500CE.NFO']],
  ])('%s is written %j', (name, expected) => {
    expect(dialects.slice(1).map((dialect) => formatContract(contractOf(name), dialect))).toEqual(expected)
  })
})

describe('what is no contract is refused', () => {
  test.each([
    ['NIFTY2410521500CE', 'a Friday'],
    ['BANKNIFTY2392744000CE', 'a weekly in the week of a monthly'],
    ['BANKNIFTY24N2050000CE', 'a weekly after the last'],
    ['NIFTY24JAN100CE', 'no strike of NIFTY'],
    ['NIFTY24JAN021500CE', 'a strike does not begin with 0'],
    ['SENSEX24JAN71000CE', 'no symbol of the NSE'],
    ['NIFTY-I.NFO', 'a continuous series has no expiry'],
    ['NIFTY2410421500', 'neither call nor put'],
    ['NIFTY24104FUT', 'no weekly futures'],
    ['NIFTY18JAN10000CE.XYZ', 'another end'],
    ['', 'nothing'],
  ])('%s: %s', (name) => expect(() => parseContract(name)).toThrow(expect.objectContaining({ code: 'INSTRUMENT_INVALID', at: { name } })))

  test('nor one that had expired on the trade date, or was not yet listed', () => {
    expect(read('NIFTY2410421500CE', { date: '2024-01-04' })).toBe('NIFTY:2024-01-04:21500:CE')
    for (const date of ['2024-01-05', '2023-06-01'])
      expect(() => parseContract('NIFTY2410421500CE', { date })).toThrow(`no contract that the calendar has and that traded on ${date}`)
  })

  test('nor one that nobody could know of', () => {
    expect(read('NIFTY2590224500CE', { knownAt: '2025-06-17' })).toBe('NIFTY:2025-09-02:24500:CE')
    expect(() => parseContract('NIFTY2590224500CE', { knownAt: '2025-06-16' })).toThrow('as it was known on 2025-06-16')
    expect(read('NIFTY23JUN18500CE', { knownAt: '2023-06-26' })).toBe('NIFTY:2023-06-29:18500:CE')
  })
})

describe('an ambiguous name is refused with its candidates', () => {
  const name = 'RELIANCE25JAN241300CE'
  test('GDFL of 2024-01-25 and 1300, or Kite of January 2025 and 241300', () => {
    expect(() => parseContract(name, { stocks: true })).toThrow(
      expect.objectContaining({
        code: 'CONTRACT_AMBIGUOUS',
        at: { name, candidates: ['RELIANCE:2025-01-30:241300:CE', 'RELIANCE:2024-01-25:1300:CE'] },
      }),
    )
  })
  test('the trade date, the dialect, or the end that GDFL writes resolves it', () => {
    const expected = 'RELIANCE:2024-01-25:1300:CE'
    expect(read(name, { stocks: true, date: '2024-01-10' })).toBe(expected)
    expect(read(name, { stocks: true, dialect: 'gdfl' })).toBe(expected)
    expect(read(`${name}.NFO`, { stocks: true })).toBe(expected)
    expect(read(name, { stocks: true, dialect: 'kite' })).toBe('RELIANCE:2025-01-30:241300:CE')
  })
  test('stocks are believed only when asked for', () =>
    expect(() => parseContract(name)).toThrow(expect.objectContaining({ code: 'INSTRUMENT_INVALID' })))
  test.each(['M&M24JAN1600PE', 'BAJAJ-AUTO24JAN7000.5PE', '360ONE24JANFUT'])('%s is a stock', (stock) => {
    expect(formatContract(parseContract(stock, { stocks: true }), 'kite')).toBe(stock)
  })
})

describe('what a dialect cannot say', () => {
  test.each([
    ['NIFTY:2024-01-25:FUT', 'archive', 'it has no such futures'],
    ['NIFTY:2024-01-04:FUT', 'kite', 'it has no such futures'],
    ['NIFTY:2024-01-05:21500:CE', 'kite', 'nothing of it expires on that day'],
    ['NIFTY', 'gdfl', 'it has no name for it'],
  ] as const)('%s as %s: %s', (contract, dialect, reason) => {
    expect(() => formatContract(contractOf(contract), dialect)).toThrow(expect.objectContaining({ code: 'INSTRUMENT_INVALID' }))
    expect(() => formatContract(contractOf(contract), dialect)).toThrow(reason)
  })
})

describe('parse(format(c)) = c', () => {
  const series = nseExpiries().symbols.flatMap((symbol) => expiriesOf(symbol, '2019-01-01', '2026-12-31').map((expiry) => ({ symbol, ...expiry })))

  /** The name in each dialect that has one, read again without a word about dialect or date. */
  function roundTrip(contract: Contract): void {
    for (const dialect of dialects) {
      if (contract.kind === 'future' && dialect === 'archive') continue
      const name = formatContract(contract, dialect)
      for (const options of [{}, { dialect }]) {
        const back = parseContract(name, options)
        if (nameOf(back) !== nameOf(contract)) throw new Error(`${name} was read as ${nameOf(back)}, not ${nameOf(contract)}`)
      }
    }
  }

  test('for every expiry 2019-2026, at the lowest, the highest and some strikes between', () => {
    expect(series.length).toBeGreaterThan(1000)
    for (const { symbol, expiry, kind } of series) {
      const { strikes, strikeStep } = nseTerms().symbols.get(symbol)!
      for (const strike of [strikes[0], 9950, 10_000, 24_000, 24_000 + strikeStep, 125_000, strikes[1]]) {
        if (strike < strikes[0] || strike > strikes[1]) continue
        for (const type of ['CE', 'PE'] as const) roundTrip({ kind: 'option', underlying: symbol, expiry, strike, type })
      }
      if (kind === 'monthly') roundTrip({ kind: 'future', underlying: symbol, expiry })
    }
  })

  test('for any strike of any of them', () => {
    const contract = fc.constantFrom(...series).chain(({ symbol, expiry }) => {
      const { strikes, strikeStep } = nseTerms().symbols.get(symbol)!
      return fc.record({
        kind: fc.constant('option' as const),
        underlying: fc.constant(symbol),
        expiry: fc.constant(expiry),
        strike: fc.integer({ min: Math.ceil(strikes[0] / strikeStep), max: Math.floor(strikes[1] / strikeStep) }).map((steps) => steps * strikeStep),
        type: fc.constantFrom('CE' as const, 'PE' as const),
      })
    })
    fc.assert(fc.property(contract, roundTrip), { numRuns: 2000 })
  })

  test('and any text is a contract or refused with a code', () => {
    const pieces = fc.constantFrom(
      'NIFTY',
      'BANKNIFTY',
      '24',
      '25',
      '104',
      'JAN',
      'o',
      '01',
      '21500',
      'CE',
      'pe',
      'FUT',
      '.NFO',
      ':',
      '-',
      ' ',
      '2024-01-04',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 7 }), (parts) => {
        try {
          const contract = parseContract(parts.join(''), { stocks: true })
          expect(contractOf(nameOf(contract))).toEqual(contract)
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^(INSTRUMENT_INVALID|CONTRACT_AMBIGUOUS)$/) })
        }
      }),
      { numRuns: 3000 },
    )
  })
})
