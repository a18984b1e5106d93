import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Board } from '../connectors/board/board.ts'
import type { Answer, Routes, Streamed } from '../runtime/http.ts'
import { chainPage, chainPolicy } from './chainPage.ts'
import { type Chain, ChainView, chainColumns } from './chainView.ts'

export interface ChainServerOptions {
  /** Kept with `boardColumns`. */
  readonly board: Board
  /** Milliseconds between two looks at what changed. Default 300. */
  readonly pace?: number
  /** Pages at once; one more is answered 503. Default 32. */
  readonly most?: number
  /** Milliseconds in which a page must have taken what it was sent; it is cut off otherwise. Default 15,000. */
  readonly patience?: number
  /** Seconds after which a quote is shown dimmed. Default 60. */
  readonly staleAfter?: number
  /** Numbers for the page's status line, by name: `gaps` and what else the tracker counts. */
  status?(): Readonly<Record<string, number>>
}

interface Reader {
  readonly response: ServerResponse
  /** What was asked for; the first chain there is where nothing was. */
  readonly asked: { readonly underlying: string; readonly expiry: string } | undefined
  chosen: Pick<Chain, 'underlying' | 'expiry'> | undefined
  /** Version of the board that it knows; -1: nothing, so all is sent. */
  version: number
  generation: number
  revision: number
  /** Since when what it was sent last is not taken; NaN: it is. */
  stuck: number
}

const STATUS = 1000

/**
 * The chain page and its live rows, as routes of an HTTP server.
 *
 *     GET /chain          the page; GET / is the same
 *     GET /chain/events   ?underlying=U&expiry=E   Server-Sent Events: `full` first, then `rows` that changed, `chains`
 *                         when there are others, `status` every second
 *
 * The id of an event is the version of the board, so who comes back with `Last-Event-ID` to the same process is sent what
 * changed meanwhile. A page that has not taken what it was sent gets no more until it has, then all that changed in one: a
 * slow one costs one update of memory, and is cut off when it takes nothing for `patience`. Nothing runs without a page.
 */
export class ChainServer {
  /** Since the start. `skipped`: looks at the board for which a page was not ready; it gets what changed with a later one. */
  readonly counts: { sent: number; skipped: number; cut: number } = { sent: 0, skipped: 0, cut: 0 }
  readonly #options: Required<Omit<ChainServerOptions, 'status'>> & Pick<ChainServerOptions, 'status'>
  readonly #view: ChainView
  readonly #readers = new Set<Reader>()
  readonly #boot = randomBytes(4).toString('hex')
  /** Texts of this look at the board, by chain and version: readers abreast share them. */
  readonly #texts = new Map<string, string>()
  #timer: NodeJS.Timeout | undefined
  #told = { at: 0, written: 0, text: '' }

  constructor(options: ChainServerOptions) {
    this.#options = { pace: 300, most: 32, patience: 15_000, staleAfter: 60, ...options }
    this.#view = new ChainView(options.board)
  }

  get pages(): number {
    return this.#readers.size
  }

