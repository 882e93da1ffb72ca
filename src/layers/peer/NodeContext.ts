/**
 * What the parts of the connection manager share: the node's settings and services, read-only. Mutable state is in objects of its own: the
 * peer table, the slots, the pair machine. All of it is touched only by synchronous code, so nothing needs a lock.
 */
import { Clock, Effect, Random } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { Queues } from "../../domain/metrics/Counts.ts"
import * as Handshake from "../../domain/pair/Handshake.ts"
import type { PairEvent } from "../../domain/pair/PairState.ts"
import type * as TimePairState from "../../domain/pair/TimePairState.ts"
import type * as Liveness from "../../domain/peer/Liveness.ts"
import type { PeerAddress } from "../../domain/peer/PeerAddress.ts"
import type { PeerBook } from "../../domain/peer/PeerBook.ts"
import type { MasternodeMessage } from "../../domain/wire/MasternodeMessage.ts"
import { NativeWire } from "../../domain/wire/native/NativeWire.ts"
import type { SyncMessage } from "../../domain/wire/SyncMessage.ts"
import type { TimeMessage } from "../../domain/wire/time/TimeMessage.ts"
import type { Wire } from "../../domain/wire/Wire.ts"
import type { Origin } from "../../services/ConnectionManager.ts"
import { Entropy } from "../../services/Entropy.ts"
import { EventLoop } from "../../services/EventLoop.ts"
import { LocalChain } from "../../services/LocalChain.ts"
import { OwnMasternode } from "../../services/Masternodes.ts"
import { NodeConfig, type NodeSetup } from "../../services/NodeConfig.ts"
import { NodeEvents, type Untimed } from "../../services/NodeEvents.ts"
import { NodeRules } from "../../services/NodeRules.ts"
import { PeerSocket } from "../../services/PeerSocket.ts"
import { Machine } from "../time/Machine.ts"
import { NodeFibers } from "../time/NodeFibers.ts"
import { Timers } from "../time/Timers.ts"
import { ApplicationInbox } from "./ApplicationInbox.ts"
import { type ConnectionIo, deaf, type FrameEvents } from "./ConnectionEvents.ts"
import { DialBacks } from "./DialBacks.ts"
import { DueSlots } from "./DueSlots.ts"
import { GroupPace } from "./GroupPace.ts"
import { Lingering } from "./Lingering.ts"
import { ListTurns } from "./ListTurns.ts"
import type { Peer } from "./Peer.ts"
import type { PeerEnd, Up } from "./PeerEnd.ts"
import { PeerTable } from "./PeerTable.ts"
import type { ProtectionState } from "./ProtectionState.ts"
import { Protocol } from "./Protocols.ts"
import { ReadTurns } from "./ReadTurns.ts"
import { Slots } from "./Slots.ts"
import { ToldDials } from "./ToldDials.ts"
import { WaitingBytes } from "./WaitingBytes.ts"

/** An event of one peer's pair, or of its pair on the TIME wire. */
export type PairInput =
  | { readonly peer: Peer; readonly event: PairEvent }
  | { readonly peer: Peer; readonly time: TimePairState.Event }

export interface NodeContext {
  readonly setup: NodeSetup
  readonly rules: NodeRules
  readonly table: PeerTable["Service"]
  /** Every known address, connected or not. */
  readonly book: PeerBook
  readonly slots: Slots
  /** Runs the pairs. `PairDriver` starts it; events posted before wait. */
  readonly pairs: Machine<PairInput>
  readonly sync: Protocol<SyncMessage>
  readonly masternodes: Protocol<MasternodeMessage>
  /** TIME-network messages about the chain. */
  readonly timeChain: Protocol<TimeMessage>
  /** TIME-network messages about masternodes. */
  readonly timeMasternodes: Protocol<TimeMessage>
  /** Handles TIME-wire frames. */
  readonly timeFrames: FrameEvents<PeerEnd, TimeMessage>
  readonly entropy: Entropy["Service"]
  readonly localChain: LocalChain["Service"]
  readonly timers: Timers["Service"]
  /** Wall time, ms. */
  readonly nowMs: () => number
  readonly io: ConnectionIo
  readonly wire: Wire
  readonly liveness: Liveness.Params
  /** Connections that are up, by when they are next due. */
  readonly due: DueSlots<Up>
  /** Uniform in [0, 1). */
  readonly jitter: () => number
  readonly emit: (event: Untimed) => void
  /** Connections that came up since newcomers were last announced to peers. */
  readonly newcomers: Array<Up>
  readonly inbox: ApplicationInbox
  /** Long address lists with entries still to be handled. */
  readonly lists: ListTurns
  /** Offences and bans; `Protection` decides on them. */
  readonly protection: ProtectionState
  readonly toldDials: ToldDials
  readonly groups: GroupPace
  readonly dialBacks: DialBacks
  readonly sockets: PeerSocket["Service"]
  readonly told: {
    /** Today's selection from the book, made at `at` (monotonic ms), and how many tried addresses the book had then. */
    choice:
      | { readonly at: number; readonly tried: number; readonly addresses: ReadonlyArray<PeerAddress> }
      | undefined
    /** When newcomers were last announced to peers, monotonic ms. */
    allAt: number
  }
  /** Port at which peers reach this node: `advertisePort`, or the port it listens on. */
  readonly listenPort: number
  /** Whether this node is a masternode, and announces itself to the TIME network. */
  readonly announces: boolean
}

