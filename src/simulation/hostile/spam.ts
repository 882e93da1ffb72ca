/** Joins and advertises thousands of dead addresses, asks endlessly, or announces unknown blocks. */
import { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import * as Handshake from "../../domain/pair/Handshake.ts"
import type { PeerAddress } from "../../domain/peer/PeerAddress.ts"
import type { Message } from "../../domain/wire/Message.ts"
import * as SimulationLimits from "../plan/Limits.ts"
import * as Addresses from "./Addresses.ts"
import type { Connection, ConnectionEnded } from "./Connection.ts"
import { type Act, atTimes, converse, type HostilePeer, join } from "./HostilePeer.ts"
import * as Noise from "./Noise.ts"

type Speech = (connection: Connection) => Effect.Effect<void, ConnectionEnded>

/** On one connection, dialled or accepted. */
export const spamming = (self: HostilePeer): Act => (connection) =>
  Effect.gen(function*() {
    const { random, heard, network, own, pace, target } = self
    const peers = (peers: ReadonlyArray<PeerAddress>) => connection.say({ _tag: "Peers", peers: [...peers] })
    const again = (what: () => Effect.Effect<void, ConnectionEnded>, mostMs?: number) =>
      atTimes(self, Effect.suspend(what), mostMs)
    const ask = (message: () => Message) =>
      again(() => Effect.andThen(pace.pay(0, SimulationLimits.hostileAnswerBytes), connection.say(message())), 500)
    const hashes = (count: number) => Array.from({ length: count }, () => random.bytes(32))

    const thousands: Speech = () =>
      Effect.gen(function*() {
        for (let told = 0; told < SimulationLimits.hostileAddresses; told += Limits.peersPerMessage) {
          yield* peers(Addresses.some(self, Limits.peersPerMessage))
          if (random.happens(0.5)) yield* Effect.sleep(random.spread(1, SimulationLimits.hostileBeatMaxMs))
        }
      })
    const speeches: readonly [Speech, ...ReadonlyArray<Speech>] = [
      () => again(() => peers(Addresses.some(self, random.below(Limits.peersPerMessage + 1)))),
      () => again(() => peers(Addresses.retold(self, Limits.peersPerMessage))),
      // One address, every port.
      () =>
        again(() =>
          peers(
            Array.from({ length: 64 }, () => ({ ip: random.pick([target.ip, own]), port: random.between(1, 65_535) }))
          )
        ),
      // An invalid port.
      () => again(() => peers([...Addresses.some(self, 8), { ip: own, port: random.pick([0, 65_536, 1e9]) }])),
      () =>
        ask(() => ({
          _tag: "GetHeaders",
          request: random.below(8),
          locator: hashes(random.below(Limits.locatorHashes))
        })),
      () =>
        ask(() => ({
          _tag: "GetBlocks",
          request: random.below(8),
          from: random.below(1_000),
          hashes: random.bytes(32 * random.between(1, Limits.blocksPerRequest))
        })),
      () => again(() => connection.send(Noise.nonsense(random, random.pick([7, 15, 19, 31, 38, 99, 255]))), 500),
      () =>
        again(() =>
          connection.say({
            _tag: "Data",
            channel: random.below(2 ** 16),
            payload: random.bytes(random.below(SimulationLimits.hostileNoiseBytes))
          }), 500),
      () => again(() => connection.say(Noise.message(self, connection)), 500)
    ]

    yield* join(self, connection, {
      capabilities: Handshake.capabilities | (random.happens(0.5) ? Handshake.Capability.chain : 0),
      listens: self.listens || random.happens(0.3) ? network.port : 0
    })
    const speak = (random.happens(0.5) ? thousands : random.pick(speeches))(connection)
    if (random.happens(0.2)) return yield* speak
    yield* converse(connection, speak, (message) =>
      Effect.sync(() =>
        Addresses.listen(heard, SimulationLimits.hostileHeard, message)
      ))
  })
