import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ledgerDdl, standardTables, tableDdl } from '../../connectors/clickhouse/ddl.ts'
import { compose, inRoot, text } from './composeFile.ts'

const users = text('docker/clickhouse/users.xml').replace(/<!--[\s\S]*?-->/g, '')
const folder = mkdtempSync(join(tmpdir(), 'clickhouse-users-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The part of users.xml that is one user. */
const userXml = (name: string): string => new RegExp(`<users>[\\s\\S]*<${name}>([\\s\\S]*?)</${name}>`).exec(users)?.[1] ?? ''

/** Asks the real engine, on a folder, for each statement: its rows, or the name of the refusal. */
const asking = `
const [root, database, statements] = process.argv.slice(1)
const { Session } = require('node:module').createRequire(root)('chdb')
const session = new Session(database)
const answers = JSON.parse(statements).map((sql) => {
  try {
    return String(session.query(sql, 'TSV')).trim()
  } catch (thrown) {
    return /\\(([A-Z_]+)\\)\\s*$/.exec(thrown.message)?.[1] ?? thrown.message
  }
})
require('node:fs').writeSync(1, JSON.stringify(answers))
session.close()
process.exit(0)`

/** In a process of its own: the engine takes the config.xml of the folder it is started in, with `over` merged into it. */
function engine(config: string, statements: readonly string[], over = '<clickhouse/>'): string[] {
  const cwd = mkdtempSync(join(folder, 'engine-'))
  writeFileSync(join(cwd, 'config.xml'), config)
  mkdirSync(join(cwd, 'config.d'))
  writeFileSync(join(cwd, 'config.d', 'tickloom.xml'), over)
  const args = ['-e', asking, inRoot('package.json'), join(folder, 'database'), JSON.stringify(statements)]
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8', timeout: 20_000, killSignal: 'SIGKILL' })
  if (stdout === '') throw new Error(`the engine said nothing: ${stderr}`)
  return JSON.parse(stdout) as string[]
}

/** The statements on one database, by a user with the rights and the limits of `name`: the user that the engine runs as. */
function as(name: string, statements: readonly string[]): string[] {
  const itself = userXml(name)
    .replace(/<password_sha256_hex[^>]*>/, '<password></password>')
    .replace(/<networks>[\s\S]*<\/networks>/, '')
  const its = users
    .replace(/<users>[\s\S]*<\/users>/, `<quotas><default/></quotas><users><default>${itself}</default></users>`)
    .replace('<profiles>', '<profiles><default/>')
  const file = join(folder, `${name}.xml`)
  writeFileSync(file, its)
  return engine(`<clickhouse><users_config>${file}</users_config></clickhouse>`, statements)
}

describe('docker/clickhouse/users.xml', () => {
  it('has a writer and an analyst, and nobody else', () => {
    const [, inside] = /<users>([\s\S]*)<\/users>/.exec(users) ?? []
    expect([...inside.matchAll(/^ {4}<(\w+)([^>]*)>/gm)].map((m) => `${m[1]}${m[2]}`)).toEqual(['default remove="remove"/', 'writer', 'analyst'])
    expect(users).not.toMatch(/access_management|<password>|password_plaintext|no_password/)
  })

  it('takes both passwords, as hashes, from what compose gives the server', () => {
    const wanted = [...users.matchAll(/<password_sha256_hex from_env="(\w+)"\/>/g)].map((m) => m[1])
    expect(wanted).toEqual(['WRITER_PASSWORD_SHA256', 'ANALYST_PASSWORD_SHA256'])
    for (const name of wanted) expect(compose.services['clickhouse'].environment).toHaveProperty(name)
    expect(compose.services['worker'].environment).toMatchObject({ CLICKHOUSE_USER: 'writer' })
  })

  it('a writer makes what a run needs, inserts and reads it, and a second one does the same', () => {
    const layout = { database: 'tickloom' }
    const made = [...ledgerDdl(layout), ...Object.entries(standardTables).flatMap(([name, schema]) => tableDdl(name, schema, layout))]
    expect(as('writer', [...made, ...made])).toEqual([...made, ...made].map(() => ''))
    expect(
      as('writer', [
        "INSERT INTO tickloom.epochs (run_id, topology, `partition`, epoch, rows) SELECT 'r', 't', '0', 1, map()",
        'SELECT epoch FROM tickloom.epochs',
        "SELECT count() > 0 FROM system.columns WHERE database = 'tickloom' AND table = 'ticks'",
        "INSERT INTO tickloom.ticks (run_id) SETTINGS insert_deduplicate = 1, insert_deduplication_token = 'x' SELECT 'r'",
      ]),
    ).toEqual(['', '1', '1', ''])
  })

  it('a writer can do nothing else', () => {
    const refused = [
      'DROP TABLE tickloom.ticks',
      'TRUNCATE TABLE tickloom.ticks',
      'ALTER TABLE tickloom.ticks DELETE WHERE 1',
      'DROP DATABASE tickloom',
      'CREATE DATABASE another',
      'CREATE TABLE default.t (x Int8) ENGINE = MergeTree ORDER BY x',
      "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'x Int8')",
      "SELECT * FROM file('/etc/passwd', 'LineAsString')",
      "CREATE USER me IDENTIFIED BY 'x'",
      'GRANT SELECT ON *.* TO default',
    ]
    expect(as('writer', refused)).toEqual(refused.map(() => 'ACCESS_DENIED'))
  })

  it('an analyst asks, and shapes the answer as clients do', () => {
    const asked = ['SELECT run_id FROM tickloom.epochs FINAL', 'SELECT count() FROM tickloom.ticks SETTINGS output_format_json_quote_denormals = 1']
    expect(as('analyst', asked)).toEqual(['r', '1'])
  })

  it('an analyst changes nothing, reaches nothing else, and keeps his limits', () => {
    const refused = {
      "INSERT INTO tickloom.epochs (run_id) SELECT 'x'": /^(ACCESS_DENIED|READONLY)$/,
      'DROP TABLE tickloom.ticks': /^(ACCESS_DENIED|READONLY|QUERY_IS_PROHIBITED)$/,
      'CREATE TABLE tickloom.t (x Int8) ENGINE = MergeTree ORDER BY x': /^(ACCESS_DENIED|READONLY|QUERY_IS_PROHIBITED)$/,
      "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'x Int8')": /^(ACCESS_DENIED|READONLY)$/,
      "SELECT * FROM file('/etc/passwd', 'LineAsString')": /^(ACCESS_DENIED|READONLY)$/,
      'SELECT 1 SETTINGS max_execution_time = 0': /^SETTING_CONSTRAINT_VIOLATION$/,
      'SELECT 1 SETTINGS max_memory_usage = 0': /^SETTING_CONSTRAINT_VIOLATION$/,
      'SET readonly = 0': /^READONLY$/,
    }
    const answers = as('analyst', Object.keys(refused))
    for (const [i, [statement, refusal]] of Object.entries(refused).entries()) expect(answers[i], statement).toMatch(refusal)
  })
})

describe('docker/clickhouse/server.xml', () => {
  it('is merged into a configuration, of which it closes the doors that nobody uses', () => {
    const packaged = `<clickhouse>
      <logger><level>trace</level><log>/nowhere/server.log</log><errorlog>/nowhere/error.log</errorlog></logger>
      <mysql_port>9004</mysql_port><postgresql_port>9005</postgresql_port><interserver_http_port>9009</interserver_http_port>
      <metric_log><database>system</database><table>metric_log</table></metric_log>
    </clickhouse>`
    const ask = ["SELECT value FROM system.server_settings WHERE name = 'interserver_http_port'"]
    expect(engine(packaged, ask)).toEqual(['9009'])
    expect(engine(packaged, ask, text('docker/clickhouse/server.xml'))).not.toEqual(['9009'])
    expect(() => engine(packaged, ask, text('docker/clickhouse/server.xml').replace('</logger>', ''))).toThrow('said nothing')
  })

  it('serves its metrics where Prometheus asks for them', () => {
    const [, port] = /<prometheus>[\s\S]*?<port>(\d+)<\/port>/.exec(text('docker/clickhouse/server.xml')) ?? []
    expect(text('docker/prometheus/prometheus.yml')).toContain(`clickhouse:${port}`)
  })
})
