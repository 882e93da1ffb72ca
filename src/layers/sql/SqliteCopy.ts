/** Copies a SQLite database that another process may be writing to, as of one commit, using SQLite's online backup. */
import { Effect } from "effect"
import { open } from "node:fs/promises"
import { resolve } from "node:path"
import { backup, DatabaseSync } from "node:sqlite"
import * as Limits from "../../domain/Limits.ts"
import { FileError, flush } from "../store/PlainFiles.ts"
import * as SqliteHandle from "./SqliteHandle.ts"

/**
 * All pages in one step. In several steps, each commit by the writing process would restart the copy, and a syncing node could never
 * be copied. The step runs on a pool thread and reads a snapshot, so it delays no writer.
 */
const allPages = 2 ** 31 - 1

/** `to` must not exist. When this ends, `to` is synced to disk and only its owner can access it. */
export const copy = (from: string, to: string): Effect.Effect<void, FileError> =>
  Effect.tryPromise({
    try: async () => {
      // Created first to set the mode; SQLite would apply the process's umask.
      await (await open(to, "wx", 0o600)).close()
      const source = new DatabaseSync(resolve(from), { readOnly: true, timeout: Limits.storeBusyMs })
      try {
        await backup(source, resolve(to), { rate: allPages })
      } finally {
        source.close()
      }
      await flush(to)
    },
    catch: (error) => {
      const { errno, message } = SqliteHandle.faultOf(error)
      const fix = errno === SqliteHandle.full ? "free some space, or choose a place on another disk" : undefined
      return new FileError({ file: from, detail: `cannot be copied: ${message}`, fix })
    }
  })
