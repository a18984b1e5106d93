import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { settings, variableOf } from '../../cli/trackerSettings.ts'
import { main } from '../kit/commandLine.ts'
import { inRoot, text } from './composeFile.ts'

/** `name=value` lines, comments left out; of a name that comes twice the last. */
const linesOf = (file: string): Map<string, string> =>
  new Map([...text(file).matchAll(/^([A-Za-z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value] as const))

const unit = linesOf('docker/systemd/tickloom-tracker.service')
const supervised = linesOf('docker/supervisor/tickloom-tracker.conf')
const environment = linesOf('docker/systemd/tracker.env')
const verifies = spawnSync('systemd-analyze', ['--version']).status === 0

/** What `tickloom tracker ...` would run with. */
function configOf(command: string, env: Readonly<Record<string, string>> = {}): Record<string, unknown> {
  const [, ...args] = command.replace(/^\/usr\/bin\/env /, '').split(' ')
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args, '--print-config', '--json'], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return Object.fromEntries((JSON.parse(stdout) as { name: string; value: unknown }[]).map(({ name, value }) => [name, value]))
}

const graceOf = (config: Record<string, unknown>): number => config['grace'] as number

describe('the unit of systemd', () => {
  it.skipIf(!verifies)('is one to systemd itself', () => {
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', inRoot('docker/systemd/tickloom-tracker.service')], {
      encoding: 'utf8',
    })
    expect(stderr.split('\n').filter((line) => line.includes('tickloom-tracker'))).toEqual([])
    expect(status).toBe(0)
  })

  it('runs with the settings of its environment file, in its own folder', () => {
    const config = configOf(unit.get('ExecStart') as string, Object.fromEntries(environment))
    expect(config).toMatchObject({ profile: 'minimal', coins: ['BTC', 'ETH', 'SOL'], sqlite: 'tracker.db', symbols_file: 'symbols.json', http: 9464 })
    expect(unit.get('WorkingDirectory')).toBe(`%S/${unit.get('StateDirectory')}`)
  })

  it('gives the last write its time, and starts again after all but wrong settings', () => {
    expect(Number(unit.get('TimeoutStopSec'))).toBeGreaterThan(graceOf(configOf(unit.get('ExecStart') as string)))
    expect(unit.get('Restart')).toBe('always')
    expect(unit.get('RestartPreventExitStatus')).toBe('2')
    expect(spawnSync(process.execPath, [main, 'tracker', '--profile', 'huge']).status).toBe(2)
  })

  it('has its bounds', () => {
    expect([unit.get('MemoryMax'), unit.get('Nice'), unit.get('DynamicUser'), unit.get('ProtectSystem')]).toEqual(['256M', '5', 'yes', 'strict'])
  })
})

it('every variable of the environment file is a setting or a secret that the tracker knows', () => {
  const named = [...text('docker/systemd/tracker.env').matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => name)
  const known = [...Object.keys(settings).map(variableOf), 'TELEGRAM_BOT_TOKEN']
  expect(named.filter((name) => !known.includes(name))).toEqual([])
})

it('under supervisor it runs with settings there are, and is stopped in time', () => {
  const config = configOf(supervised.get('command') as string)
  expect(config).toMatchObject({ profile: 'minimal', http: 9464 })
  expect(supervised.get('stopsignal')).toBe('TERM')
  expect(Number(supervised.get('stopwaitsecs'))).toBeGreaterThan(graceOf(config))
})
