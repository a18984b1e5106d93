/** Ids for schemas and schemas for ids: what stands in a record's head, and what it means. */
export interface SchemaSource {
  /**
   * The id of a schema under a subject, given out when it is new there. Throws SCHEMA_INCOMPATIBLE when readers of the
   * subject could not read it; then nothing was registered. REGISTRY_REFUSED and REGISTRY_UNREACHABLE as below.
   */
  idOf(subject: string, schema: string): Promise<number>
  /**
   * The schema of an id; undefined only when it is certain that there is none. Throws REGISTRY_REFUSED where credentials
   * do not do, REGISTRY_UNREACHABLE where nobody could be asked, after retries.
   */
  schemaOf(id: number): Promise<string | undefined>
  /** One line for the log; holds no secret. */
  describe(): string
}