/** Posts an event to a peer's pair. It is handled before this returns, unless a step is already running. */
export const post = (ctx: NodeContext, peer: Peer, event: PairEvent): void => ctx.pairs.post({ peer, event })

/** The same for the peer's pair on the TIME wire. */
export const postTime = (ctx: NodeContext, peer: Peer, time: TimePairState.Event): void =>
  ctx.pairs.post({ peer, time })

/** The peer of an open end; `undefined` if the end is closed. */
export const peerOf = (ctx: NodeContext, end: PeerEnd): Peer | undefined => {
  const peer = ctx.table.get(end.ip)
  return peer?.has(end) === true ? peer : undefined
}

/** Posts an event of an end; does nothing if the end is closed. */
export const postOf = (ctx: NodeContext, end: PeerEnd, event: PairEvent): void => {
  const peer = peerOf(ctx, end)
  if (peer !== undefined) post(ctx, peer, event)
}

export const originOf = ({ id, ip }: PeerEnd): Origin => ({ ip, connection: id })

/** `timeFrames`: makes the handler of TIME-wire frames over the new state. */
export const make = Effect.fnUntraced(function*(
  listenPort: number,
  book: PeerBook,
  timeFrames: (ctx: NodeContext) => NodeContext["timeFrames"]
) {
  const setup = yield* NodeConfig
  const events = yield* NodeEvents
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const rules = yield* NodeRules
  const localChain = yield* LocalChain
  const timers = yield* Timers
  const { fork } = yield* NodeFibers
  const { afterTurn } = yield* EventLoop
  const { tuning } = setup
  const table = yield* PeerTable
  const ctx = {
    setup,
    rules,
    table,
    book,
    slots: new Slots(rules.endId),
    pairs: new Machine<PairInput>(),
    sync: new Protocol<SyncMessage>((localChain.capabilities & Handshake.Capability.chain) !== 0),
    masternodes: new Protocol<MasternodeMessage>(setup.masternodes === true),
    timeChain: new Protocol<TimeMessage>((localChain.capabilities & Handshake.Capability.chain) !== 0),
    timeMasternodes: new Protocol<TimeMessage>(setup.masternodes === true),
    timeFrames: deaf as NodeContext["timeFrames"],
    entropy: yield* Entropy,
    localChain,
    timers,
    nowMs: () => clock.currentTimeMillisUnsafe(),
    io: {
      timers,
      afterTurn,
      fork,
      waiting: new WaitingBytes(),
      turns: new ReadTurns(timers.now, fork),
      lingering: new Lingering(timers)
    },
    wire: NativeWire,
    liveness: {
      pingMs: tuning.pingMs,
      deadMs: tuning.deadMs,
      frameMs: Limits.frameMs,
      answerMs: Limits.answerMs,
      lateMs: Limits.lagFloorMs
    },
    due: new DueSlots<Up>(),
    jitter: () => random.nextDoubleUnsafe(),
    emit: events.emit,
    newcomers: [],
    inbox: new ApplicationInbox(),
    lists: new ListTurns(fork),
    protection: table.protection,
    toldDials: new ToldDials(),
    groups: new GroupPace(),
    dialBacks: new DialBacks(),
    sockets: yield* PeerSocket,
    told: { choice: undefined, allAt: Number.NEGATIVE_INFINITY },
    listenPort: setup.advertisePort ?? listenPort,
    announces: (yield* OwnMasternode) !== undefined
  } satisfies NodeContext
  ctx.timeFrames = timeFrames(ctx)
  return ctx as NodeContext
})

/** The node listens: `PeerState` reports its book and its queues from now on. `dials`: those in flight, and those that wait. */
export const listens = (ctx: NodeContext, dials: () => Pick<Queues, "dialling" | "dials">): void => {
  ctx.table.manager = {
    reachedAt: ctx.listenPort,
    book: ctx.book,
    queues: () => ({ unidentified: ctx.slots.unidentifiedCount, ...dials(), application: ctx.inbox.heldMessages })
  }
}
