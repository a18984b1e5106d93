import { map, type Observable, share } from 'rxjs'
import { type Batch, type Column, type Schema, wordsOf } from '../../core/batch.ts'

/** The columns of several streams and `of`, whose word says which stream a row is of: so one table feeds them all. */
export function mixed<S extends Readonly<Record<string, Schema>>>(streams: S): Schema {
  const columns: Record<string, Schema[string]> = { of: `${Object.keys(streams).join('|')}|none` }
  for (const schema of Object.values(streams)) Object.assign(columns, schema)
  return columns
}

/** The stream of that name out of a mixed one. Each has its watermark. */
export function streamOf(source: Observable<Batch<Schema>>, mix: Schema, name: string): Observable<Batch<Schema>> {
  const word = wordsOf(mix['of']).indexOf(name)
  return source.pipe(
    map((batch) => {
      const rows = Array.from({ length: batch.n }, (_, i) => i).filter((i) => batch.col['of'][i] === word)
      const col: Record<string, Column> = {}
      for (const column in batch.col) {
        const from = batch.col[column]
        const to = from.slice(0, rows.length)
        for (const [i, row] of rows.entries()) to[i] = from[row]
        col[column] = to
      }
      return { n: rows.length, watermark: batch.watermark, col }
    }),
    share(),
  )
}
