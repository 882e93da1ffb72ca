/** Where the database is, and how large it may grow. Plain data: it crosses to the thread. */
export interface SqliteOptions {
  /** The file. Its directory must exist; the file is made if it does not. */
  readonly filename: string
  /** pages of `Limits.storePageBytes`. Beyond, writing fails as on a full disk. */
  readonly maxPages?: number | undefined
  /** ms. How long a statement waits for another process; `Limits.storeBusyMs` by default. */
  readonly busyMs?: number | undefined
  /** Reads what is there of a file that is shorter than it should be: for repairing. False by default. */
  readonly tolerant?: boolean | undefined
}
