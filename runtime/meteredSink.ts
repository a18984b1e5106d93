import type { Flushed, Sink } from '../core/ports.ts'

export interface SinkSummary {
  readonly name: string
  readonly rows: number
  readonly bytes: number
  readonly seconds: number
}

/** A sink with the time and size of its flushes beside it. */
export class MeteredSink implements Sink {
  readonly #name: string
  readonly #sink: Sink
  #rows = 0
  #bytes = 0
  #seconds = 0

  constructor(name: string, sink: Sink) {
    this.#name = name
    this.#sink = sink
  }

  get summary(): SinkSummary {
    return { name: this.#name, rows: this.#rows, bytes: this.#bytes, seconds: this.#seconds }
  }

  write: Sink['write'] = (output, batch) => {
    this.#sink.write(output, batch)
  }

  async flush(epoch: number): Promise<Flushed> {
    const start = performance.now()
    const flushed = await this.#sink.flush(epoch)
    this.#seconds += (performance.now() - start) / 1000
    this.#rows += flushed.rows
    this.#bytes += flushed.bytes
    return flushed
  }

  close(): Promise<void> {
    return this.#sink.close()
  }
}
