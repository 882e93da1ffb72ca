import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { networks } from "../../../../src/domain/Network.ts"
import * as PeerAddress from "../../../../src/domain/peer/PeerAddress.ts"
import * as TimeEncoder from "../../../../src/domain/wire/time/TimeEncoder.ts"
import { type Message, tags, type TimeMessage } from "../../../../src/domain/wire/time/TimeMessage.ts"
import { MemoryNetwork } from "../../../../src/layers/socket/memory/MemoryNetwork.ts"
import * as PeerStoreMemory from "../../../../src/layers/store/PeerStoreMemory.ts"
import type { Timed } from "../../../../src/simulation/timed/Timed.ts"
import * as RawPeer from "../../../../src/testing/RawPeer.ts"
import { downs, ip, type Running } from "../../../harness/mesh.ts"
import { randomFrom } from "../../../harness/random.ts"
import * as rawTime from "../../../harness/timed/rawTime.ts"
import { assertClean, onTimeMesh, port, startOfTime } from "../../../harness/timed/timeMesh.ts"
import { messageOf } from "../../../harness/timeMessages.ts"

const low = "10.0.0.2"
const high = "10.0.0.9"

const forkAlert: Message<"ForkAlert"> = {
  _tag: "ForkAlert",
  yourHeight: 0,
  yourHash: new Uint8Array(32),
  consensusHeight: 0,
  consensusHash: new Uint8Array(32),
  consensusPeers: 0,
  message: "please upgrade"
}

const reset = (a: string, b: string) => MemoryNetwork.use((network) => network.reset(ip(a), ip(b)))

/** Both ends use the same one connection, and no other is alive. */
const assertHeld = Effect.fnUntraced(function*(node: Running, timed: Timed, dialler?: "node" | "timed") {
  const up = yield* node.up
  assert.deepStrictEqual(up.map(([ip]) => ip), [timed.ip])
  const used = timed.uses(node.ip)
  assert(used !== undefined, "the daemon uses a connection")
  assert.deepStrictEqual(timed.live(node.ip), [used], "it has no other alive")
  if (dialler !== undefined) {
    assert.strictEqual(used.dir, dialler === "node" ? "in" : "out")
    assert.include(up[0]?.[1], dialler === "node" ? node.ip : timed.ip)
  }
})

