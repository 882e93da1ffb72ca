/** When a peer is dialled again, by how its connections ended: one place decides, from what the pair's machine reports. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { RejectReason } from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import { assertConnected, downs, ip, onMesh, type Running } from "../../harness/mesh.ts"
import { acceptEach, hello, join } from "../../harness/rawPeer.ts"

const L = "10.0.0.1"
const H = "10.0.0.2"

const rowOf = (node: Running, peer: string) =>
  Effect.map(node.state.peers, (rows) => rows.find((row) => row.ip === peer))

/** An address is tried `redialNewTries` times with short waits; then they grow. Times of dials, ms. */
const assertGrows = (at: ReadonlyArray<number>): void => {
  const gaps = at.slice(1).map((ms, i) => ms - (at[i] ?? 0))
  // A dial that is not answered takes `helloMs`, and one that is accepted for a second.
  const mostMs = Limits.redialNewMs + Limits.helloMs + 1_000
  const grown = gaps.findIndex((gap) => gap > mostMs)
  assert.isAtLeast(grown, Limits.redialNewTries - 2)
  assert.isAtMost(grown, Limits.redialNewTries + 2, "not once every few seconds for ever")
  assert.isAbove(Math.max(...gaps), 60_000)
  assert.isAtMost(at.length, Limits.redialNewTries + 12)
}

/** How a long connection of L to H can end, and what L's Down says. H must be gone afterwards. */
const ends = {
  "a Reject (shutdown)": "shutdown",
  "a FIN (crash)": "EOF"
} as const

describe("backoff", () => {
  for (const [how, down] of Object.entries(ends)) {
    it.effect(`a long Up that ends by ${how} resets it: the pair meets again in seconds`, () =>
      onMesh(20, ({ network, start }) =>
        Effect.gen(function*() {
          // H's machine is not there: L's dials fail, and the wait grows.
          const l = yield* start(L, { peers: [H] })
          yield* TestClock.adjust("20 minutes")
          assert.isAbove((yield* rowOf(l, H))?.failures ?? 0, 8)
          const h = yield* start(H, { peers: [L] })
          yield* TestClock.adjust("3 hours")
          yield* assertConnected(l, L, h, H)
          if (how.includes("FIN")) yield* network.crash(ip(H))
          else yield* h.stop
          yield* TestClock.adjust("200 millis")
          assert.deepStrictEqual(downs(l), [down])
          // After a FIN L dials again at once, in vain.
          const since = how.includes("FIN") ? 1 : 0
          assert.strictEqual((yield* rowOf(l, H))?.failures, since, "nothing before the Up counts")
          yield* TestClock.adjust("20 seconds")
          // It comes back, and does not know L any more.
          const again = yield* start(H)
          let seconds = 0
          while ((yield* again.up).length === 0 && seconds < 600) {
            yield* TestClock.adjust("1 second")
            seconds += 1
          }
          assert.isAtMost(seconds, 35, "the dials of the twenty seconds count, nothing older")
        })))
  }

  it.effect("a long Up that ends by replaced or unanswered resets it", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const l = yield* start(L, { peers: ["10.0.0.9"] })
        const host = network.host(ip("10.0.0.9"))
        yield* TestClock.adjust("20 minutes")
        const failures = (yield* rowOf(l, "10.0.0.9"))?.failures ?? 0
        assert.isAbove(failures, 5)
        // It joins, goes deaf, and comes again: the first connection does not answer the challenge.
        yield* join(host, ip(L))
        yield* TestClock.adjust("30 seconds")
        yield* Effect.forkScoped(join(host, ip(L), [], { nonce: 2n }))
        yield* TestClock.adjust("12 seconds")
        assert.deepStrictEqual(downs(l), ["unanswered"])
        assert.strictEqual((yield* rowOf(l, "10.0.0.9"))?.failures, 0)
      })))

  for (const reject of ["shutdown", "operator", "evicted", "protocol"] as ReadonlyArray<RejectReason>) {
    it.effect(`short Ups that end by Reject ${reject} grow it`, () =>
      onMesh(20, ({ network, start }) =>
        Effect.gen(function*() {
          yield* acceptEach(network.host(ip(H)), ip(H), (raw) =>
            Effect.gen(function*() {
              yield* raw.say(hello(ip(L), { listens: 24_200 }))
              yield* raw.until("Commit")
              yield* raw.say({ _tag: "Ack" })
              yield* Effect.sleep("1 second")
              yield* raw.say({ _tag: "Reject", reason: reject, text: "again", retryAfterMs: 0 })
              yield* raw.close
            }))
          // With another peer up: a node that is alone dials at least every 30 s.
          yield* start("10.0.0.3")
          const l = yield* start(L, { peers: [H, "10.0.0.3"] })
          yield* TestClock.adjust("30 minutes")
          assert.isAtLeast(downs(l).length, 5)
          assertGrows(l.of("Dialling", H).map((event) => event.at))
          assert.isAtLeast((yield* rowOf(l, H))?.failures ?? 0, 5)
        })))
  }

  it.effect("a dial that a peer accepts and never answers is a failed one", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        yield* acceptEach(network.host(ip(H)), ip(H), () => Effect.never)
        // With another peer up: a node that is alone dials more often.
        yield* start("10.0.0.3")
        const l = yield* start(L, { peers: [H, "10.0.0.3"] })
        yield* TestClock.adjust("30 minutes")
        assertGrows(l.of("Dialling", H).map((event) => event.at))
        assert.isAtLeast((yield* rowOf(l, H))?.failures ?? 0, 5)
      })))

  it.effect("a refusal is no failure, and durations do not follow the wall clock", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const l = yield* start(L, { peers: [H] })
        const h = yield* start(H, { peers: [L] })
        yield* TestClock.adjust("1 minute")
        yield* assertConnected(l, L, h, H)
        yield* h.manager.disconnect(ip(L))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(downs(l), ["operator"])
        assert.strictEqual((yield* rowOf(l, H))?.failures, 0)
        assert.isAtLeast((yield* rowOf(l, H))?.nextAttemptAt ?? 0, Limits.retryOperatorMs)
        assert.approximately(l.of("Down")[0]?.upMs ?? 0, 60_000, 2_000)
      })))
})
