import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { parse } from 'yaml'
import { program } from '../../cli/program.ts'
import { variables } from '../../connectors/kafka/settings.ts'
import { sourcesBelow } from '../kit/imports.ts'
import { compose, exists, inRoot, ours, services, text, variablesOf, wordsOf } from './composeFile.ts'

const sources = ['cli', 'connectors', 'runtime'].flatMap((room) => sourcesBelow(inRoot(room)).map((path) => text(path.slice(inRoot('').length))))
const used = variablesOf(text('docker/compose.yaml'))
const secret = (name: string) => /PASSWORD|SECRET|TOKEN|CLUSTER_ID/.test(name)

describe('what it says of tickloom is in the code', () => {
  it.each(ours)('every variable that %s is given', (_, { environment = {} }) => {
    const known = new Set(Object.values(variables).flatMap((name) => [name, `${name}_FILE`]))
    const named = Object.keys(environment).filter((name) => /^(TICKLOOM|CLICKHOUSE)_/.test(name))
    expect(named.length).toBeGreaterThan(0)
    expect(named.filter((name) => !known.has(name) && !sources.some((source) => source.includes(`'${name}'`)))).toEqual([])
  })

  it.each(ours)('the command of %s: its verb, its flags and their values, and the flags that verb requires', (name, service) => {
    const [verb, ...words] = wordsOf(service)
    const command = program().commands.find((c) => c.name() === verb)
    expect(command, `${name} runs "tickloom ${verb}"`).toBeDefined()
    // Takes the words apart as the command line does, which throws on a value that is none.
    const { operands, unknown } = command!.parseOptions(words)
    expect({ operands, unknown }).toEqual({ operands: [], unknown: [] })
    expect(command!.options.filter(({ mandatory, long }) => mandatory && !words.includes(long as string)).map(({ long }) => long)).toEqual([])
  })

  it.each(ours.filter(([, s]) => wordsOf(s).includes('--http')))('the port of %s is the one its health check and Prometheus ask', (name, service) => {
    const words = wordsOf(service)
    const port = words[words.indexOf('--http') + 1]
    expect(words[words.indexOf('--http-host') + 1]).toBe('0.0.0.0')
    expect(service.healthcheck?.test?.join(' ')).toContain(`http://127.0.0.1:${port}/healthz`)
    const { scrape_configs } = parse(text('docker/prometheus/prometheus.yml')) as {
      scrape_configs: { dns_sd_configs?: { names: string[]; port: number }[]; static_configs?: { targets: string[] }[] }[]
    }
    const targets = scrape_configs.flatMap(({ dns_sd_configs = [], static_configs = [] }) => [
      ...dns_sd_configs.flatMap((c) => c.names.map((host) => `${host}:${c.port}`)),
      ...static_configs.flatMap((c) => c.targets),
    ])
    expect(targets).toContain(`${name}:${port}`)
  })

  it('workers and recorder read the topic that the job makes, and their groups differ', () => {
    const flag = (service: string, name: string) => {
      const words = wordsOf(compose.services[service])
      return words[words.indexOf(name) + 1]
    }
    expect([flag('worker', '--topics'), flag('recorder', '--topics')]).toEqual(['ticks', 'ticks'])
    expect(wordsOf(compose.services['topics'])).toContain('ticks')
    expect(flag('recorder', '--group')).not.toBe(flag('worker', '--group'))
  })
})

