/** Whose fault a failure is: the caller's input, a system outside, or this code. */
export type Fault = 'user' | 'external' | 'internal'

interface Entry {
  readonly fault: Fault
  /** May the same call succeed later without anybody changing anything? */
  readonly retry: boolean
  /** What the reader of the message should do next. */
  readonly next: string
}

/** Every failure tickloom raises. docs/errors.md is checked against this table. */
export const catalogue = {
  OPTION_INVALID: { fault: 'user', retry: false, next: 'Correct the option; `--help` shows the accepted values.' },
  PARAMETER_INVALID: {
    fault: 'user',
    retry: false,
    next: 'Correct the parameter; `tickloom graph --topology T` lists them with units and defaults.',
  },
  TOPOLOGY_NOT_FOUND: { fault: 'user', retry: false, next: 'Name a folder of topologies/ or a path to a file that exports a topology.' },
  TOPOLOGY_INVALID: { fault: 'user', retry: false, next: 'Mend the topology file; docs/howto/add-a-topology.md shows a whole one.' },
  MARKET_DATA_INVALID: {
    fault: 'user',
    retry: false,
    next: 'Correct the row named of the table under markets/; its first line says what each column is.',
  },
  INSTRUMENT_INVALID: { fault: 'user', retry: false, next: 'Name instruments as SYMBOL, SYMBOL:EXPIRY:FUT or SYMBOL:EXPIRY:STRIKE:CE|PE.' },
  ORDER_INVALID: { fault: 'user', retry: false, next: 'Correct the strategy: core/trading.ts says what each column of an order may hold.' },
  CONTRACT_AMBIGUOUS: { fault: 'user', retry: false, next: 'Say on which date it traded, or in which dialect it is written.' },
  INPUT_UNREADABLE: { fault: 'user', retry: false, next: 'Check the path and its permissions; nothing of the inputs was packed.' },
  LAKE_BUSY: { fault: 'user', retry: true, next: 'Wait for the other `tickloom pack` to end: one at a time packs into a lake.' },
  LAKE_MISSING: { fault: 'user', retry: false, next: 'Check the path of --lake; `tickloom synth --out DIR` makes a lake to try.' },
  LAKE_EMPTY: { fault: 'user', retry: false, next: 'Widen --from/--to/--symbols/--strikes, or look at --explain to see what was pruned.' },
  LAKE_MANIFEST: { fault: 'user', retry: false, next: 'Rebuild the manifest, or delete the line that names a file that is not there.' },
  FILE_CORRUPT: { fault: 'user', retry: false, next: 'Replace the file from its source; it cannot be read as Parquet.' },
  FILE_SCHEMA: { fault: 'user', retry: false, next: 'Write the column with the type named, or leave the file out of the lake.' },
  FILE_UNSORTED: { fault: 'user', retry: false, next: 'Sort the file by time (rows of one time in arrival order) and write it again.' },
  OUTPUT_UNWRITABLE: { fault: 'user', retry: false, next: 'Choose a folder you may write to, or change its permissions.' },
  DISK_FULL: { fault: 'external', retry: true, next: 'Free space, then run the same command with --resume: committed epochs are kept.' },
  RUN_MISMATCH: { fault: 'user', retry: false, next: 'Choose another --run, or repeat the run with the parameters it was started with.' },
  RUN_EXISTS: { fault: 'user', retry: false, next: 'Pass --resume to continue it, or choose another --out.' },
  CHECKPOINT_CORRUPT: { fault: 'external', retry: false, next: 'Delete the checkpoint named and replay that partition from its start.' },
  CHECKPOINT_FOREIGN: { fault: 'user', retry: false, next: 'The graph changed since the checkpoint: start a new run, or go back to the old graph.' },
  STATE_VERSION: { fault: 'user', retry: false, next: 'Start a new run, or add a migration for the state named.' },
  STEP_ID_TAKEN: { fault: 'user', retry: false, next: 'Give every step of the topology a name of its own.' },
  STEP_FAILED: { fault: 'internal', retry: false, next: 'The cause names the operator; with a user topology, mend its function.' },
  CLICKHOUSE_REFUSED: { fault: 'external', retry: true, next: 'Check that the server named is up; then run again with --resume.' },
  CLICKHOUSE_REJECTED: { fault: 'user', retry: false, next: "Read the server's message: a table or column differs from what this version writes." },
  CLICKHOUSE_BUSY: { fault: 'user', retry: true, next: 'Another process has the embedded database open: stop it, or use a server.' },
  DATABASE_REFUSED: {
    fault: 'external',
    retry: true,
    next: 'Check that the database named is up and not locked by another process; latest rows are kept in memory meanwhile.',
  },
  DATABASE_REJECTED: {
    fault: 'user',
    retry: false,
    next: "Read the database's message: a user, a table or a column differs from what is asked for.",
  },
  FEED_UNREACHABLE: {
    fault: 'external',
    retry: true,
    next: 'Check the network, and that the exchange is up at the address named; then start again.',
  },
  FEED_REFUSED: { fault: 'user', retry: false, next: 'Check coins or instruments and, where there is one, the access token: it may have run out.' },
  KAFKA_UNREACHABLE: {
    fault: 'external',
    retry: true,
    next: 'Check --brokers and that a broker answers there; what was committed is kept, so start again.',
  },
  KAFKA_REFUSED: { fault: 'user', retry: false, next: 'Check user, password, mechanism and TLS, and what the user is allowed to do.' },
  KAFKA_TOPIC: { fault: 'user', retry: false, next: 'Make the topic with `tickloom topics`, or correct its name or its number of partitions.' },
  KAFKA_GAP: {
    fault: 'external',
    retry: false,
    next: 'Records were deleted before they were read: lengthen the retention, then start with --reset-state, knowing what is lost.',
  },
  DRIVER_MISSING: { fault: 'user', retry: false, next: 'Install the package named, or choose --driver kafkajs.' },
  FENCED: {
    fault: 'external',
    retry: true,
    next: 'Another process took the partition over; this one has stopped writing to it, and nothing is lost.',
  },
  REGISTRY_UNREACHABLE: { fault: 'external', retry: true, next: 'Check --registry and that the registry answers there; then start again.' },
  REGISTRY_REFUSED: { fault: 'user', retry: false, next: 'Check the user and password of the registry, and what the user is allowed to do.' },
  SCHEMA_INCOMPATIBLE: { fault: 'user', retry: false, next: 'Give added fields a default and change no types, or use another subject.' },
  RECORDING_DIFFERS: {
    fault: 'external',
    retry: false,
    next: 'Look at the first difference; live and replay must run the same version and parameters.',
  },
  LOOK_AHEAD: {
    fault: 'external',
    retry: false,
    next: 'Look at the step named: it says something of an instant that only later rows can tell. Where a row is meant to be known later than a second after its ts, say so in `known` of the topology.',
  },
  DEV_TOOLS_MISSING: { fault: 'user', retry: false, next: 'Install Java 17 or later and Maven, or use the containers of docker/.' },
  SERVICE_FAILED: { fault: 'external', retry: true, next: 'Read the log named; a port may be taken, or memory short.' },
  SQL_INVALID: { fault: 'user', retry: false, next: 'Correct the query; `tickloom sql --help` shows the tables.' },
  WORKER_DIED: { fault: 'external', retry: true, next: 'Run again with --resume; if it repeats, use --workers 1 and look at memory.' },
  INTERRUPTED: { fault: 'user', retry: true, next: 'Run the same command again; a replay goes on from the last epoch with --resume.' },
} as const satisfies Record<string, Entry>

export type ErrorCode = keyof typeof catalogue

/** A failure with its row of the catalogue; `at` names the file, column, option, step or record it is about. */
export class TickloomError extends Error {
  override readonly name = 'TickloomError'
  readonly code: ErrorCode
  readonly at: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, at: Readonly<Record<string, unknown>> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.at = at
  }

  get fault(): Fault {
    return catalogue[this.code].fault
  }
  get retry(): boolean {
    return catalogue[this.code].retry
  }
  get next(): string {
    return catalogue[this.code].next
  }
}

/** The message of anything thrown, as one line. */
export function messageOf(thrown: unknown): string {
  return (thrown instanceof Error ? thrown.message : String(thrown)).replace(/\s*\n\s*/g, ' ')
}
