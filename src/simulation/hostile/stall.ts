/** Stalls in the middle of the handshake, sends it byte by byte or out of time, and misuses pings once it is up. */
import { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { Message } from "../../domain/wire/Message.ts"
import * as SimulationLimits from "../plan/Limits.ts"
import * as Connection from "./Connection.ts"
import {
  type Act,
  atTimes,
  commit,
  converse,
  greet,
  hello,
  type HostilePeer,
  isLower,
  join,
  serve,
  swarm,
  visit
} from "./HostilePeer.ts"
import * as Noise from "./Noise.ts"

const wait = (connection: Connection.Connection): Effect.Effect<never, Connection.ConnectionEnded> =>
  Effect.forever(connection.next)

/** The message it should have sent to come up. */
const dueMessage = (self: HostilePeer, connection: Connection.Connection): Message =>
  isLower(self, connection) ? commit(self, connection) : { _tag: "Ack" }

const wrongCommit = (self: HostilePeer, connection: Connection.Connection): Message => {
  const { random, own } = self
  const right = commit(self, connection)
  const unrelated = PeerIp.fromStringUnsafe("203.0.113.7")
  return random.pick([
    { ...right, lower: right.higher, higher: right.lower },
    { ...right, higher: unrelated },
    { ...right, lower: unrelated },
    { ...right, lower: own, higher: own },
    { ...right, lower: connection.remote, higher: connection.remote }
  ])
}

const handshakes = (self: HostilePeer): readonly [Act, ...ReadonlyArray<Act>] => {
  const { random } = self
  const then = (connection: Connection.Connection, ...messages: ReadonlyArray<Message>) =>
    Effect.andThen(greet(self, connection), Effect.andThen(connection.say(...messages), wait(connection)))
  return [
    // Around the timeout of a Hello.
    (connection) =>
      Effect.suspend(() => {
        const bytes = Connection.encode(hello(self, connection))
        const ms = Limits.helloMs * (0.5 + random.below(100) / 100) / bytes.length
        return Effect.andThen(connection.drip(bytes, ms), serve(connection))
      }),
    (connection) => Effect.andThen(greet(self, connection), wait(connection)),
    (connection) => then(connection, wrongCommit(self, connection)),
    (connection) => then(connection, { _tag: "Ack" }, commit(self, connection)),
    (connection) => then(connection, commit(self, connection), commit(self, connection)),
    (connection) => then(connection, hello(self, connection)),
    (connection) => then(connection, { _tag: "Pong", nonce: random.u64() }, { _tag: "Ping", nonce: random.u64() }),
    (connection) => then(connection, Noise.reject(self, connection)),
    (connection) => then(connection, Noise.message(self, connection)),
    // All at once, without waiting for anything.
    (connection) =>
      Effect.andThen(connection.say(hello(self, connection), dueMessage(self, connection)), serve(connection)),
    // The last message comes around its timeout.
    (connection) =>
      Effect.gen(function*() {
        yield* greet(self, connection)
        yield* Effect.sleep(
          (isLower(self, connection) ? Limits.waitMs : Limits.commitMs) * (0.8 + random.below(40) / 100)
        )
        yield* connection.say(dueMessage(self, connection))
        return yield* serve(connection)
      })
  ]
}

/** Once it is up. */
const games = (self: HostilePeer): readonly [Act, ...ReadonlyArray<Act>] => {
  const { random } = self
  const up =
    (speak: (connection: Connection.Connection) => Effect.Effect<void, Connection.ConnectionEnded>): Act =>
    (connection) => Effect.andThen(join(self, connection), converse(connection, speak(connection)))
  const pings = (count: number) => Array.from({ length: count }, (): Message => ({ _tag: "Ping", nonce: random.u64() }))
  return [
    up((connection) => atTimes(self, Effect.suspend(() => connection.say({ _tag: "Pong", nonce: random.u64() })))),
    up((connection) => atTimes(self, Effect.suspend(() => connection.say(...pings(random.between(1, 300)))))),
    // The pongs pile up.
    (connection) =>
      Effect.andThen(
        join(self, connection),
        atTimes(self, Effect.suspend(() => connection.say(...pings(random.between(1, 300)))), 1_000)
      ),
    up((connection) => Effect.suspend(() => connection.say(hello(self, connection)))),
    up((connection) => Effect.suspend(() => connection.say(commit(self, connection)))),
    up((connection) => connection.say({ _tag: "Ack" })),
    up((connection) =>
      Effect.delay(Effect.suspend(() => connection.say(Noise.reject(self, connection))), random.below(20_000))
    ),
    // Every ping is answered with something else.
    (connection) =>
      Effect.andThen(
        join(self, connection),
        Effect.forever(Effect.flatMap(connection.next, (message) =>
          message._tag === "Ping"
            ? connection.reply({ _tag: "Pong", nonce: message.nonce + 1n & 0xffff_ffff_ffff_ffffn })
            : Effect.void))
      ),
    // Stays alive by sending a bit of a frame now and then.
    (connection) =>
      Effect.andThen(join(self, connection), Effect.forever(connection.drip(Connection.encode(...pings(1)), 10_000)))
  ]
}

/** Several connections that all claim to be the pair's, as one process or as many. */
const rivals = (self: HostilePeer): Effect.Effect<void> => {
  const { random } = self
  const many = random.happens(0.5)
  return swarm(self, random.between(2, SimulationLimits.hostileConnections), (connection) =>
    Effect.gen(function*() {
      yield* Effect.sleep(random.below(SimulationLimits.hostileBeatMaxMs))
      yield* join(self, connection, { tag: many ? random.hex(16) : self.tag })
      return yield* random.happens(0.5) ? serve(connection) : wait(connection)
    }))
}

export const stall = (self: HostilePeer): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { random } = self
    if (random.happens(0.2)) return rivals(self)
    return visit(self, random.pick(random.happens(0.5) ? handshakes(self) : games(self)))
  })
