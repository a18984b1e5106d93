import { BarGatherer } from './bars/gatherBars.ts'
import type { Receiver } from './block.ts'
import { isUnreadable, type ParquetMember, peek } from './container.ts'
import { type FormatName, layoutOf } from './formats.ts'
import { Gatherer, type Reading } from './gather.ts'
import type { Layout } from './layout.ts'
import { layoutOfMapping } from './mappedLayout.ts'
import type { Mapping } from './mapping.ts'
import { type InputFile, inputMembers } from './members.ts'
import { openParquet, type ParquetFile } from './parquetFile.ts'
import { planParquet, scanParquet } from './parquetScan.ts'
import type { PackMarkets, Refusal } from './ports.ts'
import { Damage, type LedgerEntry } from './reasons.ts'
import { Scanner } from './scanner.ts'
import { textOf } from './slowField.ts'
import { Spill, type Spilled } from './spill.ts'
import { Tally } from './tally.ts'

/** Bytes of a member in which its first line is looked for. */
const FIRST = 64 << 10
/** Odd prices told of one input. */
const REMARKS = 20

/** Inputs, or a share of one, to be read in this order. */
export interface ReadTask {
  readonly inputs: readonly InputFile[]
  readonly format?: FormatName
  readonly mapping?: Mapping
  readonly volume?: Layout['volume']
  /** File for the rows. */
  readonly spill: string
  /** Whether somebody will ask which line a row was. */
  readonly withOrigin: boolean
}

/** What was read: the rows, where each member's went, and how many lines that were rows there were. */
export interface ReadResult {
  readonly spilled: readonly Spilled[]
  /** By the number that rows carry as `source`. */
  readonly members: readonly { readonly input: string; readonly member: string }[]
  readonly entries: readonly LedgerEntry[]
  readonly rows: number
  readonly warnings: readonly string[]
}

/** Whoever takes the rows of one member after the other, and is told what becomes of each. */
interface MemberReceiver extends Receiver {
  begin(reading: Reading): void
  /** The member is whole: its rows stay. Answers what is odd about them. */
  keep(): string[]
  /** The member cannot be trusted: what it brought goes, and is counted by the reason given. */
  takeBack(refusal: Refusal): void
}

type Gatherers = (rows: Layout['rows']) => MemberReceiver

/** The file for bars, beside that for ticks. */
export function barsFile(spill: string): string {
  return `${spill}.bars`
}

/** Reads members to columns on disk by folder of the lake. Every row ends in the entries exactly once. */
export async function readInput(task: ReadTask, markets: PackMarkets, onProgress: (bytes: number, rows: number) => void): Promise<ReadResult> {
  const spill = new Spill(task.spill, task.withOrigin)
  const ticks = new Gatherer(markets, spill)
  let bars: BarGatherer | undefined
  const gatherers: Gatherers = (rows) => (rows === 'ticks' ? ticks : (bars ??= new BarGatherer(markets, barsFile(task.spill))))
  const members: { input: string; member: string }[] = []
  const entries: LedgerEntry[] = []
  const warnings: string[] = []
  let rows = 0
  for (const input of task.inputs)
    for await (const entry of inputMembers(input, (bytes) => onProgress(bytes, 0))) {
      const tally = new Tally(input.path, entry.name)
      if (isUnreadable(entry)) tally.add(entry.damage.reason, NaN, 0, () => ({ line: 0, text: entry.damage.message }))
      else if ('parquet' in entry) warnings.push(...(await readParquet(task, entry, members.length, gatherers, markets, tally)))
      else {
        const { head, whole, failed } = await peek(entry.pieces, FIRST)
        const layout = layoutFor(task, head, failed)
        if (typeof layout === 'string') await countOnly(whole, layout, tally)
        else {
          const gatherer = gatherers(layout.rows)
          gatherer.begin({ name: entry.name, index: members.length, layout, tally })
          warnings.push(...(await scan(whole, layout, gatherer, markets, tally)))
        }
      }
      members.push({ input: input.path, member: entry.name })
      rows += tally.rows
      onProgress(0, tally.rows)
      entries.push(...tally.entries())
    }
  return { spilled: [...spill.close(), ...(bars?.close() ?? [])], members, entries, rows, warnings: warnings.slice(0, REMARKS) }
}

/** A text is why there is no layout; empty: there is nothing to lay out. */
function layoutFor({ format, mapping, volume }: ReadTask, head: Uint8Array, failed: unknown): Layout | string {
  const skipped = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0
  const end = head.indexOf(10)
  const line = textOf(head, skipped, end < 0 ? head.length : end)
  if (line.trim() === '' && end < 0 && failed === undefined) return ''
  return layoutOfHeading({ format, mapping, volume }, line)
}

