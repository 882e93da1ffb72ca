import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { networks } from "../../../../src/domain/Network.ts"
import * as PeerAddress from "../../../../src/domain/peer/PeerAddress.ts"
import * as RawPeer from "../../../../src/testing/RawPeer.ts"
import { downs, ip } from "../../../harness/mesh.ts"
import * as rawTime from "../../../harness/timed/rawTime.ts"
import { onTimeMesh, port } from "../../../harness/timed/timeMesh.ts"

const low = "10.0.0.2"
const high = "10.0.0.9"

describe("one identity", () => {
  it.effect("a socket of the TIME wire is refused while its address is connected over timemesh/1", () =>
    onTimeMesh(5, ({ node }) =>
      Effect.gen(function*() {
        const ours = yield* node(low)
        yield* node(high, { peers: [low] })
        yield* TestClock.adjust("10 seconds")
        const raw = yield* rawTime.dial(high, low)
        yield* raw.say(rawTime.handshake)
        yield* TestClock.adjust("1 second")
        assert.isTrue(raw.isClosed())
        assert.deepStrictEqual(raw.heard, [], "without a word")
        assert.include(ours.of("Refused").at(-1)?.reason.detail, "connected over timemesh/1")
        assert.deepStrictEqual((yield* ours.state.connected).map(({ connection }) => connection?.wire), ["native"])
        assert.deepStrictEqual(downs(ours), [])
      })))

  it.effect("a socket of timemesh/1 is refused while its address is connected over the TIME wire", () =>
    onTimeMesh(5, ({ mesh, node }) =>
      Effect.gen(function*() {
        const ours = yield* node(low)
        const raw = yield* rawTime.dial(high, low)
        yield* raw.say(rawTime.handshake)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual((yield* ours.state.connected).map(({ connection }) => connection?.wire), ["time"])
        yield* mesh.network.secure(ip(high), { protocol: "timemesh/1", key: high })
        const reject = yield* Effect.forkChild(Effect.gen(function*() {
          const native = yield* RawPeer.dial(mesh.network.host(ip(high)), PeerAddress.make(ip(low), port))
          yield* native.say(RawPeer.hello(networks.testnet, ip(low)))
          return yield* native.until("Reject")
        }))
        yield* TestClock.adjust("1 second")
        const { reason, text } = yield* Fiber.join(reject)
        assert.strictEqual(reason, "in-use")
        assert.include(text, "TIME wire")
        assert.deepStrictEqual((yield* ours.state.connected).map(({ connection }) => connection?.wire), ["time"])
        assert.deepStrictEqual(downs(ours), [])
      })))

  it.effect("a peer that changes from one wire to the other is held over the one that it speaks now", () =>
    onTimeMesh(5, ({ mesh, node, timed }) =>
      Effect.gen(function*() {
        const daemon = yield* timed({ ip: low })
        const ours = yield* node(high, { peers: [low] })
        const wires = Effect.map(ours.state.connected, (all) => all.map(({ connection }) => connection?.wire))
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* wires, ["time"])
        yield* daemon.stop
        yield* mesh.network.crash(ip(low))
        const native = yield* node(low, { peers: [high] })
        yield* TestClock.adjust("6 minutes")
        assert.deepStrictEqual(yield* wires, ["native"])
        yield* native.stop
        yield* timed({ ip: low, ledger: daemon.timed.ledger })
        yield* TestClock.adjust("30 minutes")
        assert.deepStrictEqual(yield* wires, ["time"])
        assert.deepStrictEqual(daemon.timed.ledger.bans(high), [])
      })))

  it.effect("the TIME wire is not spoken on devnet", () =>
    onTimeMesh(5, ({ node }) =>
      Effect.gen(function*() {
        const ours = yield* node(low, { network: { ...networks.devnet, port } })
        const raw = yield* rawTime.dial(high, low)
        yield* raw.say(rawTime.handshake)
        yield* TestClock.adjust("1 second")
        assert.isTrue(raw.isClosed())
        assert.include(ours.of("Refused").at(-1)?.reason.detail, "devnet")
        assert.deepStrictEqual(yield* ours.state.peers, [], "and leaves no row")
      })))
})
