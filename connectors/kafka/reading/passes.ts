import { TickloomError } from '../../../core/errors.ts'

/** Whether the same may succeed in a moment: connections, elections, anything that is neither refused nor gone. */
export function passes(failure: unknown): boolean {
  return failure instanceof TickloomError && failure.code === 'KAFKA_UNREACHABLE'
}

/** Whether asking again is of no use, though the question failed for another reason before. */
export function refused(failure: unknown): boolean {
  return failure instanceof TickloomError && failure.code === 'KAFKA_REFUSED'
}
