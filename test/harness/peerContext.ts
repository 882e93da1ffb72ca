/**
 * The state that the parts of the connection manager share, put together by hand: timers moved by hand, sockets that only note what they are
 * asked, connections that decode what they are given to send, and pairs whose events are either noted or handled by the real machine. For
 * tests of one part.
 */
import { assert } from "@effect/vitest"
import { Clock, Context, Effect, Fiber, Layer, Logger, Random, Scope, Stream } from "effect"
import * as Limits from "../../src/domain/Limits.ts"
import { networks } from "../../src/domain/Network.ts"
import type { NodeSetup } from "../../src/domain/NodeSetup.ts"
import type * as PairState from "../../src/domain/pair/PairState.ts"
import * as TimePairState from "../../src/domain/pair/TimePairState.ts"
import * as BookEntry from "../../src/domain/peer/BookEntry.ts"
import type * as PeerAddress from "../../src/domain/peer/PeerAddress.ts"
import { PeerBook } from "../../src/domain/peer/PeerBook.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import type { PeerSource } from "../../src/domain/peer/PeerRecord.ts"
import type { PinReport } from "../../src/domain/peer/Pins.ts"
import type { Tuning } from "../../src/domain/Tuning.ts"
import { TimeFraming } from "../../src/domain/wire/time/TimeFraming.ts"
import { deaf } from "../../src/layers/peer/ConnectionEvents.ts"
import * as ConnectionLife from "../../src/layers/peer/ConnectionLife.ts"
import * as NodeContext from "../../src/layers/peer/NodeContext.ts"
import * as PairDriver from "../../src/layers/peer/PairDriver.ts"
import type { Peer } from "../../src/layers/peer/Peer.ts"
import { PeerEnd, unheard, type Up } from "../../src/layers/peer/PeerEnd.ts"
import * as PeerTable from "../../src/layers/peer/PeerTable.ts"
import { NodeFibers } from "../../src/layers/time/NodeFibers.ts"
import { Timers } from "../../src/layers/time/Timers.ts"
import { Entropy } from "../../src/services/Entropy.ts"
import { EventLoop } from "../../src/services/EventLoop.ts"
import { LocalChain } from "../../src/services/LocalChain.ts"
import { defaultTuning, NodeConfig } from "../../src/services/NodeConfig.ts"
import { NodeEvents, type Untimed } from "../../src/services/NodeEvents.ts"
import { NodeRules, protocolRules } from "../../src/services/NodeRules.ts"
import { type Dialled, PeerSocket } from "../../src/services/PeerSocket.ts"
import { HandConnection } from "./HandConnection.ts"
import * as HandTimers from "./handTimers.ts"

export { HandConnection, type Sent } from "./HandConnection.ts"

export const ip = PeerIp.fromStringUnsafe
export const port = networks.devnet.port

/** ms by which the wall clock of such a node is ahead of its monotonic one. */
export const wallOffset = 1_800_000_000_000

export interface Options extends Partial<Pick<NodeSetup, "advertisePort" | "masternodes" | "network" | "seeds">> {
  /** Where it listens: one address (the default is 10.0.0.100), or all those of its host. */
  readonly own?: string
  readonly advertise?: string
  /** The addresses of its host's interfaces. May change. */
  readonly interfaces?: ReadonlyArray<string>
  readonly tuning?: Partial<Tuning>
  readonly rules?: Partial<NodeRules>
  /** Bits beyond those of every node. */
  readonly capabilities?: number
  readonly keyReport?: (ip: PeerIp.PeerIp) => PinReport | undefined
  /** What a dial leads to. By default it never connects. */
  readonly dial?: (to: PeerAddress.PeerAddress) => Effect.Effect<Dialled>
  /** Handles TIME-wire frames. By default nothing does. */
  readonly timeFrames?: (ctx: NodeContext.NodeContext) => NodeContext.NodeContext["timeFrames"]
  /** The real machine handles what is posted. Otherwise it is only noted. */
  readonly isDriven?: boolean
}

export interface UpOptions {
  readonly direction?: "inbound" | "outbound"
  readonly source?: PeerSource
  /** Where it listens; 0: nowhere. */
  readonly listens?: number
  readonly process?: string
  readonly tag?: string
  /** This node's address as the peer names it. */
  readonly self?: string
  readonly capabilities?: number
  readonly wire?: "native" | "time"
  readonly rttMs?: number
  readonly role?: PairState.Role
}

export interface Connected {
  readonly peer: Peer
  readonly end: PeerEnd
  readonly connection: HandConnection
  readonly up: Up
}

