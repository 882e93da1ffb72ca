/** Sends random bytes: from the start, after a valid Hello, in well-formed frames of every kind, and after Up. */
import { Effect } from "effect"
import * as SimulationLimits from "../plan/Limits.ts"
import * as Connection from "./Connection.ts"
import { type Act, atTimes, converse, greet, hello, type HostilePeer, join, stay, visit } from "./HostilePeer.ts"
import * as Noise from "./Noise.ts"

/** How other protocols begin: TLS, HTTP, SSH. */
const foreign = [
  Uint8Array.of(0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3),
  new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
  new TextEncoder().encode("SSH-2.0-OpenSSH_9.6\r\n")
] as const

const acts = (self: HostilePeer): readonly [Act, ...ReadonlyArray<Act>] => {
  const { random } = self
  const noise = () => random.bytes(random.spread(1, SimulationLimits.hostileNoiseBytes))
  const again = (connection: Connection.Connection, what: () => Uint8Array) =>
    atTimes(self, Effect.suspend(() => connection.send(what())), random.pick([200, SimulationLimits.hostileBeatMaxMs]))
  const nonsense = () => Noise.nonsense(random)
  const mutant = (connection: Connection.Connection) => () =>
    Noise.mutated(random, Connection.encode(Noise.message(self, connection)))
  const afterUp = (connection: Connection.Connection, what: () => Uint8Array) =>
    Effect.andThen(join(self, connection), converse(connection, again(connection, what)))
  return [
    (connection) => again(connection, noise),
    (connection) => Effect.andThen(connection.send(random.pick(foreign)), again(connection, noise)),
    // A plausible length, so that what follows is read as a frame.
    (connection) => again(connection, nonsense),
    (connection) => connection.send(Noise.mutated(random, Connection.encode(hello(self, connection)))),
    (connection) => Effect.andThen(connection.say(hello(self, connection)), again(connection, noise)),
    (connection) => Effect.andThen(greet(self, connection), again(connection, nonsense)),
    (connection) => Effect.andThen(greet(self, connection), again(connection, mutant(connection))),
    (connection) => afterUp(connection, noise),
    (connection) => afterUp(connection, nonsense),
    (connection) => afterUp(connection, mutant(connection)),
    // Properly Up, but its messages are out of place.
    (connection) => afterUp(connection, () => Connection.encode(Noise.message(self, connection))),
    // Valid frames with garbage between them.
    (connection) =>
      afterUp(
        connection,
        () => random.happens(0.9) ? Connection.encode({ _tag: "Ping", nonce: random.u64() }) : nonsense()
      )
  ]
}

export const garbage = (self: HostilePeer): Effect.Effect<void> =>
  Effect.suspend(() =>
    visit(self, (connection) => Effect.andThen(self.random.pick(acts(self))(connection), stay(self, connection)))
  )
