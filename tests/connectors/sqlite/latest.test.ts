import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type SqliteOptions, sqliteDestination } from '../../../connectors/sqlite/sink.ts'
import { Instruments } from '../../../core/instruments.ts'
import { OptionQuote } from '../../../core/optionQuote.ts'
import { RowBuffer } from '../../../core/rowBuffer.ts'
import { SECOND } from '../../../core/time.ts'
import { latestContract } from '../../kit/latestContract.ts'

const scratch = () => mkdtempSync(join(tmpdir(), 'tickloom-sqlite-'))

describe('latest rows in SQLite', () =>
  latestContract(async () => {
    const dir = scratch()
    const file = join(dir, 'made', 'quotes.sqlite')
    return {
      destination: (options) => sqliteDestination({ ...options, file }),
      async read(table, columns) {
        const db = new DatabaseSync(file, { readOnly: true })
        try {
          const rows = db.prepare(`SELECT ${columns.map((c) => `"${c}"`).join(', ')} FROM "${table}" ORDER BY 1`).all()
          return rows.map((row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, k === 'open' ? v === 1 : (v as number)])))
        } finally {
          db.close()
        }
      },
      dispose: async () => rmSync(dir, { recursive: true, force: true }),
    }
  }))

describe('the file', () => {
  let dir: string
  let file: string
  beforeEach(() => {
    dir = scratch()
    file = join(dir, 'q.sqlite')
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  const instruments = new Instruments()
  /** `n` options quoted at that second, all different from one second to the next. */
  function quotes(n: number, second: number) {
    const rows = new RowBuffer(OptionQuote, n)
    rows.n = n
    for (let i = 0; i < n; i++) {
      for (const name of ['price', 'bid', 'ask', 'mark', 'iv', 'delta'] as const) rows.col[name][i] = Math.sin(i + second) * 100
      rows.col.ts[i] = 1736135100 * SECOND + second * SECOND
      rows.col.instrument[i] = instruments.id(`BTC:2026-03-27:${i + 1}:CE`)
    }
    return rows.view(0)
  }
  async function opened(options: Partial<SqliteOptions> = {}) {
    const to = sqliteDestination({ file, ...options })
    return {
      to,
      sink: await to.open({ topology: 't', run: 'r', partition: 'p', outputs: { quotes: OptionQuote }, instruments, committed: undefined }),
    }
  }
  const size = () => [file, `${file}-wal`].map((path) => (existsSync(path) ? statSync(path).size : 0))

  it('does not grow by updates, and its log is bounded', async () => {
    const { to, sink } = await opened()
    const sizes: number[] = []
    for (let second = 1; second <= 60; second++) {
      sink.write('quotes', quotes(1000, second))
      await sink.flush(second)
      sizes.push(size().reduce((a, b) => a + b))
    }
    expect(Math.max(...sizes.slice(30))).toBeLessThanOrEqual(Math.max(...sizes.slice(0, 30)))
    expect(Math.max(...sizes)).toBeLessThan(4_000_000)
    await to.close()
    expect(size()[0]).toBeLessThan(400_000)
    expect(size()[1]).toBe(0)
  })

  it('keeps a history as long as it is told, and gives the room back', async () => {
    const { to, sink } = await opened({ history: 60 })
    const db = new DatabaseSync(file, { readOnly: true })
    for (let second = 1; second <= 100; second++) {
      sink.write('quotes', quotes(300, second))
      await sink.flush(second)
    }
    expect(db.prepare('SELECT count(*) n, max(ts) - min(ts) span FROM quotes_history').get()).toEqual({ n: 18_300, span: 60 * SECOND })
    const before = Number(db.prepare('PRAGMA page_count').get()?.['page_count'])
    // Far later, all of that is old; it goes in slices.
    for (let second = 0; second < 10; second++) {
      sink.write('quotes', quotes(1, 3600 + second))
      await sink.flush(200 + second)
    }
    expect(db.prepare('SELECT count(*) n FROM quotes_history').get()).toEqual({ n: 10 })
    expect(Number(db.prepare('PRAGMA page_count').get()?.['page_count'])).toBeLessThan(before / 2)
    expect(db.prepare('SELECT count(*) n FROM quotes').get()).toEqual({ n: 300 })
    db.close()
    await to.close()
  })

  it('a history that is replayed is the same', async () => {
    const all = () => new DatabaseSync(file, { readOnly: true }).prepare('SELECT * FROM quotes_history').all()
    let before: unknown
    for (const life of [1, 2]) {
      const { to, sink } = await opened({ history: 86_400 })
      for (let second = 1; second <= 3; second++) {
        sink.write('quotes', quotes(3, second))
        await sink.flush(second)
      }
      await to.close()
      if (life === 1) before = all()
      else expect(all()).toEqual(before)
    }
    expect(before).toHaveLength(9)
  })

  it('counts what was conflated and what had no time', async () => {
    const { to, sink } = await opened()
    for (const second of [1, 2, 1]) sink.write('quotes', quotes(10, second))
    sink.write('quotes', quotes(1, Number.NaN))
    await sink.flush(1)
    expect(to.counts()).toEqual({ conflated: 20, untimed: 1 })
    await to.close()
  })

  it('a flush that a lock kept off is made again and loses nothing', async () => {
    const { to, sink } = await opened({ patience: 20 })
    const other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    sink.write('quotes', quotes(5, 1))
    await expect(sink.flush(1)).rejects.toMatchObject({ code: 'DATABASE_REFUSED' })
    sink.write('quotes', quotes(6, 2))
    other.exec('ROLLBACK')
    expect((await sink.flush(1)).rows).toBe(5)
    expect((await sink.flush(2)).rows).toBe(6)
    expect(other.prepare('SELECT count(*) n, min(ts) first FROM quotes').get()).toEqual({ n: 6, first: 1736135100 * SECOND + 2 * SECOND })
    other.close()
    await to.close()
  })

  it('what is no database is not touched, and what cannot be made is named', async () => {
    writeFileSync(file, 'Dear diary, '.repeat(100))
    await expect(opened()).rejects.toMatchObject({ code: 'DATABASE_REJECTED', at: { file } })
    await expect(opened({ file: join(file, 'below', 'q.sqlite') })).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
  })
})
