/**
 * The same items, the next one asked for before the last one is handed out: fetching goes on while the consumer works.
 * Breaking off, or a failure, ends the iteration underneath.
 */
export async function* prefetched<T>(items: AsyncGenerator<T, void, undefined>): AsyncGenerator<T, void, undefined> {
  let next = items.next()
  try {
    for (;;) {
      const { done, value } = await next
      if (done) return
      next = items.next()
      // Until it is awaited above, a failure would count as unhandled.
      next.catch(keep)
      yield value
    }
  } finally {
    await items.return()
  }
}

function keep(): void {}
