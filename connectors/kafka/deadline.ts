import { TickloomError } from '../../core/errors.ts'

/** The promise, or KAFKA_UNREACHABLE after so many milliseconds: client libraries retry for longer than anybody waits. */
export async function within<T>(milliseconds: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TickloomError('KAFKA_UNREACHABLE', `No answer in ${milliseconds} ms: ${what}`)), milliseconds)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
