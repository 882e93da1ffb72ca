/**
 * The one peer table. It answers every question about peers; nothing else keeps a map of connections.
 *
 * **Shapes**: `PeerRecord`s are snapshots taken at the time of the call. **Ordering**: `peers` by numeric IP.
 * **Concurrency**: reading never waits.
 */
import type { Effect, Option, Stream } from "effect"
import { Context } from "effect"
import type { MessageCount, Queues } from "../domain/metrics/Counts.ts"
import type { PairTrace } from "../domain/pair/PairTrace.ts"
import type * as Explanation from "../domain/peer/Explanation.ts"
import type { Placed } from "../domain/peer/KnownAddress.ts"
import type { OwnReport } from "../domain/peer/OwnAddressText.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import type { PeerRecord } from "../domain/peer/PeerRecord.ts"

export class PeerState extends Context.Service<PeerState, {
  readonly peers: Effect.Effect<ReadonlyArray<PeerRecord>>
  readonly peer: (ip: PeerIp) => Effect.Effect<Option.Option<PeerRecord>>
  /** Connected peers only. */
  readonly connected: Effect.Effect<ReadonlyArray<PeerRecord>>
  /**
   * The row of every peer that changes (known, attempt, up, down, next dial), from now on. A change of counters alone is not reported. A
   * reader that falls more than `Limits.eventBuffer` behind loses the oldest.
   */
  readonly changes: Stream.Stream<PeerRecord>
  /**
   * Why we are or are not connected to an address, known or not: there is always an answer. `clockBehindS`: how many seconds the peer's
   * next block is ahead of this node's clock, where sync finds that (`SyncPeerReport`).
   */
  readonly why: (ip: PeerIp, clockBehindS?: number) => Effect.Effect<Explanation.Explanation>
  /** `why` of every row of the table, by numeric IP, without its text and offences. */
  readonly explained: (
    clockBehindS?: (ip: PeerIp) => number | undefined
  ) => Effect.Effect<ReadonlyArray<Explanation.Row>>
  /** This node's own address: where peers see it, whether they can reach it, and what to do about either. */
  readonly own: Effect.Effect<OwnReport>
  /**
   * The last steps of the pair machine for an address, with each decision and its rule. `None`: nothing has happened with it, or it is
   * forgotten. At most `Limits.traceSteps`; the trace of an address that never came up is kept only while there is room.
   */
  readonly trace: (ip: PeerIp) => Effect.Effect<Option.Option<PairTrace>>
  /** Addresses of the book: up to `count` after the first `skip`, in the order in which the node learned of them. */
  readonly book: (skip: number, count: number) => Effect.Effect<ReadonlyArray<Placed>>
  /** What the node keeps: book addresses by table, pairs with a trace, and the traces' bytes (estimated). */
  readonly sizes: Effect.Effect<{
    readonly book: { readonly new: number; readonly tried: number }
    readonly tracedPairs: number
    readonly traceBytes: number
  }>
  /** Why the peer book and the bans are not stored, for a person; `undefined`: they are, or nothing has changed. */
  readonly unsaved: Effect.Effect<string | undefined>
  /** Messages of all connections by wire, direction and type; only types that were seen. */
  readonly messages: Effect.Effect<ReadonlyArray<MessageCount>>
  readonly queues: Effect.Effect<Queues>
}>()("timemesh/services/PeerState") {}
