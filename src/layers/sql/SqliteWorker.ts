/** The database's own thread: runs statements in the order received and replies to each. Started by SqliteThread.ts. */
import { parentPort, workerData } from "node:worker_threads"
import { giveWay } from "./giveWay.ts"
import * as SqliteHandle from "./SqliteHandle.ts"
import type { SqliteOptions } from "./SqliteOptions.ts"

/** A statement, or the order to end. */
export type Request =
  | { readonly sql: string; readonly params: ReadonlyArray<unknown> }
  | "close"

/** The first reply is for the opening; then one per statement, in order. */
export interface Reply {
  readonly rows: ReadonlyArray<SqliteHandle.Row>
  readonly fault: SqliteHandle.SqliteFault | undefined
  readonly inTransaction: boolean
}

const serve = (port: NonNullable<typeof parentPort>, options: SqliteOptions) => {
  const answer = (reply: Reply) => port.postMessage(reply)
  const failed = (error: unknown, inTransaction: boolean) =>
    answer({ rows: [], fault: SqliteHandle.faultOf(error), inTransaction })
  let handle: SqliteHandle.SqliteHandle
  try {
    handle = SqliteHandle.open(options, "write")
  } catch (error) {
    failed(error, false)
    port.close()
    return
  }
  answer({ rows: [], fault: undefined, inTransaction: false })
  port.on("message", (request: Request) => {
    if (request === "close") {
      handle.close()
      port.close()
      return
    }
    try {
      const rows = handle.run(request.sql, request.params)
      answer({ rows, fault: undefined, inTransaction: handle.inTransaction() })
    } catch (error) {
      failed(error, handle.inTransaction())
    }
  })
}

if (parentPort !== null) {
  giveWay()
  serve(parentPort, workerData)
}
