/** Joins and tells of thousands of addresses where nobody is, or asks without end, or talks of what nobody knows. */
import { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import * as Handshake from "../../domain/pair/Handshake.ts"
import type { PeerAddress } from "../../domain/peer/PeerAddress.ts"
import type { Message } from "../../domain/wire/Message.ts"
import * as Addresses from "./Addresses.ts"
import type { Line, LineEnded } from "./Line.ts"
import * as Noise from "./Noise.ts"
import { type Act, atTimes, converse, join, type Stranger } from "./Stranger.ts"

type Speech = (line: Line) => Effect.Effect<void, LineEnded>

/** bytes. What an answer costs a node, about: as much is paid for the question. */
const answerBytes = 8 * 1024

/** On one connection, dialled or accepted. */
export const spamming = (self: Stranger): Act => (line) =>
  Effect.gen(function*() {
    const { draw, heard, network, own, pace, target } = self
    const peers = (peers: ReadonlyArray<PeerAddress>) => line.say({ _tag: "Peers", peers: [...peers] })
    const again = (what: () => Effect.Effect<void, LineEnded>, mostMs?: number) =>
      atTimes(self, Effect.suspend(what), mostMs)
    const ask = (message: () => Message) =>
      again(() => Effect.andThen(pace.pay(0, answerBytes), line.say(message())), 500)
    const hashes = (count: number) => Array.from({ length: count }, () => draw.bytes(32))

    const thousands: Speech = () =>
      Effect.gen(function*() {
        for (let told = 0; told < Limits.hostileAddresses; told += Limits.peersPerMessage) {
          yield* peers(Addresses.some(self, Limits.peersPerMessage))
          if (draw.chance(0.5)) yield* Effect.sleep(draw.spread(1, Limits.hostileBeatMaxMs))
        }
      })
    const speeches: readonly [Speech, ...ReadonlyArray<Speech>] = [
      () => again(() => peers(Addresses.some(self, draw.below(Limits.peersPerMessage + 1)))),
      () => again(() => peers(Addresses.retold(self, Limits.peersPerMessage))),
      // One address, every port.
      () =>
        again(() =>
          peers(Array.from({ length: 64 }, () => ({ ip: draw.pick([target.ip, own]), port: draw.between(1, 65_535) })))
        ),
      // A port that is none.
      () => again(() => peers([...Addresses.some(self, 8), { ip: own, port: draw.pick([0, 65_536, 1e9]) }])),
      () =>
        ask(() => ({ _tag: "GetHeaders", request: draw.below(8), locator: hashes(draw.below(Limits.locatorHashes)) })),
      () =>
        ask(() => ({
          _tag: "GetBlocks",
          request: draw.below(8),
          from: draw.below(1_000),
          hashes: draw.bytes(32 * draw.between(1, Limits.blocksPerRequest))
        })),
      () => again(() => line.send(Noise.nonsense(draw, draw.pick([7, 15, 18, 31, 38, 99, 255]))), 500),
      () =>
        again(() =>
          line.say({
            _tag: "Data",
            channel: draw.below(2 ** 16),
            payload: draw.bytes(draw.below(Limits.hostileNoiseBytes))
          }), 500),
      () => again(() => line.say(Noise.message(self, line)), 500)
    ]

    yield* join(self, line, {
      capabilities: Handshake.capabilities | (draw.chance(0.5) ? Handshake.Capability.chain : 0),
      listens: self.listens || draw.chance(0.3) ? network.port : 0
    })
    const speak = (draw.chance(0.5) ? thousands : draw.pick(speeches))(line)
    if (draw.chance(0.2)) return yield* speak
    yield* converse(line, speak, (message) => Effect.sync(() => Addresses.listen(heard, Limits.hostileHeard, message)))
  })
