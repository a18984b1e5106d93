import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { embeddedEngine } from '../../connectors/clickhouse/engine.ts'

/**
 * What goes wrong with a request. `refuse`: the connection is reset before anything is read. `error`: 500 without
 * running it. `silence`: it is never answered, nor run. `halfBody`: the engine sees half of the body. `halfAnswer`: it
 * is run, and the answer breaks off. `lostAnswer`: it is run, and the connection is reset before the answer.
 */
export type FrontFault = 'refuse' | 'error' | 'silence' | 'halfBody' | 'halfAnswer' | 'lostAnswer'

export interface ClickHouseFront {
  readonly url: string
  /** Requests that came, faulty ones among them. */
  requests: number
  /** The next `times` requests whose query matches go wrong that way. */
  fail(fault: FrontFault, times: number, query?: RegExp): void
  close(): Promise<void>
}

interface Planned {
  fault: FrontFault
  left: number
  query: RegExp
}

/** The ClickHouse engine of this process behind real HTTP, as far as @clickhouse/client uses it, with faults on demand. */
export async function clickhouseFront(): Promise<ClickHouseFront> {
  const bodies = mkdtempSync(join(tmpdir(), 'clickhouse-front-'))
  const planned: Planned[] = []
  // One at a time: settings of a request are SETs on the one session.
  let turn: Promise<unknown> = Promise.resolve()
  const server: Server = createServer((req, res) => {
    front.requests++
    turn = turn
      .then(() => answer(req, res, planned, bodies))
      .catch((thrown: unknown) => {
        if (!res.headersSent) res.writeHead(500)
        res.end(String(thrown))
      })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const front: ClickHouseFront = {
    url: `http://127.0.0.1:${port}`,
    requests: 0,
    fail: (fault, left, query = /./) => {
      planned.push({ fault, left, query })
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      rmSync(bodies, { recursive: true, force: true })
    },
  }
  return front
}

async function answer(req: IncomingMessage, res: ServerResponse, planned: Planned[], bodies: string): Promise<void> {
  const url = new URL(req.url ?? '/', 'http://front')
  if (url.pathname === '/ping') {
    res.end('Ok.\n')
    return
  }
  const raw: Buffer[] = []
  for await (const chunk of req) raw.push(chunk as Buffer)
  const zipped = Buffer.concat(raw)
  const body = req.headers['content-encoding'] === 'gzip' ? gunzipSync(zipped) : zipped
  const inUrl = url.searchParams.get('query')
  const query = inUrl ?? body.toString()
  const fault = next(planned, query)
  if (fault === 'refuse') {
    req.socket.resetAndDestroy()
    return
  }
  if (fault === 'silence') return
  if (fault === 'error') {
    res.writeHead(500).end('upstream is down')
    return
  }
  const data = inUrl === null ? undefined : fault === 'halfBody' ? body.subarray(0, body.length >> 1) : body
  const { status, text, headers } = await run(query, data, url, bodies)
  if (fault === 'lostAnswer') {
    req.socket.resetAndDestroy()
    return
  }
  const zip = /gzip/.test(String(req.headers['accept-encoding'] ?? '')) && url.searchParams.get('enable_http_compression') === '1'
  const out = zip ? gzipSync(text) : Buffer.from(text)
  res.writeHead(status, {
    ...headers,
    'x-clickhouse-summary': '{}',
    ...(zip ? { 'content-encoding': 'gzip' } : {}),
    'content-length': out.length + (fault === 'halfAnswer' ? 10 : 0),
  })
  if (fault !== 'halfAnswer') {
    res.end(out)
    return
  }
  res.flushHeaders()
  res.write(out.subarray(0, out.length >> 1), () => req.socket.destroy())
}

function next(planned: Planned[], query: string): FrontFault | undefined {
  const plan = planned.find((p) => p.left > 0 && p.query.test(query))
  if (plan !== undefined) plan.left--
  return plan?.fault
}

const ofHttp = new Set([
  'query',
  'query_id',
  'session_id',
  'database',
  'default_format',
  'wait_end_of_query',
  'enable_http_compression',
  'http_write_exception_in_output_format',
])

interface Ran {
  status: number
  text: Uint8Array | string
  headers: Record<string, string>
}

async function run(query: string, body: Uint8Array | undefined, url: URL, bodies: string): Promise<Ran> {
  const settings = [...url.searchParams].filter(([name]) => !ofHttp.has(name) && !name.startsWith('param_') && name !== 'role')
  const database = url.searchParams.get('database') ?? 'default'
  const set = `USE \`${database}\`; ${settings.map(([name, value]) => `SET ${name} = '${value.replaceAll("'", "''")}'; `).join('')}`
  const params = Object.fromEntries(
    [...url.searchParams].filter(([name]) => name.startsWith('param_')).map(([name, value]) => [name.slice(6), value]),
  )
  try {
    const sql = body === undefined || body.length === 0 ? query : fromFile(query, body, bodies)
    const engine = embeddedEngine()
    const format = url.searchParams.get('default_format') ?? 'TabSeparated'
    const result =
      Object.keys(params).length > 0 ? await engine.queryBindAsync(set + sql, params, { format }) : await engine.queryAsync(set + sql, { format })
    return { status: 200, text: result.bytes(), headers: {} }
  } catch (thrown) {
    const said = (thrown as Error).message.replace(/^.*?(?=Code: )/s, '')
    const code = /^Code: (\d+)/.exec(said)?.[1] ?? '1000'
    return { status: code === '60' || code === '81' ? 404 : 500, text: `${said}\n`, headers: { 'x-clickhouse-exception-code': code } }
  }
}

/** The embedded engine takes no bodies: INSERT ... FORMAT F becomes INSERT ... SELECT FROM file(body, F), with a token as one that is deduplicated. */
function fromFile(query: string, body: Uint8Array, bodies: string): string {
  const path = join(bodies, 'body')
  writeFileSync(path, body)
  const [, head, format] = /^(.*)\sFORMAT\s+(\w+)\s*$/is.exec(query) ?? []
  const columns = /\(([^)]*)\)/.exec(head)?.[1] ?? '*'
  const [into, settings] = head.split(/\sSETTINGS\s/i)
  const all = [
    ...(/insert_deduplication_token/.test(settings ?? '') ? ["deduplicate_insert_select = 'force_enable'"] : []),
    ...(settings === undefined ? [] : [settings]),
  ]
  return `${into} ${all.length === 0 ? '' : `SETTINGS ${all.join(', ')}`} SELECT ${columns} FROM file('${path}', '${format}')`
}

/** A port on which nobody listens. */
export async function deadPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  connect(port, '127.0.0.1').on('error', () => {
    /* refused, as it must be */
  })
  return port
}
