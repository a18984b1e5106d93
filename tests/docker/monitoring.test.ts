import { spawnSync } from 'node:child_process'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { describe, expect, it, test } from 'vitest'
import { parse } from 'yaml'
import { catalogue } from '../../core/errors.ts'
import { sourcesBelow } from '../kit/imports.ts'
import { compose, inRoot, text } from './composeFile.ts'

interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}
interface Panel {
  readonly id: number
  readonly title: string
  readonly type: string
  readonly datasource?: { readonly uid: string }
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number }
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[]
}

const { groups } = parse(text('docker/prometheus/alerts.yml')) as { groups: { name: string; rules: Rule[] }[] }
const rules = groups.flatMap((group) => group.rules)
const dashboard = JSON.parse(text('docker/grafana/dashboards/tickloom.json')) as {
  uid: string
  panels: Panel[]
  templating: { list: { query: { query: string }; datasource: { uid: string } }[] }
}
const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))

/** Names of metrics that the code exposes: its own as they stand in it, and those of the process. */
function exposed(): Set<string> {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const own = ['runtime', 'cli'].flatMap((room) =>
    sourcesBelow(inRoot(room)).flatMap((path) => [...text(path.slice(inRoot('').length)).matchAll(/'(tickloom_[a-z_]+)'/g)].map((m) => m[1])),
  )
  return new Set([...own, ...registry.getMetricsAsArray().map(({ name }) => name)])
}
const metricsIn = (expr: string): string[] => expr.match(/\b(tickloom|process|nodejs)_[a-z0-9_]+/g) ?? []

describe('alerts and dashboard ask for metrics that there are', () => {
  const known = exposed()
  it.each(rules.map((rule) => [rule.alert ?? rule.record, rule.expr]))('%s', (_, expr) => {
    expect(metricsIn(expr as string).filter((name) => !known.has(name))).toEqual([])
  })

  it('in every panel', () => {
    expect(queries.flatMap(metricsIn).filter((name) => !known.has(name))).toEqual([])
  })

  it('and the dashboard shows every metric of a live run', () => {
    const shown = new Set(queries.flatMap(metricsIn))
    const wanted = [...text('runtime/liveMetrics.ts').matchAll(/'(tickloom_[a-z_]+)'/g)].map((m) => m[1])
    expect(wanted.filter((name) => !shown.has(name))).toEqual([])
  })
})

describe('alerts', () => {
  it('have one name each, a severity and a sentence that says what is wrong', () => {
    const alerts = rules.filter(({ alert }) => alert !== undefined)
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length)
    expect(alerts.filter(({ labels, annotations }) => !/^(page|look)$/.test(labels?.['severity'] ?? '') || !annotations?.['summary'])).toEqual([])
  })

  it('name codes of failures that there are', () => {
    const named = rules.flatMap(({ expr }) => [...expr.matchAll(/code[=!]~"([^"]+)"/g)].flatMap((m) => m[1].split('|')))
    for (const code of named)
      expect(
        Object.keys(catalogue).some((known) => new RegExp(`^(${code})$`).test(known)),
        code,
      ).toBe(true)
  })

  it('are read from where compose puts them', () => {
    const { rule_files } = parse(text('docker/prometheus/prometheus.yml')) as { rule_files: string[] }
    const { volumes = [], command = [] } = compose.services['prometheus']
    for (const file of rule_files) expect(volumes.some((volume) => volume.split(':')[1] === file)).toBe(true)
    const config = command.find((word) => word.startsWith('--config.file='))?.split('=')[1]
    expect(volumes.some((volume) => volume.split(':')[1] === config)).toBe(true)
  })
})

const promtool = spawnSync('promtool', ['--version'])
const there = promtool.status === 0
if (!there)
  process.stderr.write('promtool is not installed here (Debian: package prometheus): the cases of tests/docker/alerts.cases.yml are skipped\n')

test.skipIf(!there)('promtool: the configuration is right, and alerts fire when they should', () => {
  const run = (...args: string[]) => spawnSync('promtool', args, { cwd: inRoot('tests/docker'), encoding: 'utf8' })
  expect(run('check', 'config', '--syntax-only', inRoot('docker/prometheus/prometheus.yml'))).toMatchObject({ status: 0 })
  expect(run('check', 'rules', inRoot('docker/prometheus/alerts.yml'))).toMatchObject({ status: 0 })
  const cases = run('test', 'rules', 'alerts.cases.yml')
  expect(cases.status, `${cases.stdout}${cases.stderr}`).toBe(0)
})

describe('the dashboard', () => {
  it('has panels with an id each that do not overlap', () => {
    const { panels } = dashboard
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const cells = panels.flatMap(({ gridPos: { h, w, x, y } }) => {
      expect(x + w).toBeLessThanOrEqual(24)
      return Array.from({ length: h * w }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`)
    })
    expect(new Set(cells).size).toBe(cells.length)
  })

  it('asks the datasource that is provisioned, which is the Prometheus of compose', () => {
    const { datasources } = parse(text('docker/grafana/provisioning/datasources/prometheus.yml')) as { datasources: { uid: string; url: string }[] }
    const asked = [
      ...dashboard.panels.flatMap((p) => [p.datasource, ...(p.targets ?? []).map((t) => t.datasource)]),
      ...dashboard.templating.list.map((v) => v.datasource),
    ]
    expect(new Set(asked.filter((d) => d !== undefined).map(({ uid }) => uid))).toEqual(new Set(datasources.map(({ uid }) => uid)))
    const { hostname, port } = new URL(datasources[0].url)
    expect(compose.services[hostname].ports?.[0]).toMatch(new RegExp(`:${port}$`))
    expect(compose.services['grafana'].networks?.some((network) => compose.services[hostname].networks?.includes(network))).toBe(true)
  })

  it('is found by its provider and is the home page', () => {
    const { providers } = parse(text('docker/grafana/provisioning/dashboards/tickloom.yml')) as { providers: { options: { path: string } }[] }
    const { volumes = [], environment = {} } = compose.services['grafana']
    expect(volumes).toContain(`./grafana/dashboards:${providers[0].options.path}:ro`)
    expect(environment['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH']).toBe(`${providers[0].options.path}/tickloom.json`)
  })
})