export const make = (options: Options = {}) => {
  const { advertise, capabilities = 0, isDriven = false, own = "10.0.0.100" } = options
  const hand = HandTimers.make()
  const emitted: Array<Untimed> = []
  const posted: Array<NodeContext.PairInput> = []
  const listeners: Array<(event: Untimed) => void> = []
  /** Dials that the pairs asked for; with `Dialler` in place, those that began. */
  const dials: Array<PeerEnd> = []
  const withdrawn: Array<PeerEnd> = []
  let saves = 0
  let jitter = () => 0.5
  let wallMs = wallOffset
  let nonces = 100n
  const turns: Array<() => void> = []
  const setup: NodeSetup = {
    network: options.network ?? networks.devnet,
    listen: { ip: own === "any" ? "any" : ip(own), port },
    advertise: advertise === undefined ? undefined : ip(advertise),
    advertisePort: options.advertisePort,
    peers: [],
    seeds: options.seeds,
    software: "test",
    tuning: { ...defaultTuning, ...options.tuning },
    masternodes: options.masternodes
  }
  const nowMs = () => wallMs + hand.timers.now()
  const clock = {
    currentTimeMillisUnsafe: nowMs,
    currentTimeMillis: Effect.sync(nowMs),
    currentTimeNanosUnsafe: () => BigInt(nowMs()) * 1_000_000n,
    currentTimeNanos: Effect.sync(() => BigInt(nowMs()) * 1_000_000n),
    monotonicTimeNanosUnsafe: () => BigInt(hand.timers.now()) * 1_000_000n,
    monotonicTimeNanos: Effect.sync(() => BigInt(hand.timers.now()) * 1_000_000n),
    sleep: () => Effect.never
  } as unknown as Clock.Clock
  const interfaces = () => options.interfaces?.map(ip)
  const asked: Array<{ readonly to: PeerAddress.PeerAddress; readonly from: PeerIp.PeerIp | undefined }> = []
  const sockets = {
    dial: (to: PeerAddress.PeerAddress, { from }: { readonly from?: PeerIp.PeerIp } = {}) =>
      Effect.suspend(() => {
        asked.push({ to, from })
        return options.dial?.(to) ?? Effect.never
      }),
    listen: () => Effect.die("nothing listens"),
    addresses: interfaces,
    keyReport: options.keyReport
  } as unknown as PeerSocket["Service"]
  const services = Context.make(NodeConfig, setup).pipe(
    Context.add(
      NodeEvents,
      {
        emit: (event: Untimed) => {
          emitted.push(event)
          for (const listener of listeners) listener(event)
        },
        stream: Stream.never,
        listen: () => Effect.void,
        stats: Effect.die("no stats")
      } as unknown as NodeEvents["Service"]
    ),
    Context.add(LocalChain, {
      tip: () => ({ height: 7, hash: "ab".repeat(32) }),
      setTip: () => {},
      capabilities
    }),
    Context.add(Timers, hand.timers),
    Context.add(NodeFibers, {
      fork: (effect: Effect.Effect<void>) => Effect.runFork(Effect.provide(effect, Logger.layer([])))
    }),
    Context.add(Entropy, {
      nonce: () => ++nonces,
      process: "a0".repeat(8),
      tagFor: (peer: PeerIp.PeerIp) => Buffer.from(peer.padEnd(16).slice(0, 16)).toString("hex"),
      mac: (key: Uint8Array, input: Uint8Array) =>
        Buffer.concat([key, input]).reduce((sum, byte) => (sum * 31 + byte) % 0x7fffffff, 7).toString(16)
          .padStart(32, "0")
    }),
    Context.add(PeerSocket, sockets),
    Context.add(NodeRules, { ...protocolRules, ...options.rules }),
    Context.add(EventLoop, { afterTurn: (f: () => void) => void turns.push(f), ownClock: clock }),
    Context.add(Clock.Clock, clock),
    Context.add(Random.Random, { nextIntUnsafe: () => 0, nextDoubleUnsafe: () => jitter() }),
    Context.add(Scope.Scope, Scope.makeUnsafe())
  )
  // Of a scope that stays open: the table lives as long as the test.
  const ctx = Effect.runSync(
    Effect.flatMap(
      Layer.build(PeerTable.layer()),
      (table) =>
        Effect.provideContext(
          NodeContext.make(port, new PeerBook([1, 2, 3, 4]), options.timeFrames ?? (() => deaf)),
          table
        )
    ).pipe(Effect.provideContext(services))
  )
  NodeContext.listens(ctx, () => ({ dialling: 0, dials: dials.length }))
  const parts: ConnectionLife.Parts = {
    dialler: {
      dial: (peer, id) => {
        const end = new PeerEnd(id, peer, "outbound", ctx.entropy.nonce())
        ctx.slots.dialled(end)
        peer.ends = peer.ends.concat(end)
        dials.push(end)
        return end
      },
      withdraw: (end) => void withdrawn.push(end)
    },
    saver: { save: Effect.void, changed: () => void (saves += 1), run: Effect.never }
  }
  if (isDriven) PairDriver.start(ctx, parts)
  else ctx.pairs.start((input) => void posted.push(input))

  const connectionOf = (end: PeerEnd): HandConnection =>
    end.connection as unknown as HandConnection ?? assert.fail("no connection")

  /** A socket with the peer: an end of its pair that has not said anything yet. */
  const socket = (
    at: string,
    { direction = "inbound", source = "inbound", wire = "native" }: UpOptions = {}
  ): Omit<Connected, "up"> => {
    const address = ip(at)
    const peer = ctx.table.get(address) ?? ctx.table.add(address, undefined, source) ?? assert.fail("the table is full")
    const end = new PeerEnd(ctx.slots.nextId, peer, direction, ctx.entropy.nonce())
    ctx.slots.tookId()
    if (direction === "outbound") ctx.slots.dialled(end)
    const connection = new HandConnection(`${at}:5000`, own === "any" ? undefined : ip(own))
    end.connection = connection as unknown as NonNullable<PeerEnd["connection"]>
    if (wire === "time") {
      end.time = unheard()
      connection.framing = TimeFraming
    }
    peer.ends = peer.ends.concat(end)
    return { peer, end, connection }
  }

  /** Brings a peer up without its machine: its row, its state and its place are as after a handshake. */
  const up = (at: string, options: UpOptions = {}): Connected => {
    const made = socket(at, options)
    const { connection, end, peer } = made
    const {
      capabilities = 0,
      direction = "inbound",
      listens = port,
      process = Buffer.from(at.padEnd(8).slice(-8)).toString("hex"),
      role = "higher",
      rttMs,
      self = own === "any" ? "10.0.0.100" : own,
      tag = process + process,
      wire = "native"
    } = options
    end.greeting = {
      software: "test",
      tip: { height: 3, hash: "cd".repeat(32) },
      process,
      nonce: 1_000n + BigInt(end.id),
      capabilities,
      listens,
      namesUs: ip(self)
    }
    peer.note({ saidHello: true })
    const dir = direction === "inbound" ? "in" : "out"
    if (wire === "native") {
      const state: PairState.End = {
        id: end.id,
        dir,
        phase: "up",
        role,
        tag,
        process,
        self: ip(self),
        order: undefined,
        commitHeld: false
      }
      peer.pair = { ...peer.pair, rank: role, ends: [...peer.pair.ends, state] }
    } else {
      peer.time = { ...TimePairState.empty(role, false), rank: role }
      peer.speaks = "time"
    }
    ctx.slots.takePlace(peer.ip, direction === "outbound" && peer.book.source !== "configured")
    ctx.slots.opened(end)
    const live = ConnectionLife.up(ctx, parts, peer, end, {
      role,
      rttMs,
      book: (book) =>
        BookEntry.cameUp(listens > 0 ? BookEntry.learnPort(book, listens) : { ...book, port: 0 }, {
          id: process,
          tag,
          self: ip(self)
        })
    })
    assert(live !== undefined, `${at} got no place`)
    connection.sent()
    return { ...made, up: live }
  }

  return {
    ctx,
    parts,
    hand,
    dials,
    withdrawn,
    asked,
    up,
    socket,
    connectionOf,
    /** Advances the clock by that time, ms. */
    pass: (ms: number) => hand.to(hand.timers.now() + ms),
    /** Adds a row that is not connected. */
    row: (at: string, source: PeerSource = "gossip", change: Partial<BookEntry.BookEntry> = {}): Peer => {
      const peer = ctx.table.add(ip(at), port, source) ?? assert.fail("the table is full")
      peer.note(change)
      return peer
    },
    /** Runs what waits for the end of the turn. */
    turn: () => {
      for (const f of turns.splice(0)) f()
    },
    /** Sets the wall clock by that, ms. */
    setClock: (ms: number) => {
      wallMs += ms
    },
    /** Draws values in [0, 1) from there, from now on. */
    random: (next: () => number) => {
      jitter = next
    },
    /** Values in [0, 1) that are drawn from now on, in order; the last again and again. */
    draw: (...values: ReadonlyArray<number>) => {
      const left = [...values]
      jitter = () => (left.length > 1 ? left.shift() : left[0]) ?? 0.5
    },
    hear: (listener: (event: Untimed) => void) => void listeners.push(listener),
    /** Events emitted since the last call. */
    emitted: (): ReadonlyArray<Untimed> => emitted.splice(0),
    /** Events of one kind since the last call of either; others are forgotten. */
    of: <T extends Untimed["_tag"]>(tag: T) =>
      emitted.splice(0).flatMap((event) => event._tag === tag ? [event as Extract<Untimed, { readonly _tag: T }>] : []),
    /** What was posted to the pairs since the last call, with the peer's address. */
    posted: () =>
      posted.splice(0).map((input) => [input.peer.ip, "event" in input ? input.event : input.time] as const),
    /** How often the book was said to have changed since the last call. */
    saves: () => {
      const before = saves
      saves = 0
      return before
    },
    /** Waits until forked effects had their turn. */
    settle: Effect.andThen(Effect.yieldNow, Fiber.await(Effect.runFork(Effect.yieldNow)))
  }
}

export type Hand = ReturnType<typeof make>

/** Fills the table with rows of that source, beginning at 11.0.0.0, but for `less` of them. */
export const fillTable = ({ row }: Hand, source: PeerSource, less = 0, change: Partial<BookEntry.BookEntry> = {}) =>
  Array.from(
    { length: Limits.knownPeers - less },
    (_, i) => row(`11.${i >> 16 & 255}.${i >> 8 & 255}.${i & 255}`, source, change)
  )
