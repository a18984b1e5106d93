import { Worker } from 'node:worker_threads'
import type { Column } from '../../../core/batch.ts'
import { TickloomError } from '../../../core/errors.ts'
import type { Instruments } from '../../../core/instruments.ts'
import { type Chunk, codesOfDay, offsetsOf } from '../chunk.ts'
import type { DayPlan } from '../dayPlan.ts'
import type { DayTask } from './dayReader.ts'
import { FREE, type SharedRows, SLOTS, STOP, sharedRows, slotsOf } from './slots.ts'
import type { FromThread, ReadDay } from './thread.ts'
import type { Undecodable } from './tickFile.ts'

/** Chunks that a receiver may still hold when it asks for another: it prefetches one, and so may whoever hands it on. */
const HELD = 3
const idle: Decoder[] = []

/** Starts a decoding thread that will be wanted soon; it keeps no process alive. */
export async function startDecoder(): Promise<void> {
  const decoder = takeDecoder()
  await decoder.ready
  giveBack(decoder)
}

/**
 * Decodes a day of plain files in a thread, merged by time; undecodable is answered where that has to be left to the
 * engines. `next` will be prepared meanwhile. Throws, here or while reading, what TickFile throws.
 */
export async function openDirect(
  day: DayPlan,
  next: DayPlan | undefined,
  instruments: Instruments,
): Promise<AsyncGenerator<Chunk, void, undefined> | Undecodable> {
  const decoder = takeDecoder()
  const shared = decoder.sharedFor(day.files[0].columns.length)
  const opened = await decoder.read({ task: taskOf(day, instruments), next: next && taskOf(next, instruments), shared }).catch((failure: unknown) => {
    giveBack(decoder)
    throw failure
  })
  if (opened === undefined) return chunksOf(decoder, shared, day, instruments)
  giveBack(decoder)
  return opened
}

/** Where every file is one instrument, what the thread adds to its codes is the id itself. */
function taskOf({ date, files }: DayPlan, instruments: Instruments): DayTask {
  const offsets = files.map(({ instrument }) => (instrument.kind === 'constant' ? instruments.id(instrument.name) : -1))
  const own = offsets.includes(-1) ? offsetsOf(files) : offsets
  return { key: [date, ...files.map(({ path }, i) => `${own[i]} ${path}`)].join('\n'), files, offsets: own }
}

async function* chunksOf(decoder: Decoder, shared: SharedRows, { files }: DayPlan, instruments: Instruments): AsyncGenerator<Chunk, void, undefined> {
  const slots = slotsOf(shared)
  const names = files[0].columns.map(({ name }) => name)
  const toIds = files.every(({ instrument }) => instrument.kind === 'constant') ? undefined : codesOfDay(files, instruments)
  let freed = 0
  const free = (count: number): void => {
    if (count <= freed) return
    Atomics.add(shared.counters, FREE, count - freed)
    Atomics.notify(shared.counters, FREE)
    freed = count
  }
  let ended = false
  try {
    for (let turn = 0; ; turn++) {
      const n = await decoder.rows()
      if (n === undefined) break
      const { numbers, codes } = slots[turn % SLOTS]
      toIds?.(codes, n)
      const col: Record<string, Column> = { instrument: codes }
      for (let i = 0; i < names.length; i++) col[names[i]] = numbers[i]
      yield { n, col, free: () => free(turn + 1) }
      free(turn + 1 - HELD)
    }
    ended = true
  } finally {
    if (!ended) await decoder.stop(shared)
    giveBack(decoder)
  }
}

function takeDecoder(): Decoder {
  const decoder = idle.pop() ?? new Decoder()
  decoder.thread.ref()
  return decoder
}

function giveBack(decoder: Decoder): void {
  decoder.thread.unref()
  if (decoder.failure === undefined) idle.push(decoder)
}

/** A decoding thread and what it says. It reads one day at a time. */
class Decoder {
  readonly thread: Worker
  readonly ready: Promise<void>
  failure: TickloomError | undefined
  readonly #messages: FromThread[] = []
  #wake: (() => void) | undefined
  #readied: (() => void) | undefined
  #shared: SharedRows | undefined
  /** Messages of a day are still to come. */
  #busy = false

  constructor() {
    this.thread = new Worker(new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url), {
      // What the process was started with, such as code of its own, is not for this thread.
      execArgv: [],
      // Garbage keeps the handles of decompressors, outside of the heap: a large nursery looks for it too seldom, and fifty days peak higher than five.
      resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 256 },
    })
    this.ready = new Promise((resolve) => {
      this.#readied = resolve
    })
    this.thread.on('message', (message: FromThread) => this.#receive(message))
    this.thread.on('error', (cause) => this.#die(cause.message, cause))
    this.thread.on('exit', (code) => this.#die(`exit code ${code}`))
  }

  /** Memory for a day's rows: that of the day before, unless somebody may still be reading there. */
  sharedFor(numbers: number): SharedRows {
    const last = this.#shared
    if (last?.numbers === numbers && Atomics.load(last.counters, FREE) === SLOTS && Atomics.load(last.counters, STOP) === 0) return last
    this.#shared = sharedRows(numbers)
    return this.#shared
  }

  /** Tells the file that cannot be decoded here; undefined: rows follow. */
  async read(message: ReadDay): Promise<Undecodable | undefined> {
    Atomics.store(message.shared.counters, FREE, SLOTS)
    this.#busy = true
    this.thread.postMessage(message)
    const answer = await this.#next()
    return answer.type === 'undecodable' ? answer.file : undefined
  }

  /** How many rows lie in the next slot; undefined at the end. */
  async rows(): Promise<number | undefined> {
    const message = await this.#next()
    return message.type === 'rows' ? message.n : undefined
  }

  /** Ends the day being read before its time. */
  async stop({ counters }: SharedRows): Promise<void> {
    if (!this.#busy) return
    Atomics.store(counters, STOP, 1)
    Atomics.notify(counters, FREE)
    try {
      while ((await this.rows()) !== undefined);
    } catch (failure) {
      // Nobody waits for these rows any more; a thread that is gone is another matter.
      if (this.failure !== undefined) throw failure
    }
  }

  async #next(): Promise<FromThread> {
    while (this.#messages.length === 0) {
      if (this.failure !== undefined) throw this.failure
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const message = this.#messages.shift() as FromThread
    if (message.type !== 'rows' && message.type !== 'opened') this.#busy = false
    if (message.type === 'failed') throw new TickloomError(message.code, message.message, message.at)
    return message
  }

  #receive(message: FromThread): void {
    if (message.type === 'ready') this.#readied?.()
    else {
      this.#messages.push(message)
      this.#wake?.()
    }
  }

  #die(how: string, cause?: unknown): void {
    this.#busy = false
    this.#readied?.()
    this.failure ??= new TickloomError('WORKER_DIED', `the thread that decodes Parquet ended with ${how}`, {}, cause)
    this.#wake?.()
  }
}
