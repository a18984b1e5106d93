import { CommanderError } from 'commander'
import { catalogue, messageOf, TickloomError } from '../core/errors.ts'

/** What the process answers with: docs/cli.md. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const

export interface FailOptions {
  readonly json: boolean
  readonly verbose: boolean
}

/** The exit code a failure leaves the process with. */
export function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  if (!(thrown instanceof TickloomError)) return exitCodes.failed
  if (thrown.code === 'INTERRUPTED') return exitCodes.interrupted
  return thrown.fault === 'user' ? exitCodes.usage : exitCodes.failed
}

/** A failure as a person reads it, or a program: what happened, where, what to do next, the code. */
export function describeFailure(thrown: unknown, { json, verbose }: FailOptions): string {
  const failure = thrown instanceof TickloomError ? known(thrown) : unknown(thrown)
  const stack = verbose && thrown instanceof Error ? thrown.stack : undefined
  if (json) return JSON.stringify({ error: { ...failure, stack } })
  const lines = [`tickloom: ${failure.message}`]
  const where = Object.entries(failure.at).map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
  if (where.length > 0) lines.push(`  where  ${where.join(', ')}`)
  for (const cause of failure.causes) lines.push(`  cause  ${cause}`)
  lines.push(`  next   ${failure.next}`, `  code   ${failure.code}`)
  if (stack !== undefined) lines.push(stack)
  return lines.join('\n')
}

interface Failure {
  readonly code: string
  readonly message: string
  readonly at: Readonly<Record<string, unknown>>
  readonly causes: readonly string[]
  readonly next: string
  readonly retry: boolean
}

function known(thrown: TickloomError): Failure {
  const { code, message, at, retry } = thrown
  return { code, message, at, causes: causesOf(thrown), next: catalogue[code].next, retry }
}

function unknown(thrown: unknown): Failure {
  const usage = thrown instanceof CommanderError
  return {
    code: usage ? 'OPTION_INVALID' : 'UNEXPECTED',
    message: messageOf(thrown).replace(/^error: /, ''),
    at: {},
    causes: causesOf(thrown),
    next: usage ? catalogue.OPTION_INVALID.next : 'This is a fault of tickloom: run again with --verbose and report what it prints.',
    retry: false,
  }
}

/** The messages below a failure that it does not repeat itself. */
function causesOf(thrown: unknown): string[] {
  const causes: string[] = []
  let said = messageOf(thrown)
  for (let at = causeOf(thrown); at !== undefined && causes.length < 5; at = causeOf(at)) {
    const message = messageOf(at)
    if (!said.includes(message)) causes.push(message)
    said += message
  }
  return causes
}

function causeOf(thrown: unknown): unknown {
  return thrown instanceof Error ? thrown.cause : undefined
}
