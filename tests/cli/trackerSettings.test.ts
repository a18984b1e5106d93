import { describe, expect, it } from 'vitest'
import { applySettings, profiles } from '../../cli/trackerSettings.ts'

const of = (flags: Readonly<Record<string, string>>, environment: NodeJS.ProcessEnv = {}) => {
  const { settings, applied } = applySettings(flags, environment)
  return {
    settings,
    from: (name: string) => applied.find((one) => one.name === name)?.from,
    shown: (name: string) => applied.find((one) => one.name === name)?.value,
  }
}
const names = ['max_queue_size', 'batch_size', 'batch_timeout', 'stats_interval', 'subscription_chunk_size', 'log_level'] as const

describe('the settings of a tracker', () => {
  it('are those of its profile', () => {
    expect(profiles.map((profile) => names.map((name) => of({ profile }).settings[name]))).toEqual([
      [2000, 25, 5, 600, 10, 'warn'],
      [5000, 50, 2, 300, 25, 'warn'],
      [10_000, 100, 1, 60, 50, 'info'],
    ])
  })

  it('can be set one by one: a flag before the environment, that before the profile, that before a default', () => {
    const { settings, from } = of(
      { batch_size: '33', batch_timeout: '500ms' },
      { TRACKER_PROFILE: 'minimal', TRACKER_BATCH_SIZE: '44', TRACKER_STATS_INTERVAL: '30' },
    )
    expect(settings).toMatchObject({
      profile: 'minimal',
      batch_size: 33,
      batch_timeout: 0.5,
      stats_interval: 30,
      max_queue_size: 2000,
      coins: ['BTC', 'ETH', 'SOL'],
    })
    expect(['profile', 'batch_size', 'stats_interval', 'max_queue_size', 'coins'].map(from)).toEqual([
      'TRACKER_PROFILE',
      '--batch-size',
      'TRACKER_STATS_INTERVAL',
      'profile minimal',
      'default',
    ])
  })

  it('have SQLite where no other database is named, and beside one only when it is asked for', () => {
    expect(of({}).settings.sqlite).toBe('./tracker.db')
    expect(of({ postgres: 'postgres://db/q' }).settings.sqlite).toBeUndefined()
    expect(of({ postgres: 'postgres://db/q', sqlite: 'a.db' }).settings.sqlite).toBe('a.db')
    expect(of({ sqlite: 'none' }).settings.sqlite).toBeUndefined()
  })

  it('are shown without passwords', () => {
    expect(of({ postgres: 'postgres://me:secret@db/q' }).shown('postgres')).toBe('postgres://me:***@db/q')
    expect(of({ postgres: 'postgres://me:secret@db/q' }).settings.postgres).toContain('secret')
  })

  it.each([
    [{ batch_size: '0' }, {}, '--batch-size'],
    [{ batch_timeout: 'soon' }, {}, '--batch-timeout'],
    [{}, { TRACKER_PRIORITY: '20' }, 'TRACKER_PRIORITY'],
    [{ history: '7d', clickhouse: 'http://db' }, {}, '--history'],
    [{ database: 'x' }, {}, '--database'],
  ] as const)('%o with %o is refused, naming %s', (flags, environment, named) => {
    expect(() => of(flags, environment)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID', at: { option: named } }))
  })
})
