import { TickloomError } from '../../core/errors.ts'
import { contractOf } from '../../core/instruments.ts'
import type { Manifests } from './manifestBook.ts'
import { jobOfFile } from './records.ts'
import type { Spilled } from './spill.ts'

/**
 * Which job has the rows of a contract and day, where doubles are taken out: a job looks for them among its own rows, so
 * no other may have rows of the same.
 */
export class Claims {
  readonly #manifests: Manifests
  readonly #superseded: readonly string[]
  readonly #inputsOf: (job: string) => readonly string[]
  readonly #jobs = new Map<string, string>()

  constructor(manifests: Manifests, superseded: readonly string[], inputsOf: (job: string) => readonly string[]) {
    this.#manifests = manifests
    this.#superseded = superseded
    this.#inputsOf = inputsOf
  }

  /** Takes what a job has read. Throws OPTION_INVALID naming who has rows of the same contract and day. */
  take(job: string, spilled: readonly Spilled[]): void {
    for (const { folder, date, names } of spilled) {
      const tree = folder.startsWith('bars/') ? folder : `ticks/${folder}`
      for (const name of names) {
        const key = `${tree} ${name}`
        const other = this.#jobs.get(key) ?? this.#inLake(tree, date, name, job)
        if (other !== undefined && other !== job) throw this.#shared(name, date, other)
        this.#jobs.set(key, job)
      }
    }
  }

  #inLake(tree: string, date: string, name: string, job: string): string | undefined {
    return this.#manifests
      .namedIn(tree, date, contractOf(name))
      .map((path) => jobOfFile(path) ?? '')
      .find((other) => other !== job && !this.#superseded.includes(other))
  }

  #shared(name: string, date: string, other: string): TickloomError {
    const inputs = this.#inputsOf(other)
    const from = inputs.length === 0 ? '' : ` from ${inputs.slice(0, 3).join(', ')}${inputs.length > 3 ? ` and ${inputs.length - 3} more` : ''}`
    return new TickloomError(
      'OPTION_INVALID',
      `--clean: ${name} has rows of ${date} already${from}, and doubles are looked for among what is packed together only. Leave --clean out, as replay leaves doubles out anyway, or pack all inputs of that day at once into a new lake`,
      { option: '--clean', instrument: name, date },
    )
  }
}
