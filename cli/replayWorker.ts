import { resolveParameters } from '../core/parameters.ts'
import { serveWorker } from '../runtime/serveWorker.ts'
import { loadTopology } from './loadTopology.ts'
import { plugReplay, type WorkerTask } from './replayPorts.ts'

// Module that the processes of `replay --workers N` run.
serveWorker<WorkerTask>(async (task, ask) => {
  const topology = await loadTopology(task.options.topology)
  const params = resolveParameters(topology, task.options.params, task.options.preset)
  // The client is loaded where it is wanted.
  const committer = task.options.clickhouse === undefined ? undefined : (await import('./replayDatabase.ts')).workerCommitter(task.options, ask)
  return plugReplay(task, topology, params, committer)
})