describe("a connection with a daemon", () => {
  it.effect("comes up on our dial, and lives for an hour without a violation", () =>
    onTimeMesh(5, ({ node, timed }) =>
      Effect.gen(function*() {
        const { timed: daemon } = yield* timed({ ip: low })
        const ours = yield* node(high, { peers: [low] })
        yield* TestClock.adjust("2 seconds")
        yield* assertHeld(ours, daemon, "node")
        yield* TestClock.adjust("1 hour")
        yield* assertHeld(ours, daemon, "node")
        assert.deepStrictEqual(downs(ours), [])
        assert.strictEqual(ours.of("Up").length, 1)
        assert.strictEqual(ours.of("Dialling").length, 1, "without a second dial")
        assertClean(ours, daemon)
        const [record] = yield* ours.state.connected
        assert.strictEqual(record?.connection?.wire, "time")
        assert.strictEqual(record?.software, "timed/2344")
        assert.isAbove(record?.connection?.pongs.received ?? 0, 100)
        assert.isAbove(record?.connection?.pongs.sent ?? 0, 100)
      })))

  it.effect("comes up on the daemon's dial, which knows a lower node", () =>
    onTimeMesh(5, ({ node, timed }) =>
      Effect.gen(function*() {
        const ours = yield* node(low)
        const { timed: daemon } = yield* timed({ ip: high, knows: [low] })
        yield* TestClock.adjust("2 seconds")
        yield* assertHeld(ours, daemon, "timed")
        yield* TestClock.adjust("30 minutes")
        yield* assertHeld(ours, daemon, "timed")
        assert.strictEqual(ours.of("Up").length, 1)
        assert.deepStrictEqual(ours.of("Dialling"), [], "nobody dials beside a connection")
        assertClean(ours, daemon)
      })))

  it.effect("is answered all that a good peer owes, each within a second", () =>
    onTimeMesh(5, ({ node, timed }) =>
      Effect.gen(function*() {
        const ours = yield* node(low)
        const { timed: daemon } = yield* timed({ ip: high, knows: [low] })
        yield* TestClock.adjust("5 minutes")
        const conn = daemon.uses(ours.ip)
        assert(conn !== undefined)
        const owed = {
          Ping: "Pong",
          GetPeers: "PeersResponse",
          GetMasternodes: "MasternodesResponse",
          GetChainTip: "ChainTipResponse"
        } as const
        const until = startOfTime + 299_000
        for (const [asked, answer] of Object.entries(owed)) {
          const times = conn.said.filter(({ at, message }) => message._tag === asked && at < until).map(({ at }) => at)
          const answers = conn.heard.filter(({ message }) => message._tag === answer).map(({ at }) => at)
          assert.isNotEmpty(times, asked)
          for (const at of times) {
            assert.isTrue(answers.some((answered) => answered >= at && answered < at + 1_000), asked)
          }
        }
      })))

  it.effect("comes back after the daemon's restart, and after ours, and is never held against us", () =>
    onTimeMesh(5, ({ mesh, node, timed }) =>
      Effect.gen(function*() {
        const first = yield* timed({ ip: low })
        const ours = yield* node(high, { peers: [low] })
        yield* TestClock.adjust("5 minutes")
        yield* assertHeld(ours, first.timed)
        for (const pause of ["1 second", "90 seconds", "20 minutes"] as const) {
          yield* mesh.network.crash(first.timed.ip)
          yield* first.stop
          yield* TestClock.adjust(pause)
          const next = yield* timed({ ip: low, ledger: first.timed.ledger, knows: [high] })
          yield* TestClock.adjust("6 minutes")
          yield* assertHeld(ours, next.timed)
          assertClean(ours, next.timed)
          yield* next.stop
          yield* mesh.network.crash(next.timed.ip)
        }
        const daemon = yield* timed({ ip: low, ledger: first.timed.ledger })
        yield* TestClock.adjust("6 minutes")
        yield* assertHeld(ours, daemon.timed)
        yield* ours.stop
        const again = yield* node(high, { peers: [low] })
        yield* TestClock.adjust("6 minutes")
        yield* assertHeld(again, daemon.timed)
        assertClean(again, daemon.timed)
      })))

  it.effect("closes the older session when the daemon yields to a newer one", () =>
    onTimeMesh(5, ({ mesh, node, timed }) =>
      Effect.gen(function*() {
        // The daemon ranks below: it dials after 180 s, and gives its own connection up for ours.
        const { timed: daemon } = yield* timed({ ip: low, knows: [high] })
        const ours = yield* node(high)
        yield* TestClock.adjust("4 minutes")
        yield* assertHeld(ours, daemon, "timed")
        const older = daemon.uses(ours.ip)
        // Our end is lost without a word, and the daemon does not know.
        yield* mesh.network.crash(ours.ip)
        const again = yield* node(high, { peers: [low] })
        yield* TestClock.adjust("2 minutes")
        yield* assertHeld(again, daemon)
        assert.notStrictEqual(daemon.uses(again.ip), older)
        assertClean(again, daemon)
      })))

  it.effect("is refused before TLS by a daemon that has banned us: a day of dials stays below its ladder", () =>
    onTimeMesh(5, ({ node, timed }) =>
      Effect.gen(function*() {
        const { timed: daemon } = yield* timed({ ip: low })
        daemon.ledger.ban(high, 3_600_000, "the test", startOfTime)
        const ours = yield* node(high, { peers: [low] })
        yield* TestClock.adjust("50 minutes")
        assert.deepStrictEqual(yield* ours.up, [])
        assert.isAtMost(ours.of("Dialling").length, 12)
        yield* TestClock.adjust("100 minutes")
        yield* assertHeld(ours, daemon)
        assert.strictEqual(daemon.ledger.bans(high).length, 1)
        assert.deepStrictEqual(daemon.ledger.entries(high), [])
      })))

  it.effect("waits 180 s for a daemon of a higher address that it knows from before", () =>
    onTimeMesh(5, ({ node, timed }) =>
      Effect.gen(function*() {
        const { stop, timed: daemon } = yield* timed({ ip: high })
        const ours = yield* node(low, { peers: [high] })
        yield* TestClock.adjust("2 minutes")
        yield* assertHeld(ours, daemon, "node")
        yield* stop
        const next = yield* timed({ ip: high, ledger: daemon.ledger })
        const before = ours.of("Dialling").length
        yield* TestClock.adjust("179 seconds")
        assert.strictEqual(ours.of("Dialling").length, before)
        yield* TestClock.adjust("40 seconds")
        yield* assertHeld(ours, next.timed, "node")
        assertClean(ours, next.timed)
      })))
})

