/** What a peer asked us for and that is not answered yet. `SyncServer` answers it, in order. */
import type { GetBlocks, GetHeaders } from "../../domain/wire/SyncMessage.ts"

export interface ServeQueue {
  /** At most `Limits.serveQueue`. */
  readonly waiting: Array<GetHeaders | GetBlocks>
  /** A fiber answers them, and ends with the last. */
  serving: boolean
  /** Monotonic ms from which the next headers may be sent. */
  headersFrom: number
}

export const make = (): ServeQueue => ({ waiting: [], serving: false, headersFrom: 0 })
