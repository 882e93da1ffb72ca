/** Location and maximum size of the database. Plain data: it crosses the thread boundary. */
export interface SqliteOptions {
  /** The file, created if missing. Its directory must exist. */
  readonly filename: string
  /** pages of `Limits.storePageBytes`. Beyond this, writing fails as on a full disk. */
  readonly maxPages?: number | undefined
  /** ms. How long a statement waits for another process; `Limits.storeBusyMs` by default. */
  readonly busyMs?: number | undefined
  /** Reads what exists of a truncated file, for repair. False by default. */
  readonly tolerant?: boolean | undefined
}