describe("after a restart of the node", () => {
  for (const configured of [true, false]) {
    const how = configured ? "configured" : "only stored"
    it.effect(`a higher daemon that it knows from before is waited for, 180 s (${how})`, () =>
      onTimeMesh(5, ({ node, timed }) =>
        Effect.gen(function*() {
          const peerStore = PeerStoreMemory.make()
          const { timed: daemon } = yield* timed({ ip: high })
          const first = yield* node(low, { peers: [high], peerStore })
          yield* TestClock.adjust("2 minutes")
          yield* assertHeld(first, daemon, "node")
          yield* first.stop
          const again = yield* node(low, { peers: configured ? [high] : [], peerStore })
          yield* TestClock.adjust("179 seconds")
          assert.deepStrictEqual(again.of("Dialling"), [])
          yield* TestClock.adjust("40 seconds")
          yield* assertHeld(again, daemon, "node")
          assertClean(again, daemon)
        })))
  }
})

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

describe("a refusal", () => {
  it.effect("is silence: a dial without an Ack ends after 10 s, and of many no more than four in an hour", () =>
    onTimeMesh(5, ({ node }) =>
      Effect.gen(function*() {
        const dials = yield* rawTime.accept(low)
        const ours = yield* node(high, { peers: [low] })
        yield* TestClock.adjust("9 seconds")
        assert.strictEqual(dials.length, 1)
        assert.isFalse(dials[0]?.isClosed())
        yield* TestClock.adjust("2 seconds")
        assert.isTrue(dials[0]?.isClosed())
        assert.strictEqual(ours.of("Refused").at(-1)?.reason.kind, "no-ack")
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(dials.length, 4)
        assert.deepStrictEqual(yield* ours.up, [])
      })))

  it.effect("is told with a ForkAlert to a version that is too old: not dialled again for two hours", () =>
    onTimeMesh(5, ({ node }) =>
      Effect.gen(function*() {
        const dials = yield* rawTime.accept(low)
        const ours = yield* node(high, { peers: [low] })
        yield* TestClock.adjust("1 second")
        yield* dials[0]?.say(forkAlert) ?? Effect.void
        yield* TestClock.adjust("1 second")
        assert.include(ours.of("Refused").at(-1)?.reason.detail, "upgrade")
        yield* TestClock.adjust("119 minutes")
        assert.strictEqual(dials.length, 1)
      })))

  const unfit: ReadonlyArray<readonly [name: string, message: TimeMessage, words: string]> = [
    ["another network", { ...rawTime.handshake, magic: Uint8Array.of(0xc0, 0x1d, 0x7e, 0x4d) }, "another network"],
    ["an old protocol", { ...rawTime.handshake, version: 1 }, "protocol 1"],
    ["an old version", { ...rawTime.handshake, commitCount: 2_061 }, "2061"],
    ["another first frame", { _tag: "GetPeers" }, "GetPeers before the peer's Handshake"]
  ]
  for (const [name, message, words] of unfit) {
    it.effect(`ends a socket that begins with ${name}, and says why`, () =>
      onTimeMesh(5, ({ node }) =>
        Effect.gen(function*() {
          const ours = yield* node(low)
          const raw = yield* rawTime.dial(high, low)
          yield* raw.say(message)
          yield* TestClock.adjust("1 second")
          assert.isTrue(raw.isClosed())
          assert.include(ours.of("Refused").at(-1)?.reason.detail, words)
          assert.deepStrictEqual(yield* ours.up, [])
        })))
  }

  it.effect("ends a socket that says nothing for 10 s", () =>
    onTimeMesh(5, ({ node }) =>
      Effect.gen(function*() {
        const ours = yield* node(low)
        const raw = yield* rawTime.dial(high, low)
        yield* TestClock.adjust("9 seconds")
        assert.isFalse(raw.isClosed())
        yield* TestClock.adjust("2 seconds")
        assert.isTrue(raw.isClosed())
        assert.strictEqual(ours.of("Refused").at(-1)?.reason.kind, "hello-timeout")
      })))

  it.effect("ends a connection with a peer of another genesis", () =>
    onTimeMesh(5, ({ node }) =>
      Effect.gen(function*() {
        const ours = yield* node(low)
        const raw = yield* rawTime.dial(high, low)
        yield* raw.say(rawTime.handshake)
        yield* raw.say({ _tag: "GenesisHashResponse", hash: new Uint8Array(32) })
        yield* TestClock.adjust("1 second")
        assert.isTrue(raw.isClosed())
        assert.include(ours.of("Down").at(-1)?.reason.detail, "genesis is 0000000000000000")
      })))
})

