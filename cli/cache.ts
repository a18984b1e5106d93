import { Argument, type Command, Option } from 'commander'
import type { CacheKind } from '../connectors/parquet/cacheKey.ts'
import type { CacheLine } from '../connectors/parquet/cacheList.ts'
import { type CommonFlags, verb, wrongFlag } from './flags.ts'
import { cacheOf } from './replayCache.ts'
import { shownBytes, shownNumber, table } from './tables.ts'

interface CacheFlags extends CommonFlags {
  readonly cache?: string
  readonly lake?: string
  readonly kind?: CacheKind
  readonly stale?: boolean
  readonly all?: boolean
}

/** `tickloom cache`: what replays have kept, and removing it. */
export function cacheVerb(): Command {
  return verb('cache', 'List what replays keep in their cache, or clear it.', [
    'tickloom cache list --cache ./cache',
    'tickloom cache list --lake ./lake --json',
    'tickloom cache clear --stale',
    'tickloom cache clear --lake ./lake --kind seconds',
    'tickloom cache clear --all',
  ])
    .addArgument(new Argument('<action>', 'list: say what is there; clear: remove what the flags name').choices(['list', 'clear']))
    .option('--cache <dir>', 'folder of the cache; by default TICKLOOM_CACHE')
    .option('--lake <dir>', 'only what is of this lake')
    .addOption(new Option('--kind <kind>', 'only decoded ticks, or only seconds').choices(['ticks', 'seconds']))
    .option('--stale', 'only what no replay will use any more')
    .option('--all', 'clear everything')
    .action(async (action: 'list' | 'clear', flags: CacheFlags) => {
      const lines = await linesOf(action, flags)
      if (action === 'clear') (await import('../connectors/parquet/cacheList.ts')).clearCache(lines)
      process.stdout.write(`${flags.json ? json(lines) : action === 'list' ? listed(lines) : cleared(lines)}\n`)
    })
}

/** What the flags name. Throws OPTION_INVALID without a folder, and for `clear` that names nothing. */
async function linesOf(action: 'list' | 'clear', { cache, lake, kind, stale, all }: CacheFlags): Promise<CacheLine[]> {
  const dir = cacheOf(cache, Infinity)?.dir
  if (dir === undefined) throw wrongFlag('--cache', 'there is no cache: name its folder with --cache or TICKLOOM_CACHE')
  const some = lake !== undefined || kind !== undefined || stale === true
  if (action === 'clear' && !some && !all) throw wrongFlag('--all', 'say what is to be cleared: --all, or some of --lake, --kind and --stale')
  if (all && (some || action === 'list')) throw wrongFlag('--all', '--all is for `clear`, without --lake, --kind and --stale')
  const [{ isOfLake, listCache }, { readingCode }, { secondsCode }] = await Promise.all([
    import('../connectors/parquet/cacheList.ts'),
    import('../connectors/parquet/cacheCode.ts'),
    import('./replaySeconds.ts'),
  ])
  const lines = await listCache(dir, (of) => (of === 'ticks' ? readingCode() : secondsCode()))
  return lines.filter(
    (line) => (lake === undefined || isOfLake(line, lake)) && (kind === undefined || line.kind === kind) && (!stale || line.stale !== undefined),
  )
}

function json(lines: readonly CacheLine[]): string {
  const files = lines.map(({ kind, path, bytes, used, of, rows, stale }) => ({
    kind,
    path,
    lake: of?.lake,
    day: of?.date,
    columns: of && Object.keys(of.columns),
    filter: of?.filter,
    settings: of?.settings,
    rows,
    bytes,
    lastUsed: new Date(used).toISOString(),
    stale: stale !== undefined,
    why: stale,
  }))
  return JSON.stringify({ files, bytes: sum(lines) }, undefined, 2)
}

function listed(lines: readonly CacheLine[]): string {
  const rows = lines.map((line) => [
    line.kind,
    line.of?.lake ?? line.path,
    line.of?.date ?? '',
    line.of === undefined ? '' : askedFor(line.of),
    line.rows === undefined ? '' : shownNumber(line.rows),
    shownBytes(line.bytes),
    new Date(line.used).toISOString().slice(0, 16).replace('T', ' '),
    line.stale ?? (line.of === undefined ? 'being written' : ''),
  ])
  const stale = lines.filter((line) => line.stale !== undefined)
  const all = `${shownNumber(lines.length)} file${lines.length === 1 ? '' : 's'}, ${shownBytes(sum(lines))}; stale: ${shownNumber(stale.length)}, ${shownBytes(sum(stale))}`
  return lines.length === 0 ? 'Nothing is kept.' : `${table(['kind', 'lake', 'day', 'of', 'rows', 'bytes', 'last used, UTC', 'stale'], rows)}\n${all}`
}

function cleared(lines: readonly CacheLine[]): string {
  return `${shownNumber(lines.length)} file${lines.length === 1 ? '' : 's'} removed, ${shownBytes(sum(lines))}`
}

/** Columns, then what of the filter and the settings is not as it is by default. */
function askedFor({ columns, filter, settings }: NonNullable<CacheLine['of']>): string {
  const limits = Object.entries(filter).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${shown(value)}`]))
  const set = Object.entries(settings).map(([name, value]) => `${name} ${value}`)
  return [Object.keys(columns).join(' '), ...limits, ...set].join(', ')
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.join(' ')
  return typeof value === 'object' ? Object.values(value as object).join('..') : String(value)
}

function sum(lines: readonly CacheLine[]): number {
  return lines.reduce((bytes, line) => bytes + line.bytes, 0)
}
