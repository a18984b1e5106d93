import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readRules } from '../../cli/trackerRules.ts'
import { Alert } from '../../core/alerts.ts'
import { OptionQuote } from '../../core/optionQuote.ts'
import { wayOf } from '../../core/watchRules.ts'
import { watch } from '../../operators/watch.ts'
import { type Row, rowsOf, run } from '../kit/table.ts'

const doc = (name: string): string => fileURLToPath(new URL(`../../docs/howto/${name}`, import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'rules-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))
const file = (text: string): string => {
  const path = join(work, 'rules.yaml')
  writeFileSync(path, text)
  return path
}

describe('docs/howto/watch-and-alert.md', () => {
  it('has an example whose every rule comes true of quotes it is meant for', () => {
    const rules = readRules(doc('alert-rules.yaml'))
    expect(rules.map(wayOf)).toEqual(['above', 'below', 'change', 'rise', 'burst'])
    const name = 'BTC-USDT:2026-03-27:95000:CE'
    const quote = (second: number, more: Partial<Row>): Row =>
      ({
        ...rowsOf(OptionQuote, `ts instrument\n09:15:00 ${name}`)[0],
        ts: 1.7e15 + second * 1e6,
        bid: 1400,
        iv: 0.5,
        mark: 100,
        oi: 500,
        volume: second / 60,
        ...more,
      }) as Row
    const quiet = Array.from({ length: 190 }, (_, i) => quote(i * 10, {}))
    const tape = [
      ...quiet,
      quote(1900, { bid: 1501 }),
      quote(1901, { mark: 116 }),
      quote(1902, { oi: 700 }),
      quote(1903, { volume: 100 }),
      quote(1904, { instrument: 'ETH-USDT:2026-03-27:4000:PE', iv: 0.34 }),
    ]
    expect(run((step) => watch(step, { schema: OptionQuote, rules }), { input: OptionQuote, output: Alert }, tape, ['rule', 'what'])).toEqual([
      [0, 'above'],
      [2, 'rise'],
      [3, 'rise'],
      [4, 'burst'],
      [1, 'below'],
    ])
  })

  it('shows rules and messages that are as it says', () => {
    const text = readFileSync(doc('watch-and-alert.md'), 'utf8')
    const [shown] = parse(/```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? '') as unknown[]
    expect(shown).toEqual(readRules(doc('alert-rules.yaml'))[0])
    const wrong = /```\n(rules\.yaml: .*)\n```/.exec(text)?.[1] ?? ''
    const path = file('- {name: a, column: iv, below: 0.3}\n- {name: vol, column: sigma, below: 0.3}')
    expect(() => readRules(path)).toThrow(wrong.replace('rules.yaml', path))
  })

  it('rules that cannot be read are refused with the file and what is wrong', () => {
    expect(() => readRules(join(work, 'none.yaml'))).toThrow(/none\.yaml cannot be read: ENOENT/)
    expect(() => readRules(file('rules: [\n  - {'))).toThrow(/rules\.yaml cannot be read: .*line/)
    expect(() => readRules(file('rules: 5'))).toThrow(/rules\.yaml: a list of rules is expected/)
    expect(() => readRules(file('{"rules": [{"name": "a"}]}'))).toThrow(/rules\.yaml: rule 1 "a": it has none of above, below/)
    expect(readRules(file('[]'))).toEqual([])
  })
})
