/** The peer book on its way to the store and back: when it is saved, what becomes of what could not be, and the anchors. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schedule } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import type { PeerBook } from "../../../src/domain/peer/PeerBook.ts"
import * as Subnet from "../../../src/domain/peer/Subnet.ts"
import * as Offence from "../../../src/domain/protection/Offence.ts"
import * as AddressSaver from "../../../src/layers/peer/AddressSaver.ts"
import * as Protection from "../../../src/layers/peer/Protection.ts"
import { AddressSaverPace } from "../../../src/services/Cadence.ts"
import { Entropy } from "../../../src/services/Entropy.ts"
import { PeerStore, PeerStoreError, type PeersToStore, type StoredPeers } from "../../../src/services/PeerStore.ts"
import * as hand from "../../harness/peerContext.ts"

const { ip } = hand
const key = new Uint8Array(16).fill(7)
const nothing: StoredPeers = { key: undefined, book: [], anchors: [], bans: [], offenders: [] }
const failure = new PeerStoreError({ detail: "no disk" })

const entropy = Entropy.of({
  nonce: (() => {
    let n = 0n
    return () => ++n
  })(),
  process: "aa".repeat(8),
  tagFor: () => "",
  mac: () => ""
})

const load = (stored: Effect.Effect<StoredPeers, PeerStoreError>) =>
  AddressSaver.load(1_000_000).pipe(
    Effect.provideService(PeerStore, PeerStore.of({ load: stored, save: () => Effect.die("not now") })),
    Effect.provideService(Entropy, entropy)
  )

const good = (book: PeerBook, text: string) =>
  book.good(ip(text), { port: 4_000, wire: "native", direction: "outbound" }, hand.wallOffset)

/** `before`: what happens before there is a saver. */
const make = (anchors: ReadonlyArray<string> = [], before: (node: hand.Hand) => void = () => {}) =>
  Effect.gen(function*() {
    const node = hand.make()
    before(node)
    const saved: Array<PeersToStore> = []
    let fails = 0
    const store = PeerStore.of({
      load: Effect.succeed(nothing),
      save: (peers) =>
        Effect.suspend(() => {
          saved.push(peers)
          return fails-- > 0 ? Effect.fail(failure) : Effect.void
        })
    })
    const loaded = { key, book: node.ctx.book, anchors: anchors.map(ip), bans: [], offenders: [] }
    const saver = yield* AddressSaver.make(node.ctx, loaded).pipe(
      Effect.provideService(PeerStore, store),
      Effect.provideService(AddressSaverPace, Schedule.spaced(Limits.storeEveryMs))
    )
    return {
      node,
      saver,
      saved: () => saved.splice(0),
      failing: (times: number) => {
        fails = times
      }
    }
  })

describe("what was stored", () => {
  it.effect("is the book, under its key, with anchors, bans and offenders", () =>
    Effect.gen(function*() {
      const before = hand.make().ctx.book
      good(before, "10.0.0.1")
      const bans = [{ subnet: Subnet.ofOne(ip("10.0.0.9")), since: 1, until: 2, by: "operator", reason: "" }] as const
      const loaded = yield* load(
        Effect.succeed({ ...nothing, key, book: [...before.entries()], anchors: [ip("10.0.0.1")], bans })
      )
      assert.deepStrictEqual([loaded.key, loaded.anchors, loaded.bans], [key, [ip("10.0.0.1")], bans])
      assert.strictEqual(loaded.book.tableOf(ip("10.0.0.1")), "tried")
      assert.strictEqual(loaded.book.get(ip("10.0.0.1"))?.goodAt, 1_000_000, "no time is in the future")
    }))

  it.effect("is nothing on the first start, or where it cannot be read: then the key is new, and no two are alike", () =>
    Effect.gen(function*() {
      const [first, second, broken, short] = [
        yield* load(Effect.succeed(nothing)),
        yield* load(Effect.succeed(nothing)),
        yield* load(Effect.fail(failure)),
        yield* load(Effect.succeed({ ...nothing, key: new Uint8Array(3) }))
      ]
      for (const loaded of [first, second, broken, short]) {
        assert.deepStrictEqual([loaded.book.size, loaded.anchors, loaded.bans, loaded.offenders], [0, [], [], []])
        assert.strictEqual(loaded.key.length, 16)
      }
      assert.notDeepEqual(first.key, second.key)
      assert.notDeepEqual(first.key.slice(0, 8), first.key.slice(8))
      const places = (loaded: AddressSaver.Loaded) => [1, 2, 3, 4].map((i) => loaded.book.groupOrder(ip(`1${i}.0.0.1`)))
      assert.notDeepEqual(places(first), places(second), "the key places the addresses")
    }))
})

