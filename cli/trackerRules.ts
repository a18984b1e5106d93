import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { WatchRule } from '../core/alerts.ts'
import { messageOf, TickloomError } from '../core/errors.ts'
import { watchRules } from '../core/watchRules.ts'

/**
 * The rules of a YAML or JSON file: a list, alone or under `rules`. Throws OPTION_INVALID that says the file, the rule,
 * what is wrong with it and what would be right.
 */
export function readRules(file: string): WatchRule[] {
  const wrong = (message: string, cause: unknown): TickloomError => new TickloomError('OPTION_INVALID', message, { option: '--rules', file }, cause)
  let content: unknown
  try {
    content = parsed(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw wrong(`${file} cannot be read: ${messageOf(cause)}`, cause)
  }
  const listed = typeof content === 'object' && content !== null && 'rules' in content ? content.rules : content
  try {
    return watchRules(listed, file)
  } catch (cause) {
    throw wrong(messageOf(cause), cause)
  }
}

/** Milliseconds; it takes 100. */
const PATIENCE = 20_000
const CHILD = `
let answer
try { answer = { content: require(process.argv[1]).parse(require('node:fs').readFileSync(0, 'utf8')) ?? null } }
catch (thrown) { answer = { wrong: String(thrown?.message ?? thrown) } }
process.stdout.write(JSON.stringify(answer))`

/** In a process of its own: here the YAML library would hold seven megabytes for as long as a tracker runs. */
function parsed(text: string): unknown {
  const library = createRequire(import.meta.url).resolve('yaml')
  const answer = execFileSync(process.execPath, ['-e', CHILD, library], { input: text, timeout: PATIENCE, encoding: 'utf8' })
  const { content, wrong } = JSON.parse(answer) as { content?: unknown; wrong?: string }
  if (wrong !== undefined) throw new Error(wrong)
  return content
}
