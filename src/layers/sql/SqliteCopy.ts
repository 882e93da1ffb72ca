/** Copies a SQLite database that another process may be writing to, as of one commit, by SQLite's online backup. */
import { Effect } from "effect"
import { open } from "node:fs/promises"
import { resolve } from "node:path"
import { backup, DatabaseSync } from "node:sqlite"
import * as Limits from "../../domain/Limits.ts"
import { FileError, flush } from "../store/PlainFiles.ts"
import * as SqliteHandle from "./SqliteHandle.ts"

/**
 * All pages in one step: in several, each commit of the process that writes would begin the copy anew, and a node that syncs would never
 * be copied. The step runs on a thread of the pool, reading a snapshot: it holds up no writer.
 */
const allPages = 2 ** 31 - 1

/** `to` must not exist. It is on the disk when this is done, for its owner alone. */
export const copy = (from: string, to: string): Effect.Effect<void, FileError> =>
  Effect.tryPromise({
    try: async () => {
      // Made first, for the mode; SQLite would take the process's mask.
      await (await open(to, "wx", 0o600)).close()
      const source = new DatabaseSync(resolve(from), { readOnly: true, timeout: Limits.storeBusyMs })
      try {
        await backup(source, resolve(to), { rate: allPages })
      } finally {
        source.close()
      }
      await flush(to)
    },
    catch: (error) => new FileError({ file: from, detail: `cannot be copied: ${SqliteHandle.faultOf(error).message}` })
  })
