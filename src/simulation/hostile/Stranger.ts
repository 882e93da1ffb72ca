/** A misbehaving peer's own facts, how it visits its target, and how it joins properly when it wants to. */
import { Clock, Effect, Random } from "effect"
import type { Scope } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { Network } from "../../domain/Network.ts"
import * as Handshake from "../../domain/pair/Handshake.ts"
import type { PeerAddress } from "../../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as TieBreak from "../../domain/peer/TieBreak.ts"
import type { Commit, Hello } from "../../domain/wire/Message.ts"
import type * as NativeDecoder from "../../domain/wire/native/NativeDecoder.ts"
import type { PeerSocket } from "../../services/PeerSocket.ts"
import * as Draw from "./Draw.ts"
import * as Line from "./Line.ts"
import * as Pace from "./Pace.ts"

export interface HostileOptions {
  /** Of the stranger's own host. */
  readonly sockets: PeerSocket["Service"]
  /** Its address. */
  readonly own: PeerIp
  readonly target: PeerAddress
  /** The target's. */
  readonly network: Network
}

export interface Stranger extends HostileOptions {
  readonly draw: Draw.Draw
  readonly pace: Pace.Pace
  /** Whether it takes connections on the network's port. */
  readonly listens: boolean
  /** As one process would have them. */
  readonly tag: string
  readonly process: string
  /** Addresses that peers have told, without repetition, at most `Limits.hostileHeard`. */
  readonly heard: Map<PeerIp, PeerAddress>
}

/** What it does on a connection: ends when it is done with it. */
export type Act = (line: Line.Line) => Effect.Effect<void, Line.LineEnded, Scope.Scope>

export const make = (options: HostileOptions, mayListen: boolean): Effect.Effect<Stranger> =>
  Effect.gen(function*() {
    const draw = Draw.make(yield* Random.Random)
    return {
      ...options,
      draw,
      pace: Pace.make(yield* Clock.Clock),
      listens: mayListen && draw.chance(0.5),
      tag: draw.hex(16),
      process: draw.hex(8),
      heard: new Map()
    }
  })

/** One connection to the target, for as long as both ends want it and at most `mostMs`. */
export const visit = (self: Stranger, act: Act, mostMs?: number): Effect.Effect<void> =>
  Effect.gen(function*() {
    const { socket } = yield* self.sockets.dial(self.target)
    yield* act(yield* Line.open(socket, self.target.ip, self.draw, self.pace))
  }).pipe(
    Effect.scoped,
    Effect.timeoutOption(mostMs ?? self.draw.spread(Limits.hostileVisitMinMs, Limits.hostileVisitMaxMs)),
    Effect.ignore
  )

/** So many visits at once. */
export const swarm = (self: Stranger, count: number, act: Act): Effect.Effect<void> =>
  Effect.forEach(Array.from({ length: count }), () => visit(self, act), { concurrency: "unbounded", discard: true })

// --- handshake ---------------------------------------------------------------------

/** A Hello that the network's nodes take. Sometimes its process is new, or says that it is the target's own. */
export const hello = (self: Stranger, line: Line.Line, change: Partial<Hello> = {}): Hello => {
  const { draw, network } = self
  return {
    _tag: "Hello",
    protocol: Handshake.protocolVersion,
    rule: Handshake.ruleVersion,
    network: network.name,
    genesis: network.genesis,
    nonce: draw.u64(),
    tag: draw.chance(0.8) ? self.tag : draw.hex(16),
    process: draw.chance(0.2) ? line.hello?.process ?? self.process : self.process,
    peer: line.remote,
    listens: self.listens ? network.port : 0,
    software: "stranger",
    tipHeight: 0,
    tipHash: network.genesis,
    capabilities: Handshake.capabilities,
    extensions: [],
    ...change
  }
}

/** Its own place in the pair. */
export const isLower = (self: Stranger, line: Line.Line): boolean => TieBreak.shouldInitiate(self.own, line.remote)

/** The Commit that is due when it is the lower. */
export const commit = (self: Stranger, line: Line.Line): Commit => ({
  _tag: "Commit",
  lower: line.hello?.peer ?? self.own,
  higher: line.remote
})

const waitFor = (
  line: Line.Line,
  tag: NativeDecoder.Decoded["_tag"],
  ms: number
): Effect.Effect<void, Line.LineEnded> =>
  Effect.gen(function*() {
    while (true) {
      const message = yield* line.within(ms)
      if (message._tag === tag) return
      if (message._tag === "Ping") yield* line.reply({ _tag: "Pong", nonce: message.nonce })
      if (message._tag === "Reject") return yield* new Line.LineEnded({ detail: message.text })
    }
  })

/** Exchanges Hellos: the target's is in the line then. */
export const greet = (self: Stranger, line: Line.Line, change?: Partial<Hello>): Effect.Effect<void, Line.LineEnded> =>
  Effect.gen(function*() {
    // Now and then it hears the other's Hello before it says its own: so it can copy from it.
    const later = self.draw.chance(0.3)
    if (later) yield* waitFor(line, "Hello", Limits.helloMs)
    yield* line.say(hello(self, line, change))
    if (!later) yield* waitFor(line, "Hello", Limits.helloMs)
  })

/** The whole handshake as the rules have it, in either role: the connection is up then. */
export const join = (self: Stranger, line: Line.Line, change?: Partial<Hello>): Effect.Effect<void, Line.LineEnded> =>
  Effect.gen(function*() {
    yield* greet(self, line, change)
    if (isLower(self, line)) {
      yield* line.say(commit(self, line))
      return yield* waitFor(line, "Ack", Limits.commitMs)
    }
    yield* waitFor(line, "Commit", Limits.waitMs)
    yield* line.say({ _tag: "Ack" })
  })

/** Reads on for ever, answers pings, and hands the rest to `on`. */
export const serve = (
  line: Line.Line,
  on: (message: NativeDecoder.Decoded) => Effect.Effect<void, Line.LineEnded> = () => Effect.void
): Effect.Effect<never, Line.LineEnded> =>
  Effect.forever(
    Effect.flatMap(line.next, (message) =>
      message._tag === "Ping" ? line.reply({ _tag: "Pong", nonce: message.nonce }) : on(message))
  )

/** Stays until the other end ends it: reads what comes, or (seldom) lets it pile up. */
export const stay = ({ draw }: Stranger, line: Line.Line, readsMostly = 0.8): Effect.Effect<never, Line.LineEnded> =>
  draw.chance(readsMostly) ? Effect.forever(line.next) : Effect.never

/** Speaks, and meanwhile and afterwards reads and answers as `serve`. */
export const converse = (
  line: Line.Line,
  speak: Effect.Effect<void, Line.LineEnded>,
  on?: (message: NativeDecoder.Decoded) => Effect.Effect<void, Line.LineEnded>
): Effect.Effect<void, Line.LineEnded> =>
  Effect.all([serve(line, on), speak], { concurrency: "unbounded", discard: true })

/** Again and again, with a pause of drawn length before each. */
export const atTimes = <E>(
  { draw }: Stranger,
  what: Effect.Effect<void, E>,
  mostMs: number = Limits.hostileBeatMaxMs
): Effect.Effect<never, E> =>
  Effect.forever(
    Effect.andThen(Effect.suspend(() => Effect.sleep(draw.spread(Limits.hostileBeatMinMs, mostMs))), what)
  )
