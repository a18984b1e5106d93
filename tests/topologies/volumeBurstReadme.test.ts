import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { listParameters } from '../../core/parameters.ts'
import volumeBurst from '../../topologies/volume-burst/graph.ts'

test('the README lists the parameters there are, with their units, defaults and meanings', () => {
  const readme = readFileSync(new URL('../../topologies/volume-burst/README.md', import.meta.url), 'utf8')
  const rows = [...readme.matchAll(/^\| `([a-zA-Z]+\.[a-zA-Z]+)` \| (.*) \| (.*) \| (.*) \|$/gm)].map((m) => m.slice(1, 5))
  expect(rows).toEqual(listParameters(volumeBurst.params).map((p) => [p.path, p.unit, String(p.byDefault), p.description]))
})
