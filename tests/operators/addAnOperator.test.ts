import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'

// docs/howto/add-an-operator.md: its two files are run as they stand there, in a tree that looks like this one.

const root = fileURLToPath(new URL('../..', import.meta.url))
const tree = mkdtempSync(join(tmpdir(), 'tickloom-howto-'))
afterAll(() => rmSync(tree, { recursive: true }))

const page = readFileSync(join(root, 'docs/howto/add-an-operator.md'), 'utf8')
const blocks = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map((m) => m[1])
const names = [...page.matchAll(/as\s+`((?:operators|tests)\/[^`]+\.ts)`/g)].map((m) => m[1])

for (const folder of ['operators', 'tests/operators']) mkdirSync(join(tree, folder), { recursive: true })
for (const shared of ['core', 'node_modules', 'tests/kit']) symlinkSync(join(root, shared), join(tree, shared), 'dir')
for (const [i, name] of names.entries()) writeFileSync(join(tree, name), blocks[i])

test('the page has an operator and its test', () => {
  expect(names).toEqual(['operators/notional.ts', 'tests/operators/notional.test.ts'])
  expect(blocks).toHaveLength(2)
})

describe('the worked operator', async () => {
  await import(join(tree, names[1]))
})