describe("saving", () => {
  it.effect("stores what changed before there was a saver", () =>
    Effect.gen(function*() {
      const { node: { ctx }, saved, saver } = yield* make([], (node) => {
        Protection.report(node.ctx, ip("10.0.0.2"), Offence.make("flood", "x"))
      })
      assert.isTrue(ctx.protection.hasChanged)
      const running = yield* Effect.forkChild(saver.run, { startImmediately: true })
      yield* TestClock.adjust(Limits.storeEveryMs)
      assert.deepStrictEqual(saved().map(({ offenders }) => offenders.map(({ ip }) => `${ip}`)), [["10.0.0.2"]])
      yield* Fiber.interrupt(running)
    }))

  it.effect("stores what changed since the last time, and bans only if they did", () =>
    Effect.gen(function*() {
      const { node: { ctx }, saved, saver } = yield* make()
      good(ctx.book, "10.0.0.1")
      yield* saver.save
      good(ctx.book, "10.0.0.2")
      ctx.protection.isUnsaved = true
      yield* saver.save
      yield* saver.save
      const all = saved()
      assert.deepStrictEqual(all.map(({ changed }) => changed.map(({ known }) => `${known.ip}`)), [["10.0.0.1"], [
        "10.0.0.2"
      ], []])
      assert.deepStrictEqual(all.map(({ bans }) => bans), [undefined, [], undefined])
      assert.deepStrictEqual(new Set(all.map((one) => one.key)), new Set([key]))
      assert.deepStrictEqual([...all[0]?.whole() ?? []].length, 2)
    }))

  it.effect("stores offenders by the wall clock, changed ones and on demand all", () =>
    Effect.gen(function*() {
      const { node, saved, saver } = yield* make()
      node.pass(500)
      Protection.report(node.ctx, ip("10.0.0.1"), Offence.make("flood", "x"))
      yield* saver.save
      Protection.report(node.ctx, ip("10.0.0.2"), Offence.make("flood", "x"))
      yield* saver.save
      const [first, second] = saved()
      assert.deepStrictEqual(first?.offenders.map(({ ip, score }) => [`${ip}`, score.at]), [[
        "10.0.0.1",
        hand.wallOffset + 500
      ]])
      assert.deepStrictEqual(second?.offenders.map(({ ip }) => `${ip}`), ["10.0.0.2"])
      assert.deepStrictEqual(second?.wholeOffenders().map(({ ip, score }) => [`${ip}`, score.at]), [
        ["10.0.0.1", hand.wallOffset + 500],
        ["10.0.0.2", hand.wallOffset + 500]
      ])
      assert.deepStrictEqual(second?.wholeBans(), [])
    }))

  it.effect("that failed loses nothing: the next one stores it again, bans and offenders too", () =>
    Effect.gen(function*() {
      const { failing, node: { ctx }, saved, saver } = yield* make()
      good(ctx.book, "10.0.0.1")
      Protection.report(ctx, ip("10.0.0.2"), Offence.make("flood", "x"))
      ctx.protection.isUnsaved = true
      failing(1)
      yield* saver.save
      assert.isTrue(ctx.protection.isUnsaved)
      assert.strictEqual(ctx.table.unsaved, "no disk")
      yield* saver.save
      assert.isUndefined(ctx.table.unsaved)
      const [first, second] = saved()
      assert.deepStrictEqual(second?.changed, first?.changed)
      assert.deepStrictEqual(second?.offenders, first?.offenders)
      assert.deepStrictEqual([first?.bans, second?.bans], [[], []])
      failing(1)
      yield* saver.save
      assert.isFalse(ctx.protection.isUnsaved, "bans that were not to be stored are not now")
    }))

  it.effect("at the node's pace stores when something changed, and tries a failed one again", () =>
    Effect.gen(function*() {
      const { failing, node: { ctx }, saved, saver } = yield* make()
      const running = yield* Effect.forkChild(saver.run, { startImmediately: true })
      const beat = TestClock.adjust(Limits.storeEveryMs)
      yield* beat
      yield* beat
      assert.strictEqual(saved().length, 0)
      saver.changed()
      yield* beat
      yield* beat
      assert.strictEqual(saved().length, 1)
      ctx.protection.isUnsaved = true
      yield* beat
      assert.strictEqual(saved().length, 1, "bans have changed")
      Protection.report(ctx, ip("10.0.0.2"), Offence.make("flood", "x"))
      yield* beat
      yield* beat
      assert.strictEqual(saved().length, 1, "an offender has changed")
      for (let i = 0; i < Limits.bookUnsaved - 1; i++) good(ctx.book, `10.${i}.0.1`)
      yield* beat
      assert.strictEqual(saved().length, 0, "few addresses wait for another change")
      good(ctx.book, "11.0.0.1")
      yield* beat
      assert.strictEqual(saved().length, 1)
      failing(2)
      saver.changed()
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(saved().length, 3)
      yield* Fiber.interrupt(running)
    }))
})

