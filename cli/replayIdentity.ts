import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { messageOf, TickloomError } from '../core/errors.ts'
import type { Params } from '../core/parameters.ts'
import type { Topology } from '../core/topology.ts'
import type { ReplayOptions } from './replayOptions.ts'

/** What a run is: with all of it equal, the same rows come out. */
export type Identity = Readonly<Record<string, unknown>>

export function identityOf(t: Topology, params: Params, o: ReplayOptions): Identity {
  return {
    topology: `${t.name}@${t.version}`,
    parameters: params,
    lake: resolve(o.lake),
    from: o.from ?? null,
    to: o.to ?? null,
    time: o.timeFrom === undefined ? null : `${o.timeFrom}..${o.timeTo}`,
    symbols: o.symbols ?? null,
    strikes: o.strikes ?? null,
    epoch: o.epoch,
    // A committed epoch is not written again, so a run must not be continued with outputs that its epochs lack.
    outputs: o.outputs === undefined ? null : [...o.outputs].sort(),
    // A position counts rows read, so a run must not be continued with others.
    ...(t.reads === undefined ? {} : { pruned: o.prune ?? false }),
  }
}

/** A name for the run that says what it is: the same replay has the same name. */
export function runName(t: Topology, identity: Identity): string {
  return `${t.name}-${createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 10)}`
}

/** What is kept beside the identity, and decides nothing: what a report says of a run that ended long ago. */
export interface Made {
  /** Version of tickloom. */
  readonly code: string
  /** What `--topology` was: a name, or a file. */
  readonly topology: string
  readonly outputs: readonly string[]
}

/**
 * Claims the folder for the run: writes run.json, or checks that the one there is of the same run.
 *
 * Throws RUN_MISMATCH naming what differs, OUTPUT_UNWRITABLE when the folder cannot be written.
 */
export function claimRun(folder: string, run: string, identity: Identity, made?: Made): void {
  const path = join(folder, 'run.json')
  const known = readRun(path)
  if (known) {
    const differs = Object.keys(identity).filter((key) => JSON.stringify(known.identity[key]) !== JSON.stringify(identity[key]))
    if (known.run === run && differs.length === 0) return
    const what = differs.map((key) => `${key} was ${JSON.stringify(known.identity[key])} and is ${JSON.stringify(identity[key])}`).join('; ')
    throw new TickloomError(
      'RUN_MISMATCH',
      `${folder} holds the run ${known.run}${what === '' ? `, not ${run}` : `, started with other settings: ${what}`}`,
      { out: folder, differs },
    )
  }
  try {
    mkdirSync(folder, { recursive: true })
    // Several workers of one live run may claim its folder at once.
    const temporary = `${path}.${process.pid}.tmp`
    writeFileSync(temporary, `${JSON.stringify({ run, identity, made }, null, 2)}\n`)
    renameSync(temporary, path)
  } catch (cause) {
    throw new TickloomError('OUTPUT_UNWRITABLE', `cannot write into ${folder}: ${messageOf(cause)}`, { out: folder }, cause)
  }
}

/** The run that a run.json is of; undefined where there is no such file. Throws RUN_MISMATCH when it is none, OUTPUT_UNWRITABLE. */
export function readRun(path: string): { run: string; identity: Identity; made?: Made } | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return undefined
    throw new TickloomError('OUTPUT_UNWRITABLE', `cannot read ${path}: ${messageOf(cause)}`, { path }, cause)
  }
  try {
    return JSON.parse(text) as { run: string; identity: Identity; made?: Made }
  } catch (cause) {
    throw new TickloomError('RUN_MISMATCH', `${path} is not the record of a run: ${messageOf(cause)}`, { path }, cause)
  }
}
