import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { listParameters } from '../../core/parameters.ts'
import atmVolumeBurst from '../../topologies/atm-volume-burst/graph.ts'

const readme = readFileSync(new URL('../../topologies/atm-volume-burst/README.md', import.meta.url), 'utf8')
const [, parameters, outputs] = readme.split(/^## (?:Parameters|Outputs)$/m)

test('the README lists the parameters there are, with their units, defaults and meanings', () => {
  const rows = [...parameters.matchAll(/^\| `([a-zA-Z.]+)` \| (.*?) ?\| (.*?) \| (.*) \|$/gm)].map((m) => m.slice(1, 5))
  expect(rows).toEqual(listParameters(atmVolumeBurst.params).map((p) => [p.path, p.unit, String(p.byDefault), p.description]))
})

test('the README lists the outputs there are', () => {
  expect([...outputs.matchAll(/^\| `([a-z]+)` \|/gm)].map((m) => m[1])).toEqual(Object.keys(atmVolumeBurst.outputs))
})
