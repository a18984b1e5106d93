import { serveWorker } from '../runtime/serveWorker.ts'
import { plugReplay, type WorkerTask } from './replayPorts.ts'
import { topologyOfReplay } from './replaySeconds.ts'

// Module that the processes of `replay --workers N` run.
serveWorker<WorkerTask>(async (task, ask) => {
  const { topology, params } = await topologyOfReplay(task.options)
  // The client is loaded where it is wanted.
  const committer = task.options.clickhouse === undefined ? undefined : (await import('./replayDatabase.ts')).workerCommitter(task.options, ask)
  return plugReplay(task, topology, params, committer)
})
