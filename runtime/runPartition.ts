import { join } from 'node:path'
import type { Source } from '../core/ports.ts'
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts'
import { drivePartition, type Plan } from './drivePartition.ts'
import type { PartitionSummary, Watch } from './summaries.ts'

/** A topology with its ports plugged, in one process, its checkpoints in files. */
export interface Plugged extends Plan {
  readonly source: Source
  /** Folder of the checkpoints, a file a partition; undefined: none are kept. */
  readonly checkpoints: string | undefined
  /** Go on from the checkpoint; otherwise the partition starts anew and writes over what the same run wrote. */
  readonly resume: boolean
}

/** The checkpoint of a partition lies at `checkpoints/<partition>.ckpt`. */
export function checkpointPath(folder: string, partition: string): string {
  return join(folder, `${partition}.ckpt`)
}

/** Runs one partition to its end. Throws what `pump` does. */
export function runPartition(plugged: Plugged, partition: string, watch: Watch): Promise<PartitionSummary> {
  const path = plugged.checkpoints === undefined ? undefined : checkpointPath(plugged.checkpoints, partition)
  return drivePartition(
    plugged,
    {
      partition,
      source: plugged.source,
      resume: path !== undefined && plugged.resume ? readCheckpoint(path) : undefined,
      save: path === undefined ? undefined : (checkpoint) => writeCheckpoint(path, checkpoint),
    },
    watch,
  )
}
