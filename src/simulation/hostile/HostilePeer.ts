/** A misbehaving peer's own facts, how it visits its target, and how it joins properly when it chooses to. */
import { Clock, Effect, Random } from "effect"
import type { Scope } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { Network } from "../../domain/Network.ts"
import * as Handshake from "../../domain/pair/Handshake.ts"
import type { PeerAddress } from "../../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as TieBreak from "../../domain/peer/TieBreak.ts"
import type { Commit, Hello } from "../../domain/wire/Message.ts"
import type { Decoded } from "../../domain/wire/Wire.ts"
import type { PeerSocket } from "../../services/PeerSocket.ts"
import * as SimulationLimits from "../plan/Limits.ts"
import * as Rng from "../plan/Rng.ts"
import * as Connection from "./Connection.ts"
import * as Pace from "./Pace.ts"

export interface HostileOptions {
  /** Of the hostile peer's own host. */
  readonly sockets: PeerSocket["Service"]
  /** Its address. */
  readonly own: PeerIp
  readonly target: PeerAddress
  /** The target's. */
  readonly network: Network
}

export interface HostilePeer extends HostileOptions {
  readonly random: Rng.Rng
  readonly pace: Pace.Pace
  /** Whether it accepts connections on the network's port. */
  readonly listens: boolean
  /** The nonces of one process. */
  readonly tag: string
  readonly process: string
  /** Addresses that peers have advertised, without duplicates, at most `SimulationLimits.hostileHeard`. */
  readonly heard: Map<PeerIp, PeerAddress>
}

/** Behaviour on one connection; returns when it is done with it. */
export type Act = (connection: Connection.Connection) => Effect.Effect<void, Connection.ConnectionEnded, Scope.Scope>

export const make = (options: HostileOptions, mayListen: boolean): Effect.Effect<HostilePeer> =>
  Effect.gen(function*() {
    const source = yield* Random.Random
    const random = Rng.make(() => source.nextDoubleUnsafe())
    return {
      ...options,
      random,
      pace: Pace.make(yield* Clock.Clock),
      listens: mayListen && random.happens(0.5),
      tag: random.hex(16),
      process: random.hex(8),
      heard: new Map()
    }
  })

/** One connection to the target, until either end closes it, at most `mostMs`. */
export const visit = (self: HostilePeer, act: Act, mostMs?: number): Effect.Effect<void> =>
  Effect.gen(function*() {
    const { socket } = yield* self.sockets.dial(self.target)
    yield* act(yield* Connection.open(socket, self.target.ip, self.random, self.pace))
  }).pipe(
    Effect.scoped,
    Effect.timeoutOption(
      mostMs ?? self.random.spread(SimulationLimits.hostileVisitMinMs, SimulationLimits.hostileVisitMaxMs)
    ),
    Effect.ignore
  )

/** This many visits at once. */
export const swarm = (self: HostilePeer, count: number, act: Act): Effect.Effect<void> =>
  Effect.forEach(Array.from({ length: count }), () => visit(self, act), { concurrency: "unbounded", discard: true })

// --- handshake ---------------------------------------------------------------------

/** A Hello that the network's nodes accept. Sometimes its process is new, or claims to be the target's own. */
export const hello = (self: HostilePeer, connection: Connection.Connection, change: Partial<Hello> = {}): Hello => {
  const { random, network } = self
  return {
    _tag: "Hello",
    protocol: Handshake.protocolVersion,
    rule: Handshake.ruleVersion,
    network: network.name,
    genesis: network.genesis,
    nonce: random.u64(),
    tag: random.happens(0.8) ? self.tag : random.hex(16),
    process: random.happens(0.2) ? connection.hello?.process ?? self.process : self.process,
    peer: connection.remote,
    listens: self.listens ? network.port : 0,
    software: "hostile",
    tipHeight: 0,
    tipHash: network.genesis,
    capabilities: Handshake.capabilities,
    extensions: [],
    ...change
  }
}

