/** Configuration of a twin of the daemon. */
import type { Block } from "../../domain/chain/Block.ts"
import type { Hasher } from "../../domain/chain/Hasher.ts"
import type { Ledger } from "./Ledger.ts"

export interface TimedOptions {
  readonly ip: string
  readonly hasher: Hasher
  /** Blocks 1, 2, … above genesis. */
  readonly chain?: ReadonlyArray<Block>
  /** Addresses that it dials, as from a masternode list. */
  readonly knows?: ReadonlyArray<string>
  /** State from before its restart. */
  readonly ledger?: Ledger
  readonly commitCount?: number
  /** Whether to keep ended connections, and all messages received and sent: for tests. Default true. */
  readonly remembers?: boolean
}