describe('secrets', () => {
  it('have no default: compose refuses to start without them', () => {
    const wanted = used.filter(({ name }) => secret(name))
    expect(new Set(wanted.map(({ name }) => name))).toEqual(
      new Set(['KAFKA_CLUSTER_ID', 'WRITER_PASSWORD', 'WRITER_PASSWORD_SHA256', 'ANALYST_PASSWORD_SHA256', 'GRAFANA_PASSWORD']),
    )
    expect(wanted.filter(({ kind, rest }) => kind !== ':?' || rest === '')).toEqual([])
  })

  it('are never written out', () => {
    const given = services.flatMap(([, { environment = {} }]) => Object.entries(environment)).filter(([name]) => secret(name))
    expect(given.filter(([, value]) => !/^\$\{\w+:\?/.test(String(value)))).toEqual([])
  })

  it('.env.example names every variable, a secret without a value, a setting with the default of compose', () => {
    const example = new Map(
      [...text('docker/.env.example').matchAll(/^(#?)([A-Z0-9_]+)=(.*)$/gm)].map((m) => [m[2], { out: m[1] === '#', value: m[3] }]),
    )
    for (const { name, rest } of used) {
      expect(example.get(name), name).toEqual(secret(name) ? { out: false, value: '' } : { out: true, value: rest })
    }
    const unused = [...example.keys()].filter((name) => !used.some((v) => v.name === name))
    expect(unused).toEqual(['ANALYST_PASSWORD']) // for people: the server is given its hash only
    expect(text('docker/.gitignore').split('\n')).toContain('.env')
  })
})

describe('every service', () => {
  it.each(services)('%s is pinned, limited, unprivileged and keeps its log small', (name, s) => {
    expect(s.image).toMatch(/^[\w./-]+:v?\d+\.\d+\.\d+(\.\d+)*$/)
    expect(s.deploy?.resources.limits).toEqual({ cpus: expect.any(String), memory: expect.any(String) })
    expect(s.logging?.options).toEqual({ 'max-size': expect.any(String), 'max-file': expect.any(String) })
    expect(s.cap_drop).toEqual(['ALL'])
    expect(s.security_opt).toEqual(['no-new-privileges:true'])
    expect(s.privileged).toBeUndefined()
    expect(s.restart).toBe(name === 'topics' ? 'on-failure:5' : 'unless-stopped')
    expect(s.healthcheck?.disable === true || (s.healthcheck?.test?.length ?? 0) > 1).toBe(true)
  })

  it('of ours has a read-only root', () => {
    expect(ours.map(([name, s]) => [name, s.read_only])).toEqual(ours.map(([name]) => [name, true]))
  })

  it('publishes ports on the loopback address only', () => {
    const open = services.flatMap(([name, { ports = [] }]) => ports.filter((port) => !port.startsWith('127.0.0.1:')).map((port) => `${name} ${port}`))
    expect(open).toEqual([])
  })

  it('names services, networks, volumes and files that are there', () => {
    for (const [name, s] of services) {
      for (const [other, { condition }] of Object.entries(s.depends_on ?? {})) {
        expect(compose.services, name).toHaveProperty(other)
        const { healthcheck } = compose.services[other]
        expect(condition).toBe(healthcheck?.disable ? 'service_completed_successfully' : 'service_healthy')
      }
      for (const network of s.networks ?? []) expect(compose.networks).toHaveProperty(network)
      for (const [source] of (s.volumes ?? []).map((volume) => volume.split(':'))) {
        if (source.startsWith('./')) expect(exists(join('docker', source)), source).toBe(true)
        else expect(compose.volumes).toHaveProperty(source)
      }
      if (s.build) expect(exists(join('docker', s.build.context, s.build.dockerfile))).toBe(true)
    }
  })

  it('waits for what it needs at its first start', () => {
    const waitsFor = (name: string): string[] => Object.keys(compose.services[name].depends_on ?? {}).flatMap((other) => [other, ...waitsFor(other)])
    expect([...new Set(waitsFor('worker'))].sort()).toEqual(['clickhouse', 'kafka', 'registry', 'topics'])
  })
})

const plugin = spawnSync('docker', ['compose', 'version'], { encoding: 'utf8' })
const there = plugin.status === 0
if (!there) process.stderr.write('docker compose is not installed here: `docker compose config` is skipped, the checks above are all there are\n')

test.skipIf(!there)('docker compose takes it, and refuses it without secrets', () => {
  const folder = mkdtempSync(join(tmpdir(), 'compose-'))
  try {
    const made = spawnSync(process.execPath, [inRoot('docker/make-secrets.mjs'), '--file', join(folder, '.env')])
    expect(made.status).toBe(0)
    const config = (env: string) =>
      spawnSync('docker', ['compose', '-f', inRoot('docker/compose.yaml'), '--env-file', env, 'config', '--quiet'], { encoding: 'utf8' })
    expect(config(join(folder, '.env'))).toMatchObject({ status: 0, stderr: '' })
    expect(config(inRoot('docker/.env.example')).stderr).toContain('run node docker/make-secrets.mjs')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
