import { closeSync, existsSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Contract } from '../../core/instruments.ts'
import { writeAtomically } from '../parquet/atomic.ts'
import { BARS_MANIFEST, formatManifest, MANIFEST, type ManifestLine, readLines } from '../parquet/manifest.ts'

/** Text that is written at once. */
const PIECE = 4 << 20

/** A file of the lake. */
export interface LakeFileName {
  readonly date: string
  readonly path: string
}

/**
 * The manifests of a lake while one process packs into it, held as text: every commit writes the manifest whole, and
 * reading its lines again each time is most of what that costs where there are hundreds of days.
 */
export class Manifests {
  readonly #ticks: Book
  readonly #bars: Book

  constructor(lake: string) {
    this.#ticks = new Book(lake, MANIFEST)
    this.#bars = new Book(lake, BARS_MANIFEST)
  }

  /**
   * Names files, those of ticks all at once and those of bars, and no more those that these take the place of; then
   * deletes these. Without lines: only the latter. Commits that come while one is being written are written together.
   */
  async commit(lines: readonly ManifestLine[], gone: (file: LakeFileName) => boolean): Promise<void> {
    const isBar = ({ path }: ManifestLine): boolean => path.startsWith('bars/')
    const ticks = lines.filter((line) => !isBar(line))
    await this.#ticks.commit(ticks, gone)
    await this.#bars.commit(ticks.length === lines.length ? [] : lines.filter(isBar), gone)
  }

  /** The files of a folder, which begins with `ticks/` or `bars/`, that have rows of the contract. */
  namedIn(folder: string, date: string, contract: Contract): readonly string[] {
    const start = formatManifest([{ contract, date, rows: 0, min: 0, max: 0, path: '', order: 'time' }]).slice(heading.length)
    const cells = `${start.split(',').slice(0, 5).join(',')},`
    const book = folder.startsWith('bars/') ? this.#bars : this.#ticks
    return book.filesIn(folder).flatMap(({ path, text }) => (text.startsWith(cells) || text.includes(`\n${cells}`) ? [path] : []))
  }

  /** The files that are named, bars included. */
  files(): LakeFileName[] {
    return [...this.#ticks.files(), ...this.#bars.files()]
  }
}

interface Entry extends LakeFileName {
  /** Its lines, each with its line break. */
  readonly text: string
}

class Book {
  readonly #lake: string
  readonly #manifest: string
  /** By path. */
  #entries = new Map<string, Entry>()
  /** What the file on disk was when it was read or written last. */
  #seen = ''
  #current: Promise<unknown> = Promise.resolve()
  #busy = false
  #next: Promise<void> | undefined

  constructor(lake: string, manifest: string) {
    this.#lake = lake
    this.#manifest = manifest
  }

  filesIn(folder: string): Entry[] {
    this.#refresh()
    return [...this.#entries.values()].filter(({ path }) => path.startsWith(`${folder}/`))
  }

  files(): Iterable<LakeFileName> {
    this.#refresh()
    return this.#entries.values()
  }

  async commit(lines: readonly ManifestLine[], gone: (file: LakeFileName) => boolean): Promise<void> {
    this.#refresh()
    const fresh = entriesOf(lines)
    const dropped = [...this.#entries.values()].filter((entry) => gone(entry) && !fresh.has(entry.path))
    if (dropped.length === 0 && lines.length === 0) return
    for (const { path } of dropped) this.#entries.delete(path)
    for (const [path, entry] of fresh) {
      this.#entries.delete(path)
      this.#entries.set(path, entry)
    }
    await this.#written()
    for (const { path } of dropped) if (!this.#entries.has(path)) rmSync(join(this.#lake, path), { force: true })
  }

  /** When what is there now is on disk. */
  #written(): Promise<void> {
    this.#next ??= this.#current.then(
      () => this.#write(),
      () => this.#write(),
    )
    return this.#next
  }

  #write(): Promise<void> {
    // Whoever comes from here on has missed this one.
    this.#next = undefined
    const entries = [...this.#entries.values()].sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0))
    const path = join(this.#lake, this.#manifest)
    this.#busy = true
    const written = writeAtomically(path, async (temporary) => writePieces(temporary, entries))
      .then(() => {
        this.#seen = stateOf(path)
      })
      .finally(() => {
        this.#busy = false
      })
    this.#current = written
    return written
  }

  /** Reads the manifest where it is not what was written here last. */
  #refresh(): void {
    const path = join(this.#lake, this.#manifest)
    // While it is being written, it is this process that changes it.
    if (this.#next !== undefined || this.#busy) return
    const state = stateOf(path)
    if (state === this.#seen) return
    this.#entries = entriesOf(readLines(this.#lake, this.#manifest))
    this.#seen = state
  }
}

const heading = formatManifest([])

function entriesOf(lines: readonly ManifestLine[]): Map<string, Entry> {
  const byPath = new Map<string, ManifestLine[]>()
  for (const line of lines) {
    const known = byPath.get(line.path)
    if (known === undefined) byPath.set(line.path, [line])
    else known.push(line)
  }
  return new Map([...byPath].map(([path, own]) => [path, { path, date: own[0].date, text: formatManifest(own).slice(heading.length) }]))
}

function stateOf(path: string): string {
  if (!existsSync(path)) return ''
  const { size, mtimeMs, ino } = statSync(path)
  return `${size} ${mtimeMs} ${ino}`
}

function writePieces(path: string, entries: readonly Entry[]): void {
  const descriptor = openSync(path, 'w')
  const put = (text: string): void => {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
  }
  try {
    let piece = heading
    for (const { text } of entries) {
      piece += text
      if (piece.length < PIECE) continue
      put(piece)
      piece = ''
    }
    put(piece)
  } finally {
    closeSync(descriptor)
  }
}
