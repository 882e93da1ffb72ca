/** A masternode of ours and its peers of the TIME network: when it asks them, and when it says what it is. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import type { Message } from "../../../src/domain/wire/time/TimeMessage.ts"
import * as masternodes from "../../harness/masternodes.ts"
import { ip } from "../../harness/mesh.ts"
import * as rawTime from "../../harness/timed/rawTime.ts"
import { onTimeMesh } from "../../harness/timed/timeMesh.ts"

/** Time goes by on a connection whose peer says something now and then, or it would be taken for dead. */
const pass = Effect.fnUntraced(function*(raw: rawTime.RawTime, ms: number) {
  for (let left = ms; left > 0; left -= 5_000) {
    yield* raw.say({ _tag: "Ping", nonce: 1, timestamp: 0, height: undefined })
    yield* TestClock.adjust(Math.min(left, 5_000))
  }
})

const said = (raw: rawTime.RawTime, tag: string) => raw.heard.filter(({ _tag }) => _tag === tag)
const announcements = (raw: rawTime.RawTime) =>
  raw.heard.filter(({ _tag }) => _tag.startsWith("MasternodeAnnouncement"))
const list: Message<"MasternodesResponse"> = { _tag: "MasternodesResponse", masternodes: [] }

describe("a masternode beside daemons", () => {
  it.effect("asks each for its list every minute, and says what it is once, to one that answers, a minute after Up", () =>
    onTimeMesh(5, ({ mesh, node }) =>
      Effect.gen(function*() {
        const ours = yield* node("10.0.0.1", { masternode: masternodes.masternode(7) })
        const first = yield* rawTime.up("10.0.0.9", ours.ip)
        yield* TestClock.adjust(2 * Limits.masternodeBeatMs)
        assert.lengthOf(said(first, "GetMasternodes"), 1)
        // It answers at once: that is too early.
        yield* first.say(list)
        yield* pass(first, Limits.timeAnnounceMs - 5_000)
        assert.isEmpty(announcements(first))
        yield* pass(first, 10_000)
        assert.lengthOf(said(first, "GetMasternodes"), 2)
        assert.isEmpty(announcements(first), "a daemon that does not answer syncs, and would not read it")
        yield* first.say(list)
        yield* TestClock.adjust(100)
        const { key } = masternodes.masternode(7)
        assert.deepStrictEqual(announcements(first), [{
          _tag: "MasternodeAnnouncementV3",
          address: "10.0.0.1",
          rewardAddress: "TIME0QChNmKtoXcSRHthZQUfQvwJfYdCJqFEhP",
          tier: "Free",
          publicKey: new Uint8Array(Buffer.from(key, "hex")),
          collateral: undefined,
          certificate: new Uint8Array(64),
          startedAt: announcements(first).flatMap((one) => "startedAt" in one ? [one.startedAt] : [])[0] ?? 0
        }])
        for (let i = 0; i < 5; i++) {
          yield* first.say(list)
          yield* pass(first, Limits.timeAnnounceMs)
        }
        assert.lengthOf(announcements(first), 1, "once per connection")
        yield* mesh.network.reset(ip("10.0.0.9"), ip(ours.ip))
        yield* TestClock.adjust(1_000)
        const again = yield* rawTime.up("10.0.0.9", ours.ip)
        yield* again.say(list)
        yield* pass(again, Limits.timeAnnounceMs - 5_000)
        yield* again.say(list)
        yield* TestClock.adjust(100)
        assert.isEmpty(announcements(again))
        yield* pass(again, 10_000)
        yield* again.say(list)
        yield* TestClock.adjust(100)
        assert.lengthOf(announcements(again), 1)
      })))

  it.effect("that is started again and again announces itself to the daemon each time, and is never held against", () =>
    onTimeMesh(5, ({ node, timed }) =>
      Effect.gen(function*() {
        const { timed: daemon } = yield* timed({ ip: "10.0.0.1", remembers: true })
        const self = { masternode: masternodes.masternode(7), peers: ["10.0.0.1"] }
        for (let process = 1; process <= 3; process++) {
          const ours = yield* node("10.0.0.9", self)
          yield* TestClock.adjust("6 minutes")
          const announced = daemon.live("10.0.0.9").map(({ heard }) =>
            heard.filter(({ message }) => message._tag === "MasternodeAnnouncementV3").length
          )
          assert.deepStrictEqual(announced, [1], `process ${process}`)
          yield* ours.stop
        }
        assert.deepStrictEqual(daemon.ledger.entries("10.0.0.9"), [])
      })))

  it.effect("a node that is no masternode asks too, and announces nothing", () =>
    onTimeMesh(5, ({ node }) =>
      Effect.gen(function*() {
        const ours = yield* node("10.0.0.1", { masternodes: true })
        const raw = yield* rawTime.up("10.0.0.9", ours.ip)
        yield* pass(raw, Limits.timeAnnounceMs + 5_000)
        yield* raw.say(list)
        yield* TestClock.adjust(1_000)
        assert.lengthOf(said(raw, "GetMasternodes"), 2)
        assert.isEmpty(announcements(raw))
      })))
})
