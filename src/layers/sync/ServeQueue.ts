/** A peer's unanswered requests. `SyncServer` answers them in order. */
import type { GetBlocks, GetHeaders } from "../../domain/wire/SyncMessage.ts"

export interface ServeQueue {
  /** At most `Limits.serveQueue`. */
  readonly waiting: Array<GetHeaders | GetBlocks>
  /** Whether a fiber is answering them; it ends with the last. */
  serving: boolean
  /** Monotonic ms from which the next headers may be sent. */
  headersFrom: number
}

export const make = (): ServeQueue => ({ waiting: [], serving: false, headersFrom: 0 })
