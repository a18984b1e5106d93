import type { TickloomError } from '../../../core/errors.ts'
import { type ClusterOptions, type KafkaCluster, startCluster } from './cluster.ts'
import type { Programs } from './fetch.ts'
import { type DevRegistry, startRegistry } from './registry.ts'

export interface ServicesOptions extends Omit<ClusterOptions, 'jars'> {
  readonly programs: Programs
  /** A registry too: on this port, on a free one (`'anywhere'`), or none. */
  readonly registry?: number | 'anywhere'
  /** Keep the registry's schemas beside the topics. */
  readonly keepSchemas?: boolean
}

/** Brokers, and the registry if one was asked for. */
export interface Services {
  readonly cluster: KafkaCluster
  readonly registry: DevRegistry | undefined
  /** Resolves when one of them ends without having been asked to, and never otherwise. */
  readonly failed: Promise<TickloomError>
  /** Ends all of them: SIGTERM, and SIGKILL after `grace` milliseconds (5 s by default; 0: at once). */
  stop(grace?: number): Promise<void>
}

/** Starts broker and registry side by side; all of it or nothing. Throws SERVICE_FAILED, OPTION_INVALID, INTERRUPTED. */
export async function startServices({ programs, registry: port, keepSchemas, ...options }: ServicesOptions): Promise<Services> {
  const { data, signal } = options
  const at = port === 'anywhere' ? undefined : port
  const [brokers, schemas] = await Promise.allSettled([
    startCluster({ ...options, jars: programs.kafka }),
    port === undefined ? undefined : startRegistry({ program: programs.registry, data, port: at, keep: keepSchemas, signal }),
  ])
  const stop = async (grace?: number): Promise<void> => {
    await Promise.all([brokers, schemas].map((s) => (s.status === 'fulfilled' ? s.value?.stop(grace) : undefined)))
  }
  if (brokers.status === 'fulfilled' && schemas.status === 'fulfilled') {
    const failures = [brokers.value, schemas.value].flatMap((service) => service?.failed ?? [])
    return { cluster: brokers.value, registry: schemas.value, failed: Promise.race(failures), stop }
  }
  await stop(0)
  throw brokers.status === 'rejected' ? brokers.reason : (schemas as PromiseRejectedResult).reason
}
