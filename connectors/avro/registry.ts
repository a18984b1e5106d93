import type { Client } from '@confluentinc/schemaregistry/dist/schemaregistry-client.js'
import { TickloomError } from '../../core/errors.ts'
import { embeddedSchemas } from './embedded.ts'
import type { SchemaSource } from './schemaSource.ts'

export interface RegistryOptions {
  /** Where Confluent's API is: http://host:8081, or http://host:8080/apis/ccompat/v7 for Apicurio. */
  readonly url: string
  readonly user?: string
  readonly password?: string
  /** Milliseconds for one call with all its retries. */
  readonly timeout?: number
  readonly retries?: number
}

/** "No such schema" and "no such subject" in the registry's own numbers. A proxy's or a wrong path's 404 has neither. */
const NO_SUBJECT = 40401
const NO_SCHEMA = 40403

/**
 * Schemas of a Confluent-compatible registry; its client is loaded when the first question is asked. Negative ids are
 * never a registry's and are looked up among the embedded, so a log from before there was a registry stays readable.
 */
export function registrySchemas(options: RegistryOptions): SchemaSource {
  const { url, user, password } = credentialsOf(options)
  const embedded = embeddedSchemas()
  let client: Promise<Client> | undefined
  const ask = async <T>(what: string, question: (client: Client) => Promise<T>): Promise<T> => {
    try {
      return await question(await (client ??= connect({ ...options, url, user, password })))
    } catch (failure) {
      throw asTickloom(failure, what, url)
    }
  }
  return {
    async idOf(subject, schema) {
      return ask(`subject ${subject}`, async (registry) => {
        const info = { schema, schemaType: 'AVRO' }
        // Looking up first: whoever may only read can still publish what is registered.
        const found = await absent(registry.getId(subject, info, false))
        return found ?? (await registry.register(subject, info, false))
      })
    },
    async schemaOf(id) {
      if (id < 0) return embedded.schemaOf(id)
      return ask(`schema ${id}`, async (registry) => (await absent(registry.getBySubjectAndId('', id)))?.schema)
    },
    describe: () => `schemas: registry ${url}${user === undefined ? '' : ` as ${user}`}`,
  }
}

/** Undefined where the registry itself says that there is no such thing. */
async function absent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (failure) {
    const code = (failure as { errorCode?: number }).errorCode
    if (code === NO_SUBJECT || code === NO_SCHEMA) return undefined
    throw failure
  }
}

async function connect({ url, user, password, timeout = 15_000, retries = 4 }: RegistryOptions): Promise<Client> {
  // The package's front door also loads the key services of three clouds: 0.9 s and 90 MB instead of 0.15 s and 37 MB.
  const { SchemaRegistryClient } = await import('@confluentinc/schemaregistry/dist/schemaregistry-client.js')
  return new SchemaRegistryClient({
    baseURLs: [url],
    createAxiosDefaults: { timeout },
    maxRetries: retries,
    retriesWaitMs: 250,
    retriesMaxWaitMs: 4_000,
    ...(user === undefined ? {} : { basicAuthCredentials: { credentialsSource: 'USER_INFO', userInfo: `${user}:${password ?? ''}` } }),
  })
}

function asTickloom(failure: unknown, what: string, url: string): unknown {
  if (failure instanceof TickloomError) return failure
  const { status, message } = failure as { status?: number; message?: string }
  const at = { registry: url, status }
  // Not the failure itself as the cause: the client's errors carry the request, and its head the password.
  const cause = new Error(message)
  if (status === 409) return new TickloomError('SCHEMA_INCOMPATIBLE', `${what}: ${message}`, at, cause)
  if (status === 401 || status === 403) return new TickloomError('REGISTRY_REFUSED', `${what}: ${url} answered ${status}`, at, cause)
  return new TickloomError('REGISTRY_UNREACHABLE', `${what}: ${url}: ${message}`, at, cause)
}

/** Credentials may stand in the URL; from there they must not get into messages. */
function credentialsOf(options: RegistryOptions): { url: string; user: string | undefined; password: string | undefined } {
  const url = URL.parse(options.url)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new TickloomError('OPTION_INVALID', 'the address of the registry is no URL that begins with http:// or https://', { option: 'registry' })
  }
  const user = options.user ?? (url.username === '' ? undefined : decodeURIComponent(url.username))
  const password = options.password ?? (url.password === '' ? undefined : decodeURIComponent(url.password))
  url.username = ''
  url.password = ''
  return { url: url.href.replace(/\/$/, ''), user, password }
}
