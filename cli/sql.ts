import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import Table from 'cli-table3'
import { Command, Option } from 'commander'
import { type ClickHouse, hasEmbeddedDatabase, isServer, openClickHouse } from '../connectors/clickhouse/client.ts'
import { type QueryAnswer, queryText, queryToParquet, runQuery } from '../connectors/clickhouse/query.ts'
import { TickloomError } from '../core/errors.ts'

export type SqlFormat = 'table' | 'csv' | 'json' | 'parquet'

export interface SqlOptions {
  /** A directory or URL; empty: CLICKHOUSE_URL. */
  readonly clickhouse: string
  /** Without it: a prompt. */
  readonly query?: string
  readonly format?: SqlFormat
  /** A file instead of the standard output. */
  readonly out?: string
  readonly print?: (text: string) => void
  readonly input?: NodeJS.ReadableStream
}

const TABLES =
  "SELECT name AS table, engine, total_rows AS rows, formatReadableSize(total_bytes) AS size FROM system.tables WHERE database = 'tickloom' ORDER BY name"
const HISTORY = join(homedir(), '.tickloom_sql_history')
const WIDEST = 1000

/**
 * Runs one query and prints or writes its answer; without one, reads statements until `\q`.
 * Throws SQL_INVALID, OPTION_INVALID, CLICKHOUSE_BUSY and CLICKHOUSE_REFUSED.
 */
export async function runSql(options: SqlOptions): Promise<void> {
  const { clickhouse: target, print = (text: string) => process.stdout.write(text) } = options
  if (target !== '' && !isServer(target) && !hasEmbeddedDatabase(target)) {
    throw new TickloomError('OPTION_INVALID', `there is no embedded database in ${target}`, { option: 'clickhouse' })
  }
  const clickhouse = openClickHouse(target, { database: 'tickloom' })
  try {
    if (options.query === undefined) await converse(clickhouse, options, print)
    else await answer(clickhouse, options.query === '\\d' ? TABLES : options.query, options, print)
  } finally {
    await clickhouse.close()
  }
}

async function answer(clickhouse: ClickHouse, query: string, options: SqlOptions, print: (text: string) => void): Promise<void> {
  const { format = 'table', out } = options
  if (format === 'parquet') {
    if (out === undefined) throw new TickloomError('OPTION_INVALID', '--format parquet wants --out FILE', { option: 'out' })
    return queryToParquet(clickhouse, query, resolve(out))
  }
  const text =
    format === 'table'
      ? drawn(await runQuery(clickhouse, query))
      : await queryText(clickhouse, query, format === 'csv' ? 'CSVWithNames' : 'JSONEachRow')
  if (out === undefined) print(text)
  else save(out, text)
}

function save(path: string, text: string): void {
  try {
    writeFileSync(path, text)
  } catch (cause) {
    throw new TickloomError('OUTPUT_UNWRITABLE', `cannot write ${path}`, { path }, cause)
  }
}

function drawn({ columns, rows }: QueryAnswer): string {
  if (columns.length === 0) return 'ok\n'
  const numeric = columns.map(({ type }) => /^(Nullable\()?(U?Int|Float|Decimal)/.test(type))
  const table = new Table({
    head: columns.map((c) => c.name),
    colAligns: numeric.map((n) => (n ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
  })
  for (const row of rows.slice(0, WIDEST)) table.push(row.map(shown))
  const left = rows.length > WIDEST ? `, ${WIDEST} shown: use --format csv for all` : ''
  return `${table.toString()}\n${rows.length} ${rows.length === 1 ? 'row' : 'rows'}${left}\n`
}

function shown(value: unknown): string {
  if (value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

async function converse(clickhouse: ClickHouse, options: SqlOptions, print: (text: string) => void): Promise<void> {
  const input = options.input ?? process.stdin
  const terminal = options.input === undefined && process.stdin.isTTY === true
  const history =
    terminal && existsSync(HISTORY)
      ? readFileSync(HISTORY, 'utf8')
          .split('\n')
          .filter((l) => l !== '')
      : []
  const lines = createInterface({ input, output: terminal ? process.stdout : undefined, terminal, history, historySize: 1000, prompt: 'tickloom> ' })
  if (terminal) lines.on('history', (all) => save(HISTORY, all.join('\n')))
  if (terminal) print('Statements end with ;   \\d lists tables   \\q leaves\n')
  await readStatements(lines, async (statement) => {
    try {
      await answer(clickhouse, statement === '\\d' ? TABLES : statement, options, print)
    } catch (thrown) {
      // A slip of the pen ends a script, and not a conversation.
      if (!terminal || !(thrown instanceof TickloomError)) throw thrown
      print(`${thrown.code}: ${thrown.message}\n`)
    }
  })
}

async function readStatements(lines: Interface, run: (statement: string) => Promise<void>): Promise<void> {
  // A pipe may end while a statement runs, and a closed readline takes no prompt.
  let open = true
  lines.once('close', () => (open = false))
  const ask = (prompt: string) => {
    lines.setPrompt(prompt)
    if (open) lines.prompt()
  }
  let pending = ''
  ask('tickloom> ')
  for await (const line of lines) {
    const said = line.trim()
    if (pending === '' && (said === '\\q' || said === 'exit' || said === 'quit')) break
    if (pending === '' && said === '\\d') await run(said)
    else if (said !== '') pending += `${line}\n`
    if (/;\s*$/.test(pending)) {
      const statement = pending
      pending = ''
      await run(statement)
    }
    ask(pending === '' ? 'tickloom> ' : '       -> ')
  }
  if (pending.trim() !== '') await run(pending)
  lines.close()
}

const EXAMPLES = `
Tables: ticks seconds bursts signals late runs epochs, and one for every other output.
Every one has run_id; underlying, expiry, strike and type are read from the instrument's name.

Examples:
  $ tickloom sql --clickhouse out/ch "SELECT underlying, count() FROM seconds GROUP BY ALL"
  $ tickloom sql --clickhouse http://localhost:8123 --format csv --out bursts.csv "SELECT * FROM bursts"
  $ tickloom sql --clickhouse out/ch --format parquet --out signals.parquet "SELECT * FROM signals"
  $ tickloom sql --clickhouse out/ch          a prompt; \\d lists the tables
More questions and their queries: docs/sql-cookbook.md`

/** `tickloom sql [query]` */
export function sqlCommand(): Command {
  return new Command('sql')
    .description('ask the ClickHouse tables a run wrote, embedded or on a server')
    .argument('[query]', 'one SELECT; without it, a prompt')
    .option('--clickhouse <dir|url>', 'directory of the embedded database, or URL of a server', process.env['CLICKHOUSE_URL'] ?? '')
    .addOption(new Option('--format <format>', 'of the answer').choices(['table', 'csv', 'json', 'parquet']).default('table'))
    .option('--out <file>', 'write there instead of the terminal')
    .addHelpText('after', EXAMPLES)
    .action(async (query: string | undefined, options: Omit<SqlOptions, 'query'>) => {
      try {
        await runSql({ ...options, query })
      } catch (thrown) {
        if (!(thrown instanceof TickloomError) || thrown.code !== 'SQL_INVALID') throw thrown
        process.stderr.write(`SQL_INVALID: ${thrown.message}\n${thrown.next}\n`)
        process.exitCode = 2
      }
    })
}
