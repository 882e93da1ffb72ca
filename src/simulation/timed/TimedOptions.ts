/** What a twin of the daemon is made of. */
import type { Block } from "../../domain/chain/Block.ts"
import type { Hasher } from "../../domain/chain/Hasher.ts"
import type { Ledger } from "./Ledger.ts"

export interface TimedOptions {
  readonly ip: string
  readonly hasher: Hasher
  /** Blocks 1, 2, … above genesis. */
  readonly chain?: ReadonlyArray<Block>
  /** Addresses that it dials: as from a masternode list. */
  readonly knows?: ReadonlyArray<string>
  /** From before it was started again. */
  readonly ledger?: Ledger
  readonly commitCount?: number
  /** Whether connections that ended, and what all of them heard and said, are kept: for tests. Default true. */
  readonly remembers?: boolean
}
