import { readFileSync, writeFileSync } from 'node:fs'
import { TickloomError } from '../../../core/errors.ts'
import { ownTemporary, writeAtomically } from '../../parquet/atomic.ts'
import { getJson } from '../get.ts'

/** An option that trades. `delivery`: when it ends, milliseconds since the epoch. */
export interface ListedOption {
  readonly symbol: string
  readonly delivery: number
}

export interface ListingOptions {
  /** Such as https://api.bybit.com. */
  readonly rest: string
  readonly coins: readonly string[]
  /** Options of a page. */
  readonly page: number
  /** For one answer, milliseconds. */
  readonly timeout: number
}

/** A listing kept in a file. `at`: when it was fetched, milliseconds since the epoch. */
export interface KeptListing {
  readonly at: number
  readonly options: readonly ListedOption[]
}

/** More pages than any coin has: a cursor that goes round is not followed for ever. */
const MOST_PAGES = 100
const LARGEST_PAGE = 16_000_000

/**
 * All options of the coins that trade now, page by page, each once. Throws FEED_UNREACHABLE and FEED_REFUSED, which it
 * also is when a coin has no option at all.
 */
export async function fetchListing(options: ListingOptions, signal: AbortSignal): Promise<ListedOption[]> {
  const found = new Map<string, ListedOption>()
  for (const coin of options.coins) {
    const before = found.size
    for (const option of await optionsOf(coin, options, signal)) found.set(option.symbol, option)
    if (found.size === before) throw new TickloomError('FEED_REFUSED', `${coin} has no options at ${options.rest}`, { coin })
  }
  return [...found.values()]
}

async function optionsOf(coin: string, { rest, page, timeout }: ListingOptions, signal: AbortSignal): Promise<ListedOption[]> {
  const found: ListedOption[] = []
  const seen = new Set<string>()
  for (let cursor = ''; ; ) {
    const query = new URLSearchParams({ category: 'option', baseCoin: coin, limit: String(page), ...(cursor === '' ? {} : { cursor }) })
    const { options, next } = pageOf(await getJson(`${rest}/v5/market/instruments-info?${query}`, { signal, timeout, largest: LARGEST_PAGE }), rest)
    found.push(...options)
    if (next === '') return found
    if (seen.has(next) || seen.size === MOST_PAGES)
      throw new TickloomError('FEED_UNREACHABLE', `the pages of ${coin}'s options have no end`, { coin })
    seen.add(next)
    cursor = next
  }
}

function pageOf(answer: unknown, rest: string): { options: ListedOption[]; next: string } {
  const { retCode, retMsg, result } = (answer ?? {}) as { retCode?: unknown; retMsg?: unknown; result?: { list?: unknown; nextPageCursor?: unknown } }
  if (retCode !== 0) {
    // Too many requests, and a fault of the server: both pass.
    const passes = retCode === 10006 || retCode === 10016 || retCode === 10000
    throw new TickloomError(passes ? 'FEED_UNREACHABLE' : 'FEED_REFUSED', `${rest} answered ${String(retCode)}: ${String(retMsg)}`, { retCode })
  }
  if (!Array.isArray(result?.list)) throw new TickloomError('FEED_UNREACHABLE', `${rest} answered without a list`, {})
  const options = (result.list as Readonly<Record<string, unknown>>[])
    .filter(({ symbol, status }) => status === 'Trading' && typeof symbol === 'string')
    .map(({ symbol, deliveryTime }) => ({ symbol: symbol as string, delivery: Number(deliveryTime) }))
  return { options, next: typeof result.nextPageCursor === 'string' ? result.nextPageCursor : '' }
}

/** What is kept of the same coins of the same exchange; undefined: nothing that could be read. */
export function readListing(file: string, { rest, coins }: ListingOptions): KeptListing | undefined {
  try {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as {
      version?: unknown
      rest?: unknown
      coins?: unknown
      at: number
      options: [string, number][]
    }
    if (kept.version !== 1 || kept.rest !== rest || JSON.stringify(kept.coins) !== JSON.stringify(coins)) return undefined
    return { at: kept.at, options: kept.options.map(([symbol, delivery]) => ({ symbol, delivery })) }
  } catch {
    // Not there, or half of one: it is only a short cut, and the exchange is asked.
    return undefined
  }
}

/** Throws OUTPUT_UNWRITABLE and DISK_FULL. */
export async function keepListing(file: string, { rest, coins }: ListingOptions, { at, options }: KeptListing): Promise<void> {
  const text = JSON.stringify({ version: 1, rest, coins, at, options: options.map(({ symbol, delivery }) => [symbol, delivery]) })
  await writeAtomically(file, async (temporary) => writeFileSync(temporary, text), ownTemporary(file))
}
