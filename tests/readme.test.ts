import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { draw, mermaid } from '../cli/graph.ts'
import { program } from '../cli/program.ts'
import volumeBurst from '../topologies/volume-burst/graph.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const pages = [
  'README.md',
  'docs/map.md',
  'docs/cli.md',
  'docs/howto/add-a-topology.md',
  'docs/howto/add-an-operator.md',
  'docs/howto/check-a-lake.md',
  'docs/howto/connect-a-feed.md',
  'docs/howto/connect-to-kafka.md',
  'docs/howto/deploy-with-containers.md',
  'docs/howto/read-a-report.md',
  'docs/howto/rehearse-a-day.md',
  'docs/howto/sweep-parameters.md',
  'docs/howto/track-options.md',
  'docs/howto/watch-and-alert.md',
  'docs/concepts/cache.md',
  'docs/concepts/recordings.md',
  'docs/concepts/schemas.md',
  'docs/concepts/delivery.md',
  'docs/concepts/state.md',
  'topologies/volume-burst/README.md',
  'topologies/seconds/README.md',
  'topologies/seconds-burst/README.md',
  'docs/decisions/column-cache.md',
  'docs/decisions/seconds-cache.md',
  'docs/decisions/feed-libraries.md',
]

test('the picture in the README is the graph there is', () => {
  expect(read('README.md')).toContain(mermaid(draw(volumeBurst)))
})

test.each(pages)('the links of %s lead somewhere', (page) => {
  const links = [...read(page).matchAll(/\]\(([^)#:]+)\)/g)].map((m) => m[1])
  expect(links.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([])
})

test.each(pages)('the commands in %s have the verbs and flags there are', (page) => {
  const blocks = [...read(page).matchAll(/```sh\n([\s\S]*?)```/g)].flatMap((m) => m[1].split('\n'))
  const wrong = blocks
    .filter((line) => line.startsWith('tickloom '))
    .filter((line) => {
      const [, name, ...words] = line.replace(/ #.*/, '').split(' ')
      const verb = program().commands.find((command) => command.name() === name)
      return !words.filter((word) => word.startsWith('--')).every((flag) => verb?.options.some((option) => option.long === flag))
    })
  expect(wrong).toEqual([])
})

test('docs/cli.md lists every verb and every flag', () => {
  const page = read('docs/cli.md')
  const missing = program().commands.flatMap((verb) => [
    ...(page.includes(`| \`${verb.name()}\` |`) ? [] : [verb.name()]),
    ...verb.options.filter((option) => !page.includes(`\`${option.long}`)).map((option) => `${verb.name()} ${option.long}`),
  ])
  expect(missing).toEqual([])
})