/** Its own rank in the pair. */
export const isLower = (self: HostilePeer, connection: Connection.Connection): boolean =>
  TieBreak.shouldInitiate(self.own, connection.remote)

/** The Commit that is due if it is the lower end. */
export const commit = (self: HostilePeer, connection: Connection.Connection): Commit => ({
  _tag: "Commit",
  lower: connection.hello?.peer ?? self.own,
  higher: connection.remote
})

const waitFor = (
  connection: Connection.Connection,
  tag: Decoded["_tag"],
  ms: number
): Effect.Effect<void, Connection.ConnectionEnded> =>
  Effect.gen(function*() {
    while (true) {
      const message = yield* connection.within(ms)
      if (message._tag === tag) return
      if (message._tag === "Ping") yield* connection.reply({ _tag: "Pong", nonce: message.nonce })
      if (message._tag === "Reject") return yield* new Connection.ConnectionEnded({ detail: message.text })
    }
  })

/** Exchanges Hellos; afterwards the connection holds the target's. */
export const greet = (
  self: HostilePeer,
  connection: Connection.Connection,
  change?: Partial<Hello>
): Effect.Effect<void, Connection.ConnectionEnded> =>
  Effect.gen(function*() {
    // Sometimes it reads the target's Hello before it sends its own, so that it can copy from it.
    const later = self.random.happens(0.3)
    if (later) yield* waitFor(connection, "Hello", Limits.helloMs)
    yield* connection.say(hello(self, connection, change))
    if (!later) yield* waitFor(connection, "Hello", Limits.helloMs)
  })

/** The whole handshake by the rules, in either role; the connection is up afterwards. */
export const join = (
  self: HostilePeer,
  connection: Connection.Connection,
  change?: Partial<Hello>
): Effect.Effect<void, Connection.ConnectionEnded> =>
  Effect.gen(function*() {
    yield* greet(self, connection, change)
    if (isLower(self, connection)) {
      yield* connection.say(commit(self, connection))
      return yield* waitFor(connection, "Ack", Limits.commitMs)
    }
    yield* waitFor(connection, "Commit", Limits.waitMs)
    yield* connection.say({ _tag: "Ack" })
  })

/** Reads for ever, answers pings, and hands the rest to `on`. */
export const serve = (
  connection: Connection.Connection,
  on: (message: Decoded) => Effect.Effect<void, Connection.ConnectionEnded> = () => Effect.void
): Effect.Effect<never, Connection.ConnectionEnded> =>
  Effect.forever(
    Effect.flatMap(connection.next, (message) =>
      message._tag === "Ping" ? connection.reply({ _tag: "Pong", nonce: message.nonce }) : on(message))
  )

/** Stays until the target ends the connection: reads, or (seldom) lets data pile up. */
export const stay = (
  { random }: HostilePeer,
  connection: Connection.Connection,
  readsMostly = 0.8
): Effect.Effect<never, Connection.ConnectionEnded> =>
  random.happens(readsMostly) ? Effect.forever(connection.next) : Effect.never

/** Runs `speak`, and meanwhile and afterwards reads and answers as `serve` does. */
export const converse = (
  connection: Connection.Connection,
  speak: Effect.Effect<void, Connection.ConnectionEnded>,
  on?: (message: Decoded) => Effect.Effect<void, Connection.ConnectionEnded>
): Effect.Effect<void, Connection.ConnectionEnded> =>
  Effect.all([serve(connection, on), speak], { concurrency: "unbounded", discard: true })

/** Repeats, with a pause of random length before each turn. */
export const atTimes = <E>(
  { random }: HostilePeer,
  what: Effect.Effect<void, E>,
  mostMs: number = SimulationLimits.hostileBeatMaxMs
): Effect.Effect<never, E> =>
  Effect.forever(
    Effect.andThen(Effect.suspend(() => Effect.sleep(random.spread(SimulationLimits.hostileBeatMinMs, mostMs))), what)
  )
