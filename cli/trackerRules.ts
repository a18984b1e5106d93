import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
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
    content = parse(readFileSync(file, 'utf8'))
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
