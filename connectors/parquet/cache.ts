import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Schema } from '../../core/batch.ts'
import { messageOf } from '../../core/errors.ts'
import type { Instruments } from '../../core/instruments.ts'
import { ChunkLayout, unusable } from './cacheFile.ts'
import { makeRoom } from './cacheFolder.ts'
import { isUnchanged } from './cacheKey.ts'
import type { CachedDay, CachedPlan } from './cachePlan.ts'
import { firstRow, readCache } from './cacheReader.ts'
import { CacheWriter } from './cacheWriter.ts'
import type { Chunk } from './chunk.ts'
import type { DayPlan } from './dayPlan.ts'
import { prefetched } from './prefetch.ts'

/** A chunk, and how many rows of the day come before it. */
export interface PlacedChunk {
  readonly before: number
  readonly chunk: Chunk
}

/** Where a day's rows come from when the cache does not hold them. */
export interface DayRows {
  /** The day from its start. */
  read(): AsyncGenerator<Chunk, void, undefined>
  /** Rows that `read`, once at its end, has dropped or remarked on. */
  counts?(): Readonly<Record<string, number>>
}

/** How a source reads the days of a plan that has a cache. */
export class DayCache {
  readonly #plan: CachedPlan
  readonly #columns: Schema
  readonly #instruments: Instruments
  readonly #warn: (message: string) => void
  /** The days' ends, one after the other, while the replay goes on. */
  #commits: Promise<void> = Promise.resolve()
  #full = false

  constructor(plan: CachedPlan, columns: Schema, instruments: Instruments, warn: (message: string) => void) {
    this.#plan = plan
    this.#columns = columns
    this.#instruments = instruments
    this.#warn = warn
  }

  /**
   * The rows of the day from `from` on, or from earlier: out of the cache, else out of `rows`; then they are written to
   * the cache too. A cache file found damaged on the way is removed, and `rows` goes on with the row that it has not
   * given yet.
   */
  async *chunks(day: DayPlan, from: number, rows: DayRows): AsyncGenerator<PlacedChunk, void, undefined> {
    const place = this.#plan.cache.days.find(({ date }) => date === day.date)
    let reached = from
    if (place?.held) {
      try {
        let before = firstRow(from)
        for await (const chunk of prefetched(readCache(place.path, place.key, this.#columns, this.#instruments, from))) {
          yield { before, chunk }
          before += chunk.n
          reached = before
        }
        return
      } catch (cause) {
        this.#discard(place, cause)
      }
    }
    let before = 0
    for await (const chunk of this.#recorded(day, place, rows)) {
      // Rows given already are skipped here, and by whoever asked for a row inside this chunk.
      if (before + chunk.n > reached) yield { before: Math.max(before, reached), chunk: rest(chunk, reached - before) }
      else chunk.free?.()
      before += chunk.n
    }
  }

  /** Waits until the days read are in the cache. */
  async close(): Promise<void> {
    await this.#commits
  }

  #discard({ path }: CachedDay, cause: unknown): void {
    const { absent, message } = unusable(cause)
    if (absent) return
    this.#warn(`${path} is not used, ${message}; the day is read from the lake`)
    try {
      rmSync(path, { force: true })
    } catch (stays) {
      this.#warn(`${path} cannot be removed: ${messageOf(stays)}`)
    }
  }

  /** The same chunks, copied to the cache on their way. What goes wrong with the copy is told, and costs the copy only. */
  async *#recorded(day: DayPlan, place: CachedDay | undefined, rows: DayRows): AsyncGenerator<Chunk, void, undefined> {
    let writer = await this.#writerOf(day, place)
    try {
      for await (const chunk of prefetched(rows.read())) {
        writer = await this.#attempt(writer, (w) => w.add(chunk))
        yield chunk
      }
      if (writer !== undefined && place !== undefined) this.#commit(writer, day, place, rows.counts?.() ?? {})
      writer = undefined
    } finally {
      await writer?.abort()
    }
  }

  async #writerOf(day: DayPlan, place: CachedDay | undefined): Promise<CacheWriter | undefined> {
    if (place === undefined || this.#full) return undefined
    const writer = new CacheWriter(place.path, this.#columns, this.#instruments)
    return this.#attempt(writer, async (w) => {
      const { dir, bytes, since } = this.#plan.cache
      if (makeRoom(dir, bytes, since, (day.rows ?? 0) * new ChunkLayout(this.#columns).rowBytes)) await w.start()
      else throw new Error(this.#noRoom(day))
    })
  }

  async #attempt(writer: CacheWriter | undefined, work: (writer: CacheWriter) => Promise<void>): Promise<CacheWriter | undefined> {
    if (writer === undefined) return undefined
    try {
      await work(writer)
      return writer
    } catch (cause) {
      await this.#giveUp(writer, cause)
      return undefined
    }
  }

  #commit(writer: CacheWriter, day: DayPlan, place: CachedDay, counts: Readonly<Record<string, number>>): void {
    this.#commits = this.#commits.then(() => this.#finish(writer, day, place, counts)).catch((cause) => this.#giveUp(writer, cause))
  }

  async #finish(writer: CacheWriter, day: DayPlan, place: CachedDay, counts: Readonly<Record<string, number>>): Promise<void> {
    // Rows of a file that changed while it was read are neither the old ones nor the new.
    if (!isUnchanged(place)) return writer.abort()
    await writer.commit({ key: place.key, origin: place.origin, day: keptPlan(day), counts })
    // How many rows a day has is not always known before.
    const { dir, bytes, since } = this.#plan.cache
    if (makeRoom(dir, bytes, since)) return
    rmSync(place.path, { force: true })
    throw new Error(this.#noRoom(day))
  }

  #noRoom({ date }: DayPlan): string {
    return `${this.#plan.cache.dir} has no room for ${date} below its limit of ${this.#plan.cache.bytes / 1e9} GB`
  }

  /** After one failure the rest of the replay does not try again: it would fail, and say so, every day. */
  async #giveUp(writer: CacheWriter, cause: unknown): Promise<void> {
    if (!this.#full) this.#warn(`the cache is not written: ${messageOf(cause)}`)
    this.#full = true
    await writer.abort()
  }
}

/** What is left of a chunk whose first rows have been given already. */
function rest({ n, col, free }: Chunk, given: number): Chunk {
  if (given <= 0) return { n, col, free }
  const left: Record<string, Chunk['col'][string]> = {}
  for (const name in col) left[name] = col[name].subarray(given, n)
  return { n: n - given, col: left, free }
}

/** The day as it is kept: paths that hold wherever the next replay is started. */
function keptPlan(day: DayPlan): DayPlan {
  return { ...day, files: day.files.map((file) => ({ ...file, path: resolve(file.path) })) }
}
