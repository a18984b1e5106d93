import { Argument, type Command, Option } from 'commander'
import type { Feed } from '../connectors/feeds/feed.ts'
import type { KiteListed } from '../connectors/feeds/kite/instruments.ts'
import { TickloomError } from '../core/errors.ts'
import { type Contract, type Instruments, nameOf } from '../core/instruments.ts'
import { date, list, type Strikes, wrongFlag } from './flags.ts'

export const exchanges = ['bybit', 'kite'] as const
export type Exchange = (typeof exchanges)[number]

/** What of an exchange's quotes is wanted, and where it is; the flags as commander gives them. */
export interface ExchangeFlags {
  readonly coins?: string[]
  readonly symbols?: string[]
  readonly strikes?: Strikes
  readonly expireBy?: string
  readonly listing?: string
  readonly instruments?: string
  readonly rest?: string
  readonly stream?: string
}

/** Flags that only one exchange has; symbols and strikes are flags of other origins, too. */
const own: Readonly<Record<string, Exchange | 'any'>> = {
  coins: 'bybit',
  expireBy: 'kite',
  instruments: 'kite',
  listing: 'any',
  rest: 'any',
  stream: 'any',
}

export const exchangeArgument = (): Argument =>
  new Argument('[exchange]', 'publish what this exchange sends, until SIGTERM or Ctrl-C').choices([...exchanges])
export const exchangeOption = (): Option =>
  new Option('--feed <exchange>', 'run on what this exchange sends, in this process, without Kafka').choices([...exchanges])

/** Adds what says which quotes of an exchange are wanted; `--symbols` and `--strikes` are the verb's. */
export function withExchangeFlags(command: Command): Command {
  return command
    .option('--coins <list>', 'of bybit: coins whose options are wanted, such as BTC,ETH', list)
    .option('--expire-by <date>', 'of kite: contracts that expire on this day at the latest', date)
    .option('--listing <file>', "of an exchange: where the day's list of its instruments is kept, so that it is not asked at every start")
    .option('--instruments <file>', "of kite: the day's dump of instruments, CSV or gzipped, where something else fetches it")
    .option('--rest <url>', "of an exchange: where its HTTP interface is, when it is not the exchange's own")
    .option('--stream <url>', 'of an exchange: where its WebSocket is')
}

/** Throws OPTION_INVALID for flags that the exchange, or a run without one, has no use for. */
export function checkExchange(exchange: Exchange | undefined, flags: ExchangeFlags): void {
  const given = flags as Readonly<Record<string, unknown>>
  for (const [name, of] of Object.entries(own)) {
    const flag = `--${name.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`)}`
    if (given[name] === undefined || of === exchange || (of === 'any' && exchange !== undefined)) continue
    throw wrongFlag(flag, `${flag} is of ${of === 'any' ? 'an exchange' : of}`)
  }
  if (exchange === 'bybit' && (flags.symbols ?? flags.strikes) !== undefined)
    throw wrongFlag('--symbols', '--symbols and --strikes are not of bybit, which takes --coins')
  if (exchange === 'kite' && flags.symbols === undefined) throw wrongFlag('--symbols', 'kite needs --symbols, such as NIFTY,BANKNIFTY')
  for (const name of ['rest', 'stream'] as const) {
    const url = flags[name]
    const schemes = name === 'rest' ? ['http:', 'https:'] : ['ws:', 'wss:']
    if (url !== undefined && !(URL.canParse(url) && schemes.includes(new URL(url).protocol)))
      throw wrongFlag(`--${name}`, `--${name} is an address that begins with ${schemes.join('// or ')}//`)
  }
}

/** The feed of the flags, not begun. Throws OPTION_INVALID; key and token are in the environment, never in a flag. */
export async function openExchange(
  exchange: Exchange,
  flags: ExchangeFlags,
  instruments: Instruments,
  say: (message: string) => void,
): Promise<Feed> {
  const { rest, stream, listing } = flags
  if (exchange === 'bybit') {
    const [{ BybitFeed }, { parseBybitSymbol }] = await Promise.all([
      import('../connectors/feeds/bybit/feed.ts'),
      import('../markets/bybit/symbols.ts'),
    ])
    const coins = flags.coins ?? ['BTC']
    return new BybitFeed({ coins, instruments, nameOf: (symbol) => nameOf(parseBybitSymbol(symbol)), rest, stream, listingFile: listing, say })
  }
  const [{ KiteFeed }, { KiteCredentials }, { kiteContract }] = await Promise.all([
    import('../connectors/feeds/kite/feed.ts'),
    import('../connectors/feeds/kite/credentials.ts'),
    import('../markets/nse/kiteContracts.ts'),
  ])
  const credentials = new KiteCredentials(secret('KITE_API_KEY'), secret('KITE_ACCESS_TOKEN'))
  const named = (listed: KiteListed): string | undefined => (mayBe(listed, flags) ? wantedName(kiteContract(listed), flags) : undefined)
  return new KiteFeed({ credentials, instruments, nameOf: named, rest, stream, file: flags.instruments, keep: listing, say })
}

function secret(name: string): string {
  const value = process.env[name]
  if (value === undefined || value === '')
    throw new TickloomError('OPTION_INVALID', `kite needs the environment variable ${name}`, { variable: name })
  return value
}

/** Rows of the dump that may be of the symbols: contracts by what they are written on; shares of the NSE, where each has one row. */
function mayBe({ name, type, segment, exchange }: KiteListed, { symbols = [] }: ExchangeFlags): boolean {
  if (type === 'EQ') return segment === 'INDICES' || exchange === 'NSE'
  // What BCD lists is also of CDS, under the same names.
  return (type === 'FUT' || type === 'CE' || type === 'PE') && !segment.startsWith('BCD') && symbols.includes(name)
}

function wantedName(contract: Contract, { symbols = [], strikes, expireBy }: ExchangeFlags): string | undefined {
  if (!symbols.includes(contract.underlying)) return undefined
  if (contract.kind !== 'spot' && expireBy !== undefined && contract.expiry > expireBy) return undefined
  if (contract.kind === 'option' && strikes !== undefined) {
    const { strike } = contract
    if (Array.isArray(strikes) ? !strikes.includes(strike) : strike < strikes.min || strike > strikes.max) return undefined
  }
  return nameOf(contract)
}
