import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileName, type OutputFile, outputFiles, partitionsOf } from './outputManifest.ts'

/** What a lake keeps recordings in: `recorded/date=D/partition=P/<epoch>.parquet`, named by `recorded/meta/P.jsonl`. */
export const RECORDED = 'recorded'

/** What one partition of a log brought on one date, in the order it came (docs/concepts/recordings.md). */
export interface Recording {
  /** The date of arrival, YYYY-MM-DD. */
  readonly date: string
  /** The partition as the log names it. */
  readonly partition: string
  /** In recorded order; paths from the lake on. */
  readonly files: readonly OutputFile[]
}

/** Is it a lake of recordings? Whatever lies beside them is not read then. */
export function isRecording(lake: string): boolean {
  return existsSync(join(lake, RECORDED, 'meta'))
}

/** The recordings of a lake, by date and then by partition. Throws CHECKPOINT_CORRUPT naming the line of a manifest. */
export function recordingsOf(lake: string): Recording[] {
  const found: Recording[] = []
  for (const partition of partitionsOf(join(lake, RECORDED))) {
    const dates = new Map<string, OutputFile[]>()
    for (const file of outputFiles(join(lake, RECORDED), partition)) {
      const date = dateOf(file.path)
      const within = { ...file, path: join(RECORDED, file.path) }
      const files = dates.get(date)
      if (files === undefined) dates.set(date, [within])
      else files.push(within)
    }
    for (const [date, files] of dates) found.push({ date, partition, files })
  }
  const byNumber = new Intl.Collator('en', { numeric: true })
  return found.sort((a, b) => (a.date === b.date ? byNumber.compare(a.partition, b.partition) : a.date < b.date ? -1 : 1))
}

/** What a recording is called as a partition of a replay. */
export function replayName({ date, partition }: Pick<Recording, 'date' | 'partition'>): string {
  return `${date}.p${fileName(partition)}`
}

/** The recorded partition that a partition of a replay is of; '' for a day of another lake. */
export function recordedPartition(name: string): string {
  return /^\d{4}-\d\d-\d\d\.p(.*)$/.exec(name)?.[1] ?? ''
}

/** Folder of a recording's files, from `recorded/` on. */
export function recordingFolder(date: string, partition: string): string {
  return `date=${date}/partition=${fileName(partition)}`
}

/** The folders that the partition has files in, of whatever date, from `recorded/` on. */
export function foldersOf(recorded: string, partition: string): string[] {
  const folders = existsSync(recorded) ? readdirSync(recorded).filter((name) => name.startsWith('date=')) : []
  return folders.map((name) => recordingFolder(name.slice('date='.length), partition))
}

function dateOf(path: string): string {
  return path.slice('date='.length, path.indexOf('/'))
}
