import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as PeerStoreMemory from "../../../../src/layers/store/PeerStoreMemory.ts"
import type { Timed } from "../../../../src/simulation/timed/Timed.ts"
import { downs, type Running } from "../../../harness/mesh.ts"
import { assertClean, onTimeMesh, startOfTime } from "../../../harness/timed/timeMesh.ts"

const low = "10.0.0.2"
const high = "10.0.0.9"

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