function layoutOfHeading({ format, mapping, volume }: Pick<ReadTask, 'format' | 'mapping' | 'volume'>, line: string): Layout | string {
  const layout = mapping === undefined ? layoutOf(line, format) : layoutOfMapping(mapping, line)
  if (layout === undefined) return `begins with no heading that is known${format === undefined ? '' : ` of ${format}`}`
  return typeof layout === 'string' || volume === undefined ? layout : { ...layout, volume }
}

/** A member that cannot be read as rows: its lines are counted all the same. */
async function countOnly(pieces: AsyncIterable<Uint8Array>, why: string, tally: Tally): Promise<void> {
  let lines = 0
  let first = ''
  let filled = false
  let damage: Damage | undefined
  try {
    for await (const piece of pieces) {
      if (first === '') first = textOf(piece, 0, Math.min(piece.length, 100)).split('\n')[0]
      for (let i = 0; i < piece.length; i++) {
        const c = piece[i]
        if (c === 10) {
          if (filled) lines++
          filled = false
        } else if (c !== 13) filled = true
      }
    }
  } catch (cause) {
    if (!(cause instanceof Damage)) throw cause
    damage = cause
  }
  if (filled) lines++
  if (damage !== undefined) {
    const { reason, message } = damage
    // Bytes that are wrong may have hidden the heading.
    const rows = reason === 'truncated_container' ? 0 : lines
    tally.add(reason, NaN, rows, () => ({ line: 0, text: message }))
    lines -= rows
  } else if (lines === 0) tally.add('empty_file', NaN, 0)
  if (lines > 0) tally.add('unknown_format', NaN, lines, () => ({ line: 1, text: `${why}: ${first}` }))
}

async function scan(
  pieces: AsyncIterable<Uint8Array>,
  layout: Layout,
  gatherer: MemberReceiver,
  markets: PackMarkets,
  tally: Tally,
): Promise<string[]> {
  const scanner = new Scanner(layout, gatherer, markets[layout.market].zone.offset)
  let damage: Damage | undefined
  try {
    for await (const piece of pieces) scanner.feed(piece)
  } catch (cause) {
    if (!(cause instanceof Damage)) throw cause
    damage = cause
  }
  const torn = scanner.end(damage !== undefined)
  if (damage === undefined) return kept(gatherer, tally)
  const odd = afterDamage(damage, gatherer)
  tally.add(damage.reason, NaN, torn === undefined ? 0 : 1, () => ({ line: torn === undefined ? 0 : scanner.line, text: torn ?? damage.message }))
  return odd
}

function kept(gatherer: MemberReceiver, tally: Tally): string[] {
  const odd = gatherer.keep()
  if (tally.rows === 0) tally.add('empty_file', NaN, 0)
  return odd
}

/** What came before a break is as it was; what came with a wrong checksum may be anything. */
function afterDamage({ reason, message }: Damage, gatherer: MemberReceiver): string[] {
  if (reason === 'truncated_container') return gatherer.keep()
  gatherer.takeBack({ reason, detail: message })
  return []
}

/** A Parquet file has a footer that says how many rows it has: those that cannot be read are counted too. */
async function readParquet(
  task: ReadTask,
  { name, parquet }: ParquetMember,
  index: number,
  gatherers: Gatherers,
  markets: PackMarkets,
  tally: Tally,
): Promise<string[]> {
  let file: ParquetFile | undefined
  try {
    file = await openParquet(parquet, name)
    const heading = file.columns.map((column) => column.name.replaceAll(/[,;|\t]/g, ' ')).join(task.mapping?.separator ?? ',')
    const layout = layoutOfHeading(task, heading)
    const plan = typeof layout === 'string' ? layout : planParquet(file.columns, layout)
    if (file.rows === 0) tally.add('empty_file', NaN, 0)
    else if (typeof plan === 'string') tally.add('unknown_format', NaN, file.rows, () => ({ line: 0, text: `${plan}: ${heading}` }))
    else {
      const gatherer = gatherers(plan.layout.rows)
      gatherer.begin({ name, index, layout: plan.layout, tally })
      const { rows, damage } = await scanParquet(file, plan, gatherer, markets[plan.layout.market].zone.offset)
      if (damage === undefined) return kept(gatherer, tally)
      const odd = afterDamage(damage, gatherer)
      const unread = file.rows - rows
      tally.add(damage.reason, NaN, unread, () => ({ line: rows + 1, text: damage.message }))
      return odd
    }
  } catch (cause) {
    if (!(cause instanceof Damage)) throw cause
    tally.add(cause.reason, NaN, 0, () => ({ line: 0, text: cause.message }))
  } finally {
    file?.close()
  }
  return []
}
