import { TickloomError } from '../../../core/errors.ts'

/** The part of @platformatic/kafka that is used here: it is optional, so nothing of it may be imported by name. */
export interface Library {
  readonly Admin: new (options: object) => LibraryAdmin
  readonly Consumer: new (options: object) => LibraryConsumer
  readonly Producer: new (options: object) => LibraryProducer
  readonly Writer: { create(): LibraryWriter }
  createAPI(
    key: number,
    version: number,
    request: (...given: never[]) => unknown,
    parse: (correlation: number, key: number, version: number, reader: LibraryReader) => unknown,
    requestTags: boolean,
    responseTags: boolean,
  ): { async(connection: unknown, ...given: unknown[]): Promise<unknown> }
}

export interface LibraryWriter {
  append(bytes: Buffer): this
}

export interface LibraryReader {
  readonly buffer: { slice(start: number): Buffer }
  readonly position: number
}

export interface Metadata {
  readonly topics: ReadonlyMap<string, { readonly partitions: readonly { readonly leader: number }[] } | undefined>
}

interface Client {
  metadata(options: { topics: string[]; forceUpdate?: boolean }): Promise<Metadata>
  clearMetadata(): void
  close(): Promise<void>
}

export interface LibraryAdmin extends Client {
  connectToBrokers(nodes: number[]): Promise<ReadonlyMap<number, unknown>>
  listTopics(): Promise<string[]>
  createTopics(options: object): Promise<unknown>
  deleteTopics(options: { topics: string[] }): Promise<unknown>
  describeConfigs(options: object): Promise<readonly { readonly configs: readonly { readonly name: string; readonly value: string | null }[] }[]>
  listOffsets(options: object): Promise<readonly { readonly partitions: readonly { readonly partitionIndex: number; readonly offset: bigint }[] }[]>
  listConsumerGroupOffsets(options: object): Promise<
    readonly {
      readonly topics: readonly { readonly partitions: readonly { readonly partitionIndex: number; readonly committedOffset: bigint }[] }[]
    }[]
  >
  findCoordinator(options: { keyType: number; keys: string[] }): Promise<readonly { readonly nodeId: number }[]>
}

export interface LibraryConsumer extends Client {
  readonly topics: { track(topic: string): boolean }
  joinGroup(): Promise<string>
  on(event: 'consumer:group:join', heard: (payload: { assignments?: readonly { topic: string; partitions: readonly number[] }[] }) => void): void
  on(event: 'consumer:group:rebalance', heard: () => void): void
  on(event: 'error', heard: (error: unknown) => void): void
}

export interface LibraryMessage {
  readonly topic: string
  readonly partition: number
  readonly key?: Buffer | null
  readonly value?: Buffer | null
  readonly headers?: ReadonlyMap<Buffer, Buffer>
  readonly timestamp?: bigint
}

interface Sent {
  readonly offsets?: readonly { readonly partition: number }[]
}

export interface LibraryProducer extends Client {
  send(options: { messages: LibraryMessage[] }): Promise<Sent>
  initIdempotentProducer(options: object): Promise<unknown>
  beginTransaction(options?: { producerId: bigint; producerEpoch: number }): Promise<LibraryTransaction>
}

export interface LibraryTransaction {
  send(options: { messages: LibraryMessage[] }): Promise<Sent>
  addPartitions(metadata: Metadata, messages: LibraryMessage[]): Promise<void>
  addConsumer(consumer: { groupId: string }): Promise<void>
  addOffset(message: object): Promise<void>
  commit(): Promise<void>
  abort(): Promise<void>
}

const PACKAGE: string = '@platformatic/kafka'
/** The version that docs/decisions/dependencies.md speaks of. */
const VERSION = '2.12.1'

/** Throws DRIVER_MISSING where the package is not installed. */
export async function loadLibrary(): Promise<Library> {
  try {
    return (await import(PACKAGE)) as Library
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error
    throw new TickloomError('DRIVER_MISSING', `The platformatic driver needs a package that is not installed: npm install ${PACKAGE}@${VERSION}`, {
      package: PACKAGE,
    })
  }
}
