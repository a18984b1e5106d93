import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresOptions, postgresDestination } from '../../../connectors/postgres/sink.ts'
import { Instruments } from '../../../core/instruments.ts'
import { latestContract } from '../../kit/latestContract.ts'
import { describePostgres, type PostgresServer, startPostgres } from '../../kit/postgres.ts'
import { rowsOf, toBatch } from '../../kit/table.ts'

const Mood = { ts: 'time', instrument: 'instrument', level: 'f64', mood: 'calm|wild' } as const

describePostgres('latest rows in PostgreSQL', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  }, 60_000)
  afterAll(() => server.stop())

  async function ask(sql: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: server.url })
    await client.connect()
    try {
      return (await client.query(sql)).rows
    } finally {
      await client.end()
    }
  }
  const empty = () => ask('DROP SCHEMA public CASCADE; CREATE SCHEMA public')

  describe('as every store of latest rows', () =>
    latestContract(async () => {
      await empty()
      return {
        destination: (options) => postgresDestination({ ...options, url: server.url, patience: 5000 }),
        async read(table, columns) {
          const picked = columns.map((c) => {
            if (c === 'updated') return `(extract(epoch FROM updated) * 1000000)::float8 AS updated`
            return c === 'expiry' ? 'expiry::text' : c === 'epoch' ? 'epoch::float8' : `"${c}"`
          })
          return (await ask(`SELECT ${picked.join(', ')} FROM "${table}" ORDER BY "${columns[0]}" COLLATE "C"`)) as never
        },
        dispose: async () => {},
      }
    }))

  const instruments = new Instruments()
  const mood = (text: string) => toBatch(Mood, rowsOf(Mood, `ts instrument level mood\n${text}`), instruments)
  async function opened(options: Partial<PostgresOptions> = {}) {
    const to = postgresDestination({ url: server.url, patience: 20_000, ...options })
    return { to, sink: await to.open({ topology: 't', run: 'r', partition: 'p', outputs: { moods: Mood }, instruments, committed: undefined }) }
  }

  it('goes on when the server went down and came back, in between and during a flush', { timeout: 60_000 }, async () => {
    await empty()
    const { to, sink } = await opened()
    sink.write('moods', mood('09:15:00 NIFTY 1 calm'))
    await sink.flush(1)
    await server.down('fast')
    sink.write('moods', mood('09:15:01 NIFTY 2 calm'))
    const flushed = sink.flush(2)
    await new Promise((resolve) => setTimeout(resolve, 300))
    sink.write('moods', mood('09:15:02 NIFTY 3 calm\n09:15:02 BANKNIFTY 3 wild'))
    await server.up()
    expect((await flushed).rows).toBe(1)
    await server.down('kill')
    await server.up()
    expect((await sink.flush(3)).rows).toBe(2)
    await to.close()
    expect(await ask('SELECT instrument, level, mood FROM moods ORDER BY 1')).toEqual([
      { instrument: 'BANKNIFTY', level: 3, mood: 'wild' },
      { instrument: 'NIFTY', level: 3, mood: 'calm' },
    ])
  })

  it('a connection that the server ended is made anew', async () => {
    await empty()
    const { to, sink } = await opened()
    for (const epoch of [1, 2, 3]) {
      sink.write('moods', mood(`09:15:0${epoch} NIFTY ${epoch} calm`))
      await sink.flush(epoch)
      await ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tickloom'")
    }
    await to.close()
    expect(await ask('SELECT level FROM moods')).toEqual([{ level: 3 }])
  })

  it('a server that stays away is named, without its password, and the flush can be made again', async () => {
    await empty()
    const { to, sink } = await opened({ url: server.url.replace('tickloom@', 'tickloom:secret@'), patience: 300 })
    await server.down('fast')
    sink.write('moods', mood('09:15:00 NIFTY 1 calm'))
    const thrown = await sink.flush(1).then(undefined, (t) => t)
    expect(thrown).toMatchObject({ code: 'DATABASE_REFUSED', retry: true })
    expect(thrown.message).toContain(`127.0.0.1:${server.port}`)
    expect(thrown.message).not.toContain('secret')
    await server.up()
    expect((await sink.flush(1)).rows).toBe(1)
    await to.close()
  })

  it('what the server says no to is not asked again', async () => {
    const started = performance.now()
    await expect(opened({ url: server.url.replace('/postgres', '/nowhere') })).rejects.toMatchObject({
      code: 'DATABASE_REJECTED',
      at: { state: '3D000' },
    })
    expect(performance.now() - started).toBeLessThan(15_000)
  })

  it('keeps a history as long as it is told, the same when replayed', async () => {
    await empty()
    for (const life of [1, 2]) {
      const { to, sink } = await opened({ history: 2 })
      for (const second of [1, 2, 3, 4]) {
        sink.write('moods', mood(`09:15:0${second} NIFTY ${second} calm\n09:15:0${second} BANKNIFTY ${second} wild`))
        await sink.flush(second)
      }
      await to.close()
      expect(await ask('SELECT count(*)::int AS n, min(level) AS first FROM moods_history'), `life ${life}`).toEqual([{ n: 6, first: 2 }])
    }
  })

  it('two that write the same rows in opposite orders do not end each other', async () => {
    await empty()
    const pair = await Promise.all([opened(), opened()])
    for (let epoch = 1; epoch <= 10; epoch++) {
      for (const [i, { sink }] of pair.entries()) {
        const names = Array.from({ length: 50 }, (_, k) => `X${k + 10}`)
        if (i === 1) names.reverse()
        sink.write('moods', mood(names.map((name) => `09:15:00.${100 + epoch} ${name} ${epoch} calm`).join('\n')))
      }
      await Promise.all(pair.map(({ sink }) => sink.flush(epoch)))
    }
    await Promise.all(pair.map(({ to }) => to.close()))
    expect(await ask('SELECT count(*)::int AS n, min(level) AS least FROM moods')).toEqual([{ n: 50, least: 10 }])
  })
})