describe("inbound peers", () => {
  it.effect("are tried in the book once they have been up for long enough, at the port that they tell, noticed without any change", () =>
    Effect.gen(function*() {
      const { node, saved, saver } = yield* make()
      const { ctx, up } = node
      const running = yield* Effect.forkChild(saver.run, { startImmediately: true })
      const beat = (ms: number) => {
        node.pass(ms)
        return TestClock.adjust(Limits.storeEveryMs)
      }
      up("10.0.0.1", { listens: 4_001 })
      up("10.0.0.2", { listens: 0 })
      saver.changed()
      yield* beat(1)
      saved()
      yield* beat(Limits.bookInboundMs - 2)
      assert.deepStrictEqual([saved().length, ctx.book.tableOf(ip("10.0.0.1"))], [0, "new"])
      yield* beat(1)
      assert.strictEqual(saved().length, 1)
      assert.strictEqual(ctx.book.tableOf(ip("10.0.0.1")), "tried")
      const { direction, port } = ctx.book.get(ip("10.0.0.1")) ?? {}
      assert.deepStrictEqual([direction, port], ["inbound", 4_001])
      assert.isUndefined(ctx.book.get(ip("10.0.0.2")))
      yield* beat(10 * Limits.bookInboundMs)
      assert.strictEqual(saved().length, 0, "it is noted once")
      up("10.0.0.3")
      up("10.0.0.4", { direction: "outbound" })
      ctx.book.remove(ip("10.0.0.4"))
      node.pass(Limits.bookInboundMs)
      yield* saver.save
      assert.strictEqual(ctx.book.tableOf(ip("10.0.0.3")), "tried", "at the end as well")
      assert.isUndefined(ctx.book.get(ip("10.0.0.4")), "one that we dialled was noted when it came up")
      yield* Fiber.interrupt(running)
    }))
})

describe("the anchors", () => {
  it.effect("are peers that are up, ours first, then the longest up; then those that were up last, then the former ones", () =>
    Effect.gen(function*() {
      const { node, saved, saver } = yield* make(["10.0.0.9", "10.0.0.1", "10.0.0.99"])
      const { ctx, row, up } = node
      for (let i = 1; i <= 9; i++) good(ctx.book, `10.0.0.${i}`)
      up("10.0.0.1")
      up("10.0.0.2")
      up("10.0.0.3", { direction: "outbound" })
      up("10.0.0.4", { direction: "outbound" })
      up("10.0.0.5", { listens: 0 })
      row("10.0.0.6", "stored", { lastGoodAt: 5 })
      row("10.0.0.7", "stored", { lastGoodAt: 9 })
      row("10.0.0.8", "stored")
      yield* saver.save
      const anchors = saved()[0]?.anchors
      assert.deepStrictEqual(anchors, [3, 4, 1, 2, 7, 6, 9].map((i) => ip(`10.0.0.${i}`)))
      // Rows in one order, connections in the other: the longest up comes first.
      const late = [55, 54, 53, 52, 51].map((i) => `10.0.0.${i}`)
      for (const at of late) {
        row(at, "stored")
        good(ctx.book, at)
      }
      for (const at of late.toReversed()) up(at)
      yield* saver.save
      const inbound = saved()[0]?.anchors.slice(2)
      assert.deepStrictEqual(inbound, [1, 2, 51, 52, 53, 54].slice(0, Limits.anchors - 2).map((i) => ip(`10.0.0.${i}`)))
      for (let i = 20; i < 40; i++) up(`10.0.0.${i}`, { direction: "outbound" })
      yield* saver.save
      assert.strictEqual(saved()[0]?.anchors.length, Limits.anchors)
    }))
})
