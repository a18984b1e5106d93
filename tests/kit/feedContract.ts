import { expect } from 'vitest'
import type { Feed, FeedEvent, Gap } from '../../connectors/feeds/feed.ts'
import type { Schema } from '../../core/batch.ts'
import type { Client } from './wsServer.ts'

/** What came out of a feed, in its order; rows as the times they have, which are the messages' own. */
export type Heard =
  | { readonly kind: 'row'; readonly ts: number; readonly instrument: number; readonly row: Readonly<Record<string, number>> }
  | { readonly kind: 'gap'; readonly gap: Gap }
  | { readonly kind: 'heartbeat'; readonly ts: number }

/** Reads a feed to its end. `slow` is awaited after each event. */
export async function hear<S extends Schema>(
  feed: Feed<S>,
  signal: AbortSignal,
  heard: Heard[],
  slow?: (event: FeedEvent<S>) => Promise<void> | undefined,
) {
  for await (const event of feed.start(signal)) {
    if (event.kind === 'rows') heard.push(...rowsOf(feed.columns, event.batch))
    else heard.push(event)
    await slow?.(event)
  }
}

function rowsOf(columns: Schema, batch: { readonly n: number; readonly col: unknown }): Heard[] {
  const col = batch.col as Readonly<Record<string, ArrayLike<number>>>
  return Array.from({ length: batch.n }, (_, i) => {
    const row = Object.fromEntries(Object.keys(columns).map((name) => [name, col[name][i]]))
    return { kind: 'row', ts: row['ts'], instrument: row['instrument'], row } as const
  })
}

/** A message that a server sent to a client that had subscribed its instrument. `ts` tells it from all others. */
export interface Sent {
  readonly client: number
  readonly instrument: number
  readonly ts: number
}

/**
 * Nothing that could be kept is lost, nothing comes twice, and what is lost lies in a gap.
 *
 * Of a connection's messages those delivered are the first ones, in their order and as often as they were sent; all of
 * them unless it was reset, which throws away what the network had not handed over yet. Where the rest is missing, a
 * gap that names the instrument comes after the last of them that was delivered.
 */
export function expectKept(
  sent: readonly Sent[],
  heard: readonly Heard[],
  clients: readonly Client[],
): { readonly delivered: number; readonly lost: number } {
  const clientOf = new Map(sent.map(({ ts, client }) => [ts, client]))
  const got = clients.map((): { ts: number; at: number }[] => [])
  for (const [at, { kind, ...event }] of heard.entries()) {
    if (kind !== 'row') continue
    const ts = (event as { ts: number }).ts
    expect(clientOf.has(ts), `a row of ${ts}, which was not sent`).toBe(true)
    got[clientOf.get(ts) as number].push({ ts, at })
  }
  let lost = 0
  for (const { number, broken } of clients) {
    const wanted = sent.filter(({ client }) => client === number)
    const rows = got[number]
    expect(
      rows.map(({ ts }) => ts),
      `connection ${number}, ${broken ?? 'never broken'}`,
    ).toEqual(wanted.slice(0, rows.length).map(({ ts }) => ts))
    const missing = wanted.slice(rows.length)
    if (broken !== 'reset') expect(missing, `connection ${number}, ${broken ?? 'never broken'}`).toEqual([])
    const from = rows.at(-1)?.at ?? 0
    for (const { instrument } of missing)
      expect(
        heard.some((event, at) => at >= from && event.kind === 'gap' && event.gap.instruments.includes(instrument)),
        `a gap for instrument ${instrument}`,
      ).toBe(true)
    lost += missing.length
  }
  return { delivered: got.reduce((sum, rows) => sum + rows.length, 0), lost }
}

/** Every gap opens once and closes at most once, after it opened; of one connection no two are open at a time. */
export function expectGapsInOrder(heard: readonly Heard[]): Gap[] {
  const open = new Map<number, Gap>()
  const all: Gap[] = []
  for (const event of heard) {
    if (event.kind !== 'gap' || event.gap.reason === 'refused') continue
    const { gap } = event
    if (Number.isNaN(gap.to)) {
      expect(open.has(gap.connection), `connection ${gap.connection} is lost twice`).toBe(false)
      open.set(gap.connection, gap)
    } else {
      expect(open.get(gap.connection)?.id).toBe(gap.id)
      expect(gap.to).toBeGreaterThanOrEqual(gap.from)
      open.delete(gap.connection)
      all.push(gap)
    }
  }
  return all
}