  get routes(): Routes {
    const page = (): Answer => {
      const headers = { 'content-security-policy': chainPolicy(), 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' }
      return { status: 200, type: 'text/html; charset=utf-8', text: chainPage(), headers }
    }
    return { '/chain': page, '/': page, '/chain/events': (request) => this.#admit(request) }
  }

  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    for (const { response } of this.#readers) response.end()
    this.#readers.clear()
  }

  #admit(request: IncomingMessage): Answer | Streamed {
    if (this.#readers.size >= this.#options.most) return { status: 503, type: 'text/plain', text: `${this.#options.most} pages are open already\n` }
    return { stream: (response) => this.#open(request, response) }
  }

  #open(request: IncomingMessage, response: ServerResponse): void {
    const query = new URL(request.url ?? '', 'http://page').searchParams
    const [underlying, expiry] = [query.get('underlying'), query.get('expiry')]
    const asked = underlying === null || expiry === null ? undefined : { underlying, expiry }
    const [boot, generation, version] = String(request.headers['last-event-id'] ?? '').split('.')
    const resumes = boot === this.#boot && asked !== undefined
    const reader: Reader = {
      response,
      asked,
      chosen: resumes ? asked : undefined,
      version: resumes ? Number(version) : -1,
      generation: resumes ? Number(generation) : -1,
      revision: -1,
      stuck: Number.NaN,
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
    response.socket?.setNoDelay(true)
    response.write('retry: 1500\n\n')
    response.on('close', () => this.#leave(reader))
    response.on('error', () => this.#leave(reader))
    this.#readers.add(reader)
    // While nobody looked, nobody counted: the first status says no rate.
    if (this.#timer === undefined) this.#told = { at: -Infinity, written: this.#options.board.written, text: '' }
    this.#timer ??= setInterval(() => this.#look(), this.#options.pace)
    this.#timer.unref()
    this.#look()
  }

  #leave(reader: Reader): void {
    this.#readers.delete(reader)
    if (this.#readers.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    const version = this.#options.board.mark()
    this.#view.cover()
    const now = performance.now()
    const beat = now - this.#told.at >= STATUS
    if (beat) this.#told = { at: now, written: this.#options.board.written, text: this.#status((now - this.#told.at) / 1000) }
    for (const reader of this.#readers) this.#serve(reader, version, beat, now)
    this.#texts.clear()
  }

  #serve(reader: Reader, version: number, beat: boolean, now: number): void {
    if (reader.response.writableLength > 0) {
      this.counts.skipped++
      if (Number.isNaN(reader.stuck)) reader.stuck = now
      else if (now - reader.stuck > this.#options.patience) {
        this.counts.cut++
        reader.response.destroy()
        this.#leave(reader)
      }
      return
    }
    reader.stuck = Number.NaN
    const text = this.#news(reader, version) + (beat ? this.#told.text : '')
    if (text === '') return
    reader.response.write(text)
    this.counts.sent++
  }

  /** What the reader does not know yet. */
  #news(reader: Reader, version: number): string {
    const { generation } = this.#options.board
    const { revision } = this.#view
    if (reader.chosen === undefined || reader.generation !== generation || !(reader.version >= 0 && reader.version <= version))
      return this.#everything(reader, version)
    const others = reader.revision === revision ? '' : event('chains', `{"chains":${this.#view.chainsText()}}`)
    reader.revision = revision
    if (reader.version === version) return others
    const rows = this.#rows(reader.chosen, reader.version)
    reader.version = version
    return rows === '' ? others : others + event('rows', rows, this.#id(version))
  }

  #everything(reader: Reader, version: number): string {
    const { generation } = this.#options.board
    const chosen = reader.asked ?? this.#view.first()
    if (chosen === undefined && reader.revision === this.#view.revision) return ''
    reader.chosen = chosen
    reader.revision = this.#view.revision
    const { staleAfter } = this.#options
    const about = { ...(chosen && { underlying: chosen.underlying, expiry: chosen.expiry }), columns: chainColumns, staleAfter }
    const rows = (chosen && this.#rows(chosen, -1)) || '{"rows":[]}'
    if (chosen !== undefined) {
      reader.version = version
      reader.generation = generation
    }
    const data = `${JSON.stringify(about).slice(0, -1)},"chains":${this.#view.chainsText()},${rows.slice(1)}`
    return event('full', data, this.#id(version))
  }

  /** '' where nothing changed since; the reader's clock is no part of it, so the server's is sent along. */
  #rows({ underlying, expiry }: Pick<Chain, 'underlying' | 'expiry'>, since: number): string {
    const key = `${underlying}:${expiry}:${since}`
    const known = this.#texts.get(key)
    if (known !== undefined) return known
    const chain = this.#view.chain(underlying, expiry)
    const rows = chain === undefined ? '[]' : this.#view.rowsText(chain, since)
    const forward = chain && this.#view.forward(chain)
    const text = rows === '[]' && since >= 0 ? '' : `{"now":${Date.now()},"forward":${JSON.stringify(forward ?? null)},"rows":${rows}}`
    this.#texts.set(key, text)
    return text
  }

  #status(seconds: number): string {
    const { board, status } = this.#options
    const updates = seconds === Infinity ? null : Math.round((board.written - this.#told.written) / seconds)
    return event('status', JSON.stringify({ now: Date.now(), updates, symbols: board.rows.n, ...status?.() }))
  }

  #id(version: number): string {
    return `${this.#boot}.${this.#options.board.generation}.${version}`
  }
}

/** JSON has no line breaks, so it is one line of data. */
function event(name: string, json: string, id?: string): string {
  return `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${json}\n\n`
}
