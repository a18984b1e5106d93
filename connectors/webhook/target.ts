import { TickloomError } from '../../core/errors.ts'
import type { Answer, Asked } from './line.ts'
import type { Message } from './message.ts'

/** Whom alerts are told: how a message is asked of it, and what its answers mean. */
export interface Target {
  /** Without anything secret. */
  readonly name: string
  readonly url: URL
  /** Texts that must be in no log and no error. */
  readonly secrets: readonly string[]
  /** Alerts that one message tells whole. */
  readonly most: number
  /** Messages at once, and a minute. */
  readonly rate: { readonly burst: number; readonly perMinute: number }
  ask(message: Message): Asked
  /** undefined: accepted. `retryAfter` in milliseconds, where it is said. */
  failure(answer: Answer): Failure | undefined
  /** A request that changes nothing and keeps the connection open. */
  readonly idle?: Asked
}
export interface Failure {
  readonly text: string
  readonly retry: boolean
  readonly retryAfter?: number
}

/**
 * POST of JSON (`Message`) to an address of the user's own. The header `Idempotency-Key` has the message's id, the same
 * at every repetition. Statuses 200 to 299 accept it; 408, 425, 429 and 500 to 599 are tried again, others are not.
 * Path and query may hold a key, so neither is shown. Throws OPTION_INVALID.
 */
export function webhookTarget(address: string): Target {
  const url = addressOf(address, '--webhook')
  const secrets = [
    url.href,
    `${url.pathname}${url.search}`,
    url.search.slice(1),
    ...url.pathname.split('/'),
    url.password,
    ...url.searchParams.values(),
  ]
  return {
    name: `webhook ${url.protocol}//${url.host}`,
    url,
    secrets: longEnough(secrets),
    most: 100,
    rate: { burst: 10, perMinute: 60 },
    ask: (message) => posted(url, JSON.stringify(message), message.id),
    failure: ({ status, retryAfter }) =>
      status >= 200 && status < 300 ? undefined : { text: `answered ${status}`, retry: mayPass(status), retryAfter },
  }
}

export interface TelegramOptions {
  readonly token: string
  /** A number, or @channel. */
  readonly chat: string
  /** Default https://api.telegram.org. */
  readonly base?: string
}

/** Telegram's limit for a text. */
const LONGEST = 4096

/**
 * `sendMessage` of a Telegram bot, or of a server that speaks the same. It knows no idempotency key: an answer that is
 * lost makes a message come twice. Throws OPTION_INVALID, which does not show the token.
 */
export function telegramTarget({ token, chat, base = 'https://api.telegram.org' }: TelegramOptions): Target {
  if (!/^\d+:[\w-]+$/.test(token))
    throw new TickloomError('OPTION_INVALID', 'TELEGRAM_BOT_TOKEN is not as 123456:letters-and-digits, which is what BotFather gives', {
      option: 'TELEGRAM_BOT_TOKEN',
    })
  if (!/^(-?\d+|@\w+)$/.test(chat))
    throw new TickloomError('OPTION_INVALID', `--telegram-chat ${chat} is neither a number nor @channel`, { option: '--telegram-chat' })
  const root = addressOf(base, '--telegram-base')
  const at = (method: string): URL => new URL(`${root.href.replace(/\/$/, '')}/bot${token}/${method}`)
  const url = at('sendMessage')
  return {
    name: `telegram ${chat}`,
    url,
    secrets: longEnough([token, token.slice(token.indexOf(':') + 1)]),
    most: 15,
    rate: { burst: 5, perMinute: 20 },
    ask: ({ id, text }) => posted(url, JSON.stringify({ chat_id: chat, text: cut(text, LONGEST), link_preview_options: { is_disabled: true } }), id),
    failure: telegramFailure,
    idle: { method: 'GET', url: at('getMe') },
  }
}

function telegramFailure({ status, text, retryAfter }: Answer): Failure | undefined {
  const said = parsed(text)
  if (status === 200 && said?.ok === true) return undefined
  const wait = said?.parameters?.retry_after
  return {
    text: `answered ${status}${typeof said?.description === 'string' ? ` (${said.description.slice(0, 200)})` : ''}`,
    retry: status === 200 || mayPass(status),
    retryAfter: typeof wait === 'number' && wait >= 0 ? wait * 1000 : retryAfter,
  }
}

interface TelegramAnswer {
  readonly ok?: unknown
  readonly description?: unknown
  readonly parameters?: { readonly retry_after?: unknown } | null
}

function parsed(text: string): TelegramAnswer | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    // An answer of somebody between, such as a proxy's page: its status says enough.
    return undefined
  }
}

function posted(url: URL, body: string, id: string): Asked {
  return { method: 'POST', url, body, headers: { 'content-type': 'application/json', 'idempotency-key': id, 'user-agent': 'tickloom' } }
}

const mayPass = (status: number): boolean => status === 408 || status === 425 || status === 429 || status >= 500

/** Between two characters, not within one that takes two units. */
function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}

/** What is short is no secret, and would blank out half of every message. */
const longEnough = (secrets: readonly string[]): string[] => secrets.filter((secret) => secret.length >= 8).sort((a, b) => b.length - a.length)

/** The address is not shown: it may hold a key. */
function addressOf(address: string, option: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new TickloomError('OPTION_INVALID', `${option} is no address that begins with http:// or https://`, { option })
  return url
}
