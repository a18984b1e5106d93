import { expect, test } from 'vitest'
import { black76, black76Greeks, CALL, OptionGreeks } from '../../core/optionPricing.ts'
import { OptionQuote } from '../../core/optionQuote.ts'
import { Flow } from '../../runtime/flow.ts'
import optionsTracker from '../../topologies/options-tracker/graph.ts'
import { defaults } from '../../topologies/options-tracker/wiring.ts'
import { type Row, toBatch, toRows } from '../kit/table.ts'

const HOURS = 3_600_000_000
const noon = Date.UTC(2026, 2, 20, 12) * 1000
const call = 'BTC-USDT:2026-03-27:70000:CE'
const nothing = Object.fromEntries(Object.keys(OptionQuote).map((name) => [name, Number.NaN]))
const quote = (over: Row): Row => ({ ...nothing, instrument: call, ...over })

function track(rows: readonly Row[], params = optionsTracker.params.parse({})): Row[] {
  const flow = new Flow()
  const { inputs, outputs } = flow.wire(optionsTracker, params)
  const seen: Row[] = []
  outputs.quotes.subscribe((batch) => void seen.push(...toRows(batch, OptionQuote, flow.instruments)))
  inputs.ticks.next(toBatch(OptionQuote, rows, flow.instruments))
  return seen
}

test('what the tracker takes for defaults without zod are those that the topology describes', () => {
  expect(optionsTracker.params.parse({})).toEqual(defaults)
})

test('what the feed says stays, what it does not say is computed: to 08:00 UTC of the expiry, on its forward', () => {
  const years = (6 * 24 + 20) / (365 * 24)
  const price = black76(CALL, 71_000, 70_000, years, 0, 0.55)
  const greeks = new OptionGreeks()
  black76Greeks(greeks, CALL, 71_000, 70_000, years, 0, 0.55)
  const [said, bare] = track([quote({ ts: noon, iv: 0.6, delta: 0.5, forward: 71_000 }), quote({ ts: noon, mark: price, forward: 71_000 })])
  expect(said).toMatchObject({ iv: 0.6, delta: 0.5 })
  expect(bare['iv']).toBeCloseTo(0.55, 8)
  expect(bare['delta']).toBeCloseTo(greeks.delta, 8)
  expect(bare['vega']).toBeCloseTo(greeks.vega / 100, 6)
  const [indian] = track([quote({ ts: noon, iv: 0.55, forward: 71_000 })], optionsTracker.params.parse({ greeks: { expiresAt: 10 } }))
  black76Greeks(greeks, CALL, 71_000, 70_000, years + 2 / (365 * 24), 0, 0.55)
  expect(indian['delta']).toBeCloseTo(greeks.delta, 8)
})

test('nothing is put in order and nothing is left out: a late row passes as it came', () => {
  const times = [noon, noon - HOURS, noon + 1, noon + 1]
  expect(track(times.map((ts) => quote({ ts }))).map(({ ts }) => ts)).toEqual(times)
})