describe("bad input", () => {
  it.effect("of every kind, cut short anywhere: the session ends with a reason, and the node is unharmed", () =>
    onTimeMesh(1, ({ node }) =>
      Effect.gen(function*() {
        const ours = yield* node(low)
        const good = yield* rawTime.dial("10.0.0.20", low)
        yield* good.say(rawTime.handshake)
        yield* TestClock.adjust("1 second")
        const random = randomFrom(7)
        let ended = 0
        for (const tag of tags) {
          const whole = TimeEncoder.encode(messageOf(tag, random)) ?? new Uint8Array(0)
          // A frame of many a shorter length, which says that it is whole; the codec's own test has every byte.
          for (let length = 4; length < whole.length - 4; length += Math.max(1, Math.floor(whole.length / 8))) {
            const cut = whole.slice(0, 4 + length)
            new DataView(cut.buffer).setUint32(0, length)
            const raw = yield* rawTime.dial(high, low)
            yield* raw.say(rawTime.handshake)
            yield* raw.bytes(cut)
            yield* TestClock.adjust(20)
            const down = ours.of("Down").at(-1)
            if (raw.isClosed()) {
              ended += 1
              assert(down !== undefined)
              assert.include(["bad-frame", "rejected"], down.reason.kind, tag)
            }
            yield* reset(high, low)
            yield* TestClock.adjust(20)
          }
        }
        assert.isAbove(ended, 40)
        assert.deepStrictEqual((yield* ours.up).map(([peer]) => peer), ["10.0.0.20"])
        assert.isFalse(good.isClosed())
      })))

  it.effect("a flood of requests is answered at the pace that every peer has, and costs no other peer its ping", () =>
    onTimeMesh(5, ({ node, timed }) =>
      Effect.gen(function*() {
        const { timed: daemon } = yield* timed({ ip: "10.0.0.30", knows: [low] })
        const ours = yield* node(low)
        yield* TestClock.adjust("35 seconds")
        const raw = yield* rawTime.dial(high, low)
        yield* raw.say(rawTime.handshake)
        const one = TimeEncoder.encode({ _tag: "GetPeers" }) ?? new Uint8Array(0)
        const many = Buffer.concat(Array.from({ length: 5_000 }, () => one))
        for (let i = 0; i < 10; i++) {
          yield* Effect.forkChild(raw.bytes(many), { startImmediately: true })
          yield* TestClock.adjust(20)
        }
        yield* TestClock.adjust("1 minute")
        const record = (yield* ours.state.connected).find((peer) => peer.ip === ip(high))
        // What the node does not read fills its window: not all of it has left the sender. A batch is handled before it is paid for; then the connection is not read until some is back.
        assert.isAtMost(record?.connection?.messages.received ?? Infinity, 15_000)
        assert.isAtMost(raw.heard.filter(({ _tag }) => _tag === "PeersResponse").length, 200)
        assert.deepStrictEqual(daemon.live(low).length, 1)
        assertClean(ours, daemon)
      })))

  it.effect("a frame over the limit ends the session, before and after the handshake", () =>
    onTimeMesh(5, ({ node }) =>
      Effect.gen(function*() {
        const ours = yield* node(low)
        const first = yield* rawTime.dial(high, low)
        yield* first.bytes(Uint8Array.of(0, 0, 0x10, 1, 0, 0))
        yield* TestClock.adjust("1 second")
        assert.isTrue(first.isClosed())
        assert.include(ours.of("Refused").at(-1)?.reason.detail, "frame length 4097 exceeds limit 4096")
        const second = yield* rawTime.dial(high, low)
        yield* second.say(rawTime.handshake)
        yield* second.bytes(Uint8Array.of(0x7f, 0xff, 0xff, 0xff))
        yield* TestClock.adjust("1 second")
        assert.isTrue(second.isClosed())
        assert.strictEqual(ours.of("Down").at(-1)?.reason.kind, "bad-frame")
      })))
})
