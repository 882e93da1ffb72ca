import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import { ip, onMesh } from "../../harness/mesh.ts"
import { join } from "../../harness/rawPeer.ts"
import { ask, H, L, other, row } from "../../harness/situations.ts"
import { steppedClock } from "../../harness/steppedClock.ts"

describe("how it goes, and went", () => {
  row(
    "a line that went dead: the age of the last byte and of the unanswered ping",
    {
      situation: "quiet",
      cause: /no byte for \d\d\.\d s, and the ping sent \d+\.\d s ago is unanswered/,
      fix: /"silent".*--dead/,
      text: /^Connected for .*; last byte \d\d\.\d s ago\./,
      status: "connected"
    },
    Effect.fnUntraced(function*({ network, start }) {
      yield* start(H)
      const node = yield* start(L, { peers: [H] })
      yield* TestClock.adjust("31 seconds")
      yield* network.cut(ip(L), ip(H))
      yield* TestClock.adjust("25 seconds")
      return [node, H]
    })
  )
  row(
    "the last Down and the last attempt, kept apart",
    {
      situation: "refused",
      cause: /ECONNREFUSED/,
      fix: /start the node/,
      text:
        /Last connection: up for (?:1 min 5\d|2 min \d) s, ended (?:5\d\.\d|1 min \d) s ago \(EOF, remote\)\. Last attempt: outbound, \d+\.\d s ago, no socket opened \(dial-failed: ECONNREFUSED, remote\)/,
      status: "missing"
    },
    Effect.fnUntraced(function*({ network, start }) {
      yield* start(H)
      const node = yield* start(L, { peers: [H] })
      yield* TestClock.adjust("2 minutes")
      yield* network.crash(ip(H))
      yield* TestClock.adjust("1 minute")
      return [node, H]
    })
  )
  row(
    "a peer that crashes and restarts again and again",
    {
      situation: "restarts",
      cause: /restarts again and again: the last 5 connections were lost within a minute, 4 of them to a new process/,
      fix: /log of that node/,
      status: "missing"
    },
    Effect.fnUntraced(function*({ network, start }) {
      const node = yield* start(L)
      for (let life = 0; life < 5; life++) {
        yield* start(H, { peers: [L] })
        yield* TestClock.adjust("20 seconds")
        yield* network.crash(ip(H))
        yield* TestClock.adjust("10 seconds")
      }
      return [node, H]
    })
  )
  row(
    "a connection of one process that is lost again and again",
    {
      situation: "flaps",
      cause: /lost again within a minute, \d times in a row/,
      fix: /logs of both ends/,
      status: "connected"
    },
    Effect.fnUntraced(function*({ network, start }) {
      yield* start(H)
      const node = yield* start(L, { peers: [H] })
      for (let time = 0; time < 4; time++) {
        yield* TestClock.adjust("20 seconds")
        yield* network.reset(ip(L), ip(H))
      }
      yield* TestClock.adjust("10 seconds")
      return [node, H]
    })
  )
  it.effect("loops are forgotten after a steady connection, and when the peer stays away", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        yield* start(H)
        const node = yield* start(L, { peers: [H] })
        for (let time = 0; time < 4; time++) {
          yield* TestClock.adjust("20 seconds")
          yield* network.reset(ip(L), ip(H))
        }
        yield* TestClock.adjust("3 minutes")
        assert.strictEqual((yield* ask(node, H)).why.situation, "connected")
        yield* network.crash(ip(H))
        yield* TestClock.adjust(Limits.shortUpsForMs)
        assert.strictEqual((yield* ask(node, H)).why.situation, "refused")
      })))
  row(
    "a peer whose next block is ahead of this node's clock",
    { situation: "connected", cause: /up/, fix: undefined, status: "connected" },
    Effect.fnUntraced(function*({ start }) {
      yield* start(H)
      const node = yield* start(L, { peers: [H] })
      yield* TestClock.adjust("10 seconds")
      const why = yield* node.state.why(ip(H), 300)
      assert.strictEqual(why.situation, "clock")
      assert.match(why.text, /next block is 300 s ahead of this node's clock.*To do: set the clock of this host/)
      return [node, H]
    })
  )
  row(
    "nothing was tried yet",
    {
      situation: "not-tried",
      cause: /first dial is scheduled/,
      fix: undefined,
      text: /Now: this node dials; 1 under way/,
      status: "missing"
    },
    Effect.fnUntraced(function*({ start }) {
      const node = yield* start(L, { peers: [H] })
      yield* TestClock.adjust("1 second")
      return [node, H]
    })
  )
  row(
    "the peer is expected to dial first",
    { situation: "waiting-for-it", cause: /lower, is expected to dial first/, fix: undefined, status: "missing" },
    Effect.fnUntraced(function*({ start }) {
      const node = yield* start(H, { peers: [L], tuning: { fallbackFirstMs: 60_000 } })
      yield* TestClock.adjust("1 second")
      return [node, L]
    })
  )
  row(
    "a peer that does not listen anywhere",
    { situation: "lost", cause: /lost/, fix: undefined, text: /Now: the peer dials\./, status: "missing" },
    Effect.fnUntraced(function*({ network, start }) {
      const node = yield* start(L)
      const raw = yield* join(network.host(ip("10.0.0.8")), ip(L))
      yield* TestClock.adjust("2 minutes")
      yield* raw.close
      yield* TestClock.adjust("10 seconds")
      return [node, "10.0.0.8"]
    })
  )
})

describe("the wall clock is set", () => {
  for (const step of [1_800_000_000_000, -3_565_000, -1_700_000_000_000]) {
    it.effect(`by ${step / 1_000} s: every age and wait stays what it is`, () =>
      Effect.gen(function*() {
        const wall = { ms: 0 }
        yield* onMesh(20, ({ network, start }) =>
          Effect.gen(function*() {
            yield* start(H)
            const clock = yield* steppedClock(wall)
            const node = yield* Effect.provideService(start(L, { peers: [H, other] }), Clock.Clock, clock)
            yield* TestClock.adjust("2 minutes")
            wall.ms = step
            const text = (yield* ask(node, H)).why.text
            assert.match(text, /^Connected for (?:1 min 5\d|2 min \d) s, .*; last byte \d+\.\d s ago\.$/)
            yield* TestClock.adjust("10 seconds")
            yield* network.crash(ip(H))
            yield* TestClock.adjust("10 seconds")
            const { record, text: after } = (yield* ask(node, H)).why
            assert.match(after, /Last connection: up for 2 min 1?\d s, ended (?:9|10)\.\d s ago \(EOF, remote\)/)
            assert.match(after, /our next dial is in \d{1,2}\.\d s|1 under way/)
            assert.isDefined(record?.lastGoodAt)
            const never = (yield* ask(node, other)).why
            assert.match(never.text, /Last attempt: outbound, \d{1,2}\.\d s ago/)
            assert.approximately(node.of("Down")[0]?.upMs ?? 0, 130_000, 3_000)
          }))
      }))
  }
})
