import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { QueryAnswer } from '../connectors/clickhouse/query.ts'
import { type CommonFlags, duration, verb } from './flags.ts'
import { watched } from './replay.ts'
import type { ReplayOptions, ReplaySummary } from './replayOptions.ts'
import { type Synthesised, synthesise } from './synth.ts'
import { droppedRows, shownBytes, shownNumber, table } from './tables.ts'

interface DemoFlags extends CommonFlags {
  readonly out: string
  readonly quiet?: boolean
}

interface Question {
  readonly asks: string
  readonly sql: string
}

const questions: readonly Question[] = [
  {
    asks: 'Which contracts burst most often, and how strongly?',
    sql: 'SELECT instrument, count() AS signals, round(max(ratio), 1) AS strongest FROM signals GROUP BY instrument ORDER BY signals DESC, instrument LIMIT 5',
  },
  {
    asks: 'How far had the price moved a minute after a signal?',
    sql: 'SELECT type, count() AS signals, round(avg(later.close - s.close), 2) AS points FROM signals AS s JOIN seconds AS later ON later.instrument = s.instrument AND later.ts = s.ts + INTERVAL 60 SECOND GROUP BY type ORDER BY type',
  },
  {
    asks: 'How late were the ticks that came too late?',
    sql: 'SELECT toDate(ts) AS day, count() AS rows, round(avg(lateness) / 1e6, 1) AS seconds, max(lateness) / 1e6 AS longest FROM late GROUP BY day ORDER BY day',
  },
]

type Answer = Question & QueryAnswer

/** `tickloom demo`: a market, a replay, and three questions to its database. */
export function demoVerb(): Command {
  return verb('demo', 'Make a small market, replay volume-burst over it, and ask three questions.', [
    'tickloom demo',
    'tickloom demo --out /tmp/tickloom-demo',
  ])
    .option('--out <dir>', 'folder for all of it; what an earlier demo left there is removed', './demo-data')
    .option('--quiet', 'print nothing but failures')
    .action(async (flags: DemoFlags) => {
      const say = (text: string): void => {
        if (!flags.json && !flags.quiet) process.stdout.write(`${text}\n`)
      }
      const places = placesIn(flags.out)
      for (const place of Object.values(places)) rmSync(place, { recursive: true, force: true })
      const lake = await synthesise({
        out: places.lake,
        days: 2,
        from: '2025-01-06',
        strikes: 10,
        rate: 1,
        seed: 7,
        symbol: 'NIFTY',
        order: 'arrival',
      })
      say(describeLake(lake))
      const summary = await watched(replayOf(places), flags)
      say(describeReplay(summary))
      const answers = await ask(places.clickhouse)
      for (const answer of answers) say(describeAnswer(answer, places.clickhouse))
      say(`\nParquet in ${places.run}\nClickHouse in ${places.clickhouse}\nNext: README.md, "Six things to do with it".`)
      if (flags.json) process.stdout.write(`${JSON.stringify({ lake, summary, answers }, undefined, 2)}\n`)
    })
}

interface Places {
  readonly lake: string
  readonly run: string
  readonly clickhouse: string
}

// Its own folders only: `--out` may hold other things.
function placesIn(out: string): Places {
  return { lake: join(out, 'lake'), run: join(out, 'run'), clickhouse: join(out, 'clickhouse') }
}

function replayOf({ lake, run, clickhouse }: Places): ReplayOptions {
  return { topology: 'volume-burst', lake, params: [], out: run, clickhouse, workers: 1, resume: false, epoch: duration('1h') }
}

async function ask(directory: string): Promise<Answer[]> {
  const { openClickHouse } = await import('../connectors/clickhouse/client.ts')
  const { runQuery } = await import('../connectors/clickhouse/query.ts')
  const database = openClickHouse(directory)
  try {
    const answers: Answer[] = []
    for (const question of questions) answers.push({ ...question, ...(await runQuery(database, question.sql)) })
    return answers
  } finally {
    await database.close()
  }
}

function describeLake({ out, days, contracts, rows, seconds }: Synthesised): string {
  return `\n1. A market: ${shownNumber(rows)} ticks of ${contracts} instruments over ${days} days, with duplicates, resets, late and off-session rows, in ${seconds.toFixed(1)} s\n   ${out}\n`
}

function describeReplay(s: ReplaySummary): string {
  const { seconds, bursts, signals, late } = s.outputs
  const written = s.sinks.map(({ name, rows, bytes }) => `${name} ${shownNumber(rows)} rows, ${shownBytes(bytes)}`).join('; ')
  return [
    `2. volume-burst over it: ${shownNumber(s.rowsIn)} ticks in ${s.seconds.toFixed(2)} s, ${shownNumber(Math.round(s.ticksPerSecond))} ticks/s, into Parquet and ClickHouse`,
    table(['in', 'seconds', 'bursts', 'signals', 'late'], [[s.rowsIn, seconds, bursts, signals, late]]),
    table(['dropped or remarked by', 'reason', 'rows'], droppedRows(s.dropped)),
    `   written: ${written}\n`,
    '3. Three questions to its database',
  ].join('\n')
}

function describeAnswer({ asks, sql, columns, rows }: Answer, directory: string): string {
  const numeric = columns.map(({ type }) => /^(U?Int|Float)/.test(type))
  const cells = rows.map((row) => row.map((cell, i) => (numeric[i] ? Number(cell) : String(cell))))
  const names = columns.map(({ name }) => name)
  return [`\n${asks}`, `$ tickloom sql --clickhouse ${directory} "${sql}"`, table(names, cells)].join('\n')
}
