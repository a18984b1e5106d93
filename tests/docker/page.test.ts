import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { program } from '../../cli/program.ts'
import { compose, exists, text } from './composeFile.ts'

const page = 'docs/howto/deploy-with-containers.md'
const lines = [...text(page).matchAll(/```sh\n([\s\S]*?)```/g)]
  .flatMap((m) => m[1].replace(/\\\n/g, ' ').split('\n'))
  .map((l) => l.replace(/ #.*/, '').trim())

describe(page, () => {
  it.each(lines.map((line) => [/(?:run --rm worker|tickloom) (\w+) (.*)$/.exec(line)]).filter(([m]) => m !== null))(
    'has verbs and flags that there are: %s',
    (match) => {
      const [, name, words] = match as RegExpExecArray
      const verb = program().commands.find((command) => command.name() === name)
      const flags = words.split(' ').filter((word) => word.startsWith('--'))
      expect(verb, name).toBeDefined()
      expect(flags.filter((flag) => !verb?.options.some(({ long }) => long === flag))).toEqual([])
    },
  )

  it('names services that there are, with the ports they have', () => {
    const table = [...text(page).matchAll(/^\| (`\w+`(?:, `\w+`)*) \| [^|]* \| ([\d, ]*) ?\|$/gm)]
    const named = table.flatMap(([, names, ports]) =>
      names.split(', ').map((name, i) => [name.replaceAll('`', ''), ports.split(', ')[i]?.trim() ?? '']),
    )
    const given = Object.entries(compose.services).map(([name, { ports = [] }]) => [name, /:-(\d+)\}/.exec(ports[0] ?? '')?.[1] ?? ''])
    expect(Object.fromEntries(named)).toEqual(Object.fromEntries(given))
  })

  it('names services, volumes and files in its commands that there are', () => {
    const services = lines.flatMap((line) => line.match(/compose (?:stop|start|build|exec|run --rm) (\w+)/)?.[1] ?? [])
    expect(services.filter((name) => compose.services[name] === undefined)).toEqual([])
    const volumes = lines.flatMap((line) => line.match(/tickloom_(\w+):/)?.[1] ?? [])
    expect(volumes.filter((name) => !(name in compose.volumes))).toEqual([])
    const scripts = lines.flatMap((line) => line.match(/node ([\w-]+\.mjs)/)?.[1] ?? [])
    expect(scripts.filter((name) => !exists(join('docker', name)))).toEqual([])
  })

  it('links lead somewhere', () => {
    const links = [...text(page).matchAll(/\]\(([^)#:]+)\)/g)].map((m) => m[1])
    expect(links.filter((link) => !exists(join(dirname(page), link)))).toEqual([])
  })
})
