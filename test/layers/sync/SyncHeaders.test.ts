/** Headers: which are asked for, where they belong, what the planner learns of them, and which peer is blamed. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as BlockHeader from "../../../src/domain/chain/BlockHeader.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import type { Parent } from "../../../src/domain/chain/HeaderRules.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import type * as SyncState from "../../../src/domain/sync/SyncState.ts"
import { PackedHeaders } from "../../../src/layers/sync/PackedHeaders.ts"
import type { Showing } from "../../../src/layers/sync/Showing.ts"
import { asking, better, came, fork, hashAt, headerOf, lied, onBranch, shared } from "../../harness/headerAnswers.ts"
import * as harness from "../../harness/syncContext.ts"
import * as states from "../../harness/syncStates.ts"
import { devnet, make } from "../../harness/syntheticChain.ts"

const { ip } = states
const { genesisHash } = devnet

const locatorOf = (said: ReadonlyArray<readonly unknown[]>): ReadonlyArray<string> => {
  const message = said[0]?.[2] as { readonly _tag: string; readonly locator: ReadonlyArray<Uint8Array> }
  assert.strictEqual(message._tag, "GetHeaders")
  return message.locator.map((hash) => Hash.toHex(Hash.fromHexUnsafe(Buffer.from(hash).toString("hex"))))
}
const hexes = (chain: ReadonlyArray<harness.Made>, heights: ReadonlyArray<number>) =>
  heights.map((height) => Hash.toHex(height === 0 ? genesisHash : hashAt(chain, height)))

const shown = (fork: number, headers: ReadonlyArray<Parent>, since = 0): Showing => ({
  fork,
  headers: new PackedHeaders(fork + 1, headers),
  since
})

/** Where the planner is told that the headers belong. */
const placedOf = ([event]: ReadonlyArray<SyncState.SyncEvent>): SyncState.Placed | undefined =>
  event?._tag === "HeadersReceived" ? event.placed : undefined

describe("a request for headers", () => {
  const chainRow = [20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 9, 5, 0]

  it("starts from our chain, and names a count below a full list only", () => {
    const node = asking()
    const full = node.ask()
    assert.deepStrictEqual(locatorOf(full), hexes(shared, chainRow))
    assert.deepStrictEqual(Object.keys(full[0]?.[2] as object).toSorted(), ["_tag", "locator", "request"])
    assert.deepInclude(node.ask(Limits.headersPerMessage - 1)[0]?.[2], { request: 5, count: 1_999 })
    assert.strictEqual(node.link.pendingAnswers, 2)
    const places = node.context.headerRequests.get(5)
    assert.strictEqual(places?.peer, ip(2))
    assert.deepStrictEqual(places?.locator.map(({ height }) => height), chainRow)
    assert.deepStrictEqual(places?.locator.map(({ hash }) => Hash.toHex(hash)), hexes(shared, chainRow))
  })

  it("starts from the best branch, or from the peer's own", () => {
    const node = asking()
    const worse = node.shown(better.slice(0, 3))
    node.plan(worse.id, 23)
    const best = node.shown(fork)
    node.plan(best.id, 24, 15)
    assert.deepStrictEqual(locatorOf(node.ask()).slice(0, 11), [
      ...hexes(fork, [24, 23, 22, 21, 20, 19, 18, 17, 16]),
      ...hexes(shared, [15, 14])
    ])
    node.peerOn(2, worse.id)
    assert.deepStrictEqual(locatorOf(node.ask()).slice(0, 5), [
      ...hexes(better, [23, 22, 21]),
      ...hexes(shared, [20, 19])
    ])
  })

  it("of a peer that is still showing starts after its last header, then where what it shows leaves our chain", () => {
    const node = asking()
    node.plan(node.shown(better).id, 26)
    node.link.last = { height: 17, hash: hashAt(fork, 17) }
    node.link.showing = shown(15, fork.slice(0, 2).map(({ parent }) => parent))
    assert.deepStrictEqual(locatorOf(node.ask()), [
      ...hexes(fork, [17]),
      ...hexes(shared, [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 4, 0])
    ])
  })

  it("of a peer that has more after a header of our chain halves the distance to where it may leave ours", () => {
    const long = Effect.runSync(make(300, "10.6.6.6"))
    const node = asking(long, harness.tipOf(long))
    const heights = (at: number) => {
      node.link.last = { height: at, hash: at === 0 ? genesisHash : hashAt(long, at) }
      node.ask()
      return node.context.headerRequests.get(5)?.locator.map(({ height }) => height) ?? []
    }
    const down = [300, 299, 298, 297, 296, 295, 294, 293, 292, 291, 289, 285, 277, 261, 229, 165]
    const up = [168, 104, 72, 56, 48, 44, 42, 41]
    assert.deepStrictEqual(heights(40), [...[...down, ...up].toSorted((a, b) => b - a), 40, 0])
    // The peer's chain leaves ours at any height: how often it shows one header of ours, at most.
    for (const fork of [0, 1, 100, 163, 298, 299]) {
      let [at, lists] = [0, 0]
      for (; at <= fork; lists++) at = Math.max(...heights(at).filter((height) => height <= fork)) + 1
      assert.isAtMost(lists, 10, `${fork}`)
    }
    node.plan(node.shown(Effect.runSync(make(70, "10.5.5.5", long.slice(0, 280)))).id, 350, 280)
    const beside = heights(40)
    assert.isAtMost(beside.length, Limits.locatorHashes)
    assert.deepStrictEqual([beside[0], ...beside.slice(-3)], [350, 41, 40, 0])
    assert.strictEqual(beside.filter((height) => height > 280).length, 14)
  })

  it("is cut to the most hashes of a locator, and always ends with genesis", () => {
    const long = Effect.runSync(make(60, "10.6.6.6", shared.slice(0, 15)))
    const node = asking()
    node.plan(node.shown(long).id, 75, 15)
    const short = locatorOf(node.ask())
    assert.isBelow(short.length, Limits.locatorHashes)
    const { locator } = {
      locator: Array.from({ length: 70 }, (_, i) => ({ height: 80 - i, hash: hashAt(long, 16 + i % 50) }))
    }
    const branch = node.context.branches.values().next().value ?? assert.fail()
    Object.defineProperty(branch, "locator", { value: () => locator })
    const cut = locatorOf(node.ask())
    assert.strictEqual(cut.length, Limits.locatorHashes)
    assert.deepStrictEqual(
      cut.slice(0, -1),
      locator.slice(0, Limits.locatorHashes - 1).map(({ hash }) => Hash.toHex(hash))
    )
    assert.strictEqual(cut.at(-1), Hash.toHex(genesisHash))
  })
})

describe("headers that come", () => {
  it("on our chain are known, and make no branch", () => {
    const node = asking()
    node.ask()
    node.hand.to(40)
    assert.deepStrictEqual(node.answer(shared.slice(15), { after: hashAt(shared, 15) }), [came({ count: 5, ms: 40 })])
    assert.deepStrictEqual([node.context.branches.size, node.context.headerRequests.size, node.link.pendingAnswers], [
      0,
      0,
      0
    ])
    assert.deepStrictEqual([node.link.last, node.link.showing], [undefined, undefined])
    assert.deepStrictEqual(node.exchange([], {}), [came({})])
  })

  it("beyond our tip start a branch; those after it extend it; the same again change nothing", () => {
    const node = asking()
    assert.deepStrictEqual(node.exchange(better.slice(0, 4)), [
      came({ count: 4, last: harness.tipOf(better.slice(0, 4)), placed: onBranch(1, better.slice(0, 4), 20) })
    ])
    const branch = node.context.branches.get(1)
    assert.deepStrictEqual(branch?.upTo(24).map(({ hash }) => Hash.toHex(hash)), hexes(better, [21, 22, 23, 24]))
    node.plan(1, 24)
    node.exchange([])
    assert.deepStrictEqual(node.exchange(better.slice(4), { after: hashAt(better, 24) }), [
      came({ count: 2, last: harness.tipOf(better), placed: onBranch(1, better, 20) })
    ])
    assert.strictEqual(branch?.height, 26)
    assert.deepStrictEqual(node.exchange(better, {}), [
      came({ count: 6, last: harness.tipOf(better), placed: onBranch(1, better, 20) })
    ])
    assert.strictEqual(node.context.branches.size, 1)
  })

  it("that leave a branch below its tip start another one with the first as its trunk", () => {
    const node = asking()
    node.exchange(better)
    node.plan(1, 26)
    const fresh = Effect.runSync(make(5, "10.5.5.5", [...shared, ...better.slice(0, 3)]))
    assert.deepStrictEqual(node.exchange(fresh, { after: hashAt(better, 23) }), [
      came({ count: 5, last: harness.tipOf(fresh), placed: onBranch(2, fresh, 20, { id: 1, upTo: 23 }) })
    ])
    assert.deepStrictEqual(node.context.branches.get(2)?.upTo(99).map(({ height }) => height), [
      21,
      22,
      23,
      24,
      25,
      26,
      27,
      28
    ])
    node.context.state = {
      ...node.context.state,
      branches: [...node.context.state.branches, states.branch(2, 28, { fork: 20, trunk: { id: 1, upTo: 23 } })]
    }
    assert.deepStrictEqual(node.exchange([...better.slice(0, 3), ...fresh], {}), [
      came({ count: 8, last: harness.tipOf(fresh), placed: onBranch(2, fresh, 20, { id: 1, upTo: 23 }) })
    ])
  })

  it("of a chain that is not better yet are kept with the peer until they are", () => {
    const node = asking()
    const first = fork.slice(0, 3)
    assert.deepStrictEqual(node.exchange(first, { after: hashAt(shared, 15), more: true }), [
      came({ count: 3, last: harness.tipOf(first), placed: { _tag: "Worse", fork: 15 }, more: "yes" })
    ])
    assert.deepStrictEqual(
      [node.link.showing?.fork, node.link.showing?.headers.range(0, 99)],
      [15, first.map(({ parent }) => parent)]
    )
    assert.deepStrictEqual(node.link.last, { height: 18, hash: hashAt(fork, 18) })
    assert.deepStrictEqual(node.exchange(fork.slice(3), { after: hashAt(fork, 18) }), [
      came({ count: 6, last: harness.tipOf(fork), placed: onBranch(1, fork, 15) })
    ])
    assert.deepStrictEqual([node.link.showing, node.link.last], [undefined, undefined])
    assert.deepStrictEqual(node.context.branches.get(1)?.upTo(99).map(({ hash }) => Hash.toHex(hash)), [
      ...hexes(fork, [16, 17, 18, 19, 20, 21, 22, 23, 24])
    ])
  })

  it("of a chain that is not better are dropped beyond the most headers", () => {
    const node = asking()
    const first = fork.slice(0, 3)
    node.exchange(first, { after: hashAt(shared, 15), more: true })
    const one = first[0]?.parent ?? assert.fail()
    const showing = (count: number) =>
      shown(15 - count, [...Array.from({ length: count }, () => one), ...first.map(({ parent }) => parent)])
    // As if our chain had that many more blocks below.
    node.context.state = { ...node.context.state, oldestFork: -Limits.headersAhead }
    const next = fork.slice(3, 4)
    node.link.showing = showing(Limits.headersAhead - 5)
    node.link.last = { height: 18, hash: hashAt(fork, 18) }
    const answer = { after: hashAt(fork, 18), more: true }
    assert.strictEqual(placedOf(node.exchange(next, answer))?._tag, "Worse")
    assert.strictEqual(node.link.showing?.headers.count, Limits.headersAhead - 1)
    node.link.showing = showing(Limits.headersAhead - 4)
    node.link.last = { height: 18, hash: hashAt(fork, 18) }
    assert.deepStrictEqual(placedOf(node.exchange(next, answer)), { _tag: "NoRoom", fork: 19 - Limits.headersAhead })
    assert.isUndefined(node.link.showing)
  })

  it("of a chain that is not better find no room beside those of faster peers", () => {
    const node = asking()
    const other = node.connect(3, harness.tipOf(fork))
    const kept = () => node.link.showing ?? assert.fail("nothing is kept")
    node.hand.to(1_000)
    node.ask()
    node.hand.to(2_000)
    const room = Array.from({ length: Limits.headersShown - 2 }, () => shared[0]?.parent ?? assert.fail())
    other.showing = shown(15, room, -2_000_000)
    const answer = { after: hashAt(shared, 15), more: true }
    assert.deepStrictEqual(placedOf(node.answer(fork.slice(0, 3), answer)), { _tag: "NoRoom", fork: 15 })
    assert.isUndefined(node.link.showing)
    assert.isDefined(other.showing)
    node.ask()
    node.hand.to(2_002)
    assert.deepStrictEqual(placedOf(node.answer(fork.slice(0, 3), answer)), { _tag: "Worse", fork: 15 })
    assert.deepInclude(
      kept(),
      { fork: 15, since: 2_000 },
      "when the peer was asked for the first of them"
    )
    assert.isUndefined(other.showing, "3 headers in 2 ms are more than a million in 2,000 s")
    node.ask()
    node.hand.to(9_000)
    node.answer(fork.slice(3, 4), { after: hashAt(fork, 18), more: true })
    assert.deepInclude(kept(), { fork: 15, since: 2_000 })
  })

  it("of a chain that is not better and ends there are not kept", () => {
    const node = asking()
    const answer = { after: hashAt(shared, 15), more: false }
    assert.deepStrictEqual(placedOf(node.exchange(fork.slice(0, 3), answer)), { _tag: "Worse", fork: 15 })
    assert.isUndefined(node.link.showing)
  })

  it("name the other peers whose announced tip is among them", () => {
    const node = asking()
    node.connect(3, harness.tipOf(better.slice(0, 2)))
    node.connect(4, harness.tipOf(fork))
    node.connect(6, { ...harness.tipOf(better), height: 25 })
    assert.deepStrictEqual(node.exchange(better), [
      came({ count: 6, last: harness.tipOf(better), placed: onBranch(1, better, 20), also: [ip(3)] })
    ])
    assert.deepStrictEqual(node.exchange([]), [came({})])
  })

  it("with more to come are remembered up to their last one", () => {
    const node = asking()
    assert.deepStrictEqual(node.exchange(better.slice(0, 2), { more: true }), [
      came({
        count: 2,
        last: harness.tipOf(better.slice(0, 2)),
        placed: onBranch(1, better.slice(0, 2), 20),
        more: "yes"
      })
    ])
    assert.deepStrictEqual(node.link.last, { height: 22, hash: hashAt(better, 22) })
    assert.deepStrictEqual(locatorOf(node.ask()).slice(0, 1), hexes(better, [22]))
  })

  it("after a block that none of our chains has any more are void, without blame", () => {
    const node = asking()
    node.context.headerRequests.set(5, { peer: ip(2), locator: [{ height: 18, hash: hashAt(fork, 18) }] })
    assert.deepStrictEqual(node.answer(fork.slice(3), { after: hashAt(fork, 18) }), [
      { _tag: "HeadersVoid", peer: ip(2), request: 5 }
    ])
  })

  it("too deep below our tip are not followed, and where they leave is told", () => {
    const node = asking()
    node.context.state = { ...node.context.state, oldestFork: 16 }
    assert.deepStrictEqual(
      node.exchange(fork, {
        after: hashAt(shared, 14),
        list: BlockHeader.encodeList([shared[14] ?? assert.fail(), ...fork].map(headerOf)).bytes,
        more: true
      }),
      [came({ count: 10, last: harness.tipOf(fork), placed: { _tag: "TooDeep", fork: 15 }, more: "yes" })]
    )
    assert.deepStrictEqual([node.context.branches.size, node.link.last], [0, undefined])
    node.context.state = { ...node.context.state, oldestFork: 15 }
    assert.deepStrictEqual(node.exchange(fork, { after: hashAt(shared, 15) }), [
      came({ count: 9, last: harness.tipOf(fork), placed: onBranch(1, fork, 15) })
    ])
    node.context.state = { ...node.context.state, oldestFork: 16 }
    const deep = Effect.runSync(make(2, "10.3.3.3", [...shared.slice(0, 15), ...fork]))
    assert.deepStrictEqual(
      node.exchange(deep, {
        after: hashAt(shared, 15),
        list: BlockHeader.encodeList([...fork, ...deep].map(headerOf)).bytes
      }),
      [
        came({ count: 11, last: harness.tipOf(deep), placed: { _tag: "TooDeep", fork: 15 } })
      ]
    )
  })

  it("too deep below our tip must follow one another, and each rule but that of a treasury which we do not know", () => {
    const node = asking()
    // As after a start: of old blocks the treasury is not read.
    node.context.chain.rewind(0)
    for (const { parent } of shared) node.context.chain.append(parent.hash, 0)
    node.context.state = { ...node.context.state, oldestFork: 16 }
    const placed = { _tag: "TooDeep", fork: 15 } as const
    assert.deepStrictEqual(node.exchange(fork, { after: hashAt(shared, 15) }), [
      came({ count: 9, last: harness.tipOf(fork), placed })
    ])
    const of = (headers: ReadonlyArray<BlockHeader.BlockHeader>) =>
      node.exchange([], { after: hashAt(shared, 15), list: BlockHeader.encodeList(headers).bytes })
    const headers = fork.map(headerOf)
    assert.deepStrictEqual(of(headers.slice(1)), [lied("header at height 17: height 17, expected 16")])
    assert.deepStrictEqual(of([...headers.slice(0, 3), ...headers.slice(4)]), [
      lied("header at height 20: height 20, expected 19")
    ])
    const [head = assert.fail(), ...rest] = headers
    const cheap = [{ ...head, blockReward: 1 }, ...rest]
    assert.match(JSON.stringify(of(cheap)), /header at height 16: .*reward/)
    const rich = [{ ...head, treasuryBalance: 2 ** 50 }, ...rest]
    assert.match(JSON.stringify(of(rich)), /header at height 17: /, "only the first parent's is unknown")
  })
})

describe("blame for headers", () => {
  it("is for answers to nothing, and to another peer's request", () => {
    const node = asking()
    assert.deepStrictEqual(node.answer([]), [lied("unsolicited headers", "protocol")])
    node.ask()
    node.connect(3)
    assert.deepStrictEqual(node.answer([], {}, 3), [lied("unsolicited headers", "protocol", 3)])
    assert.deepStrictEqual(node.answer([], {}, 9), [], "a peer that is gone is not judged")
    assert.deepStrictEqual(node.answer([]), [came({})])
    assert.deepStrictEqual(node.answer([]), [lied("unsolicited headers", "protocol")])
  })

  it("is for a list that is malformed, or that follows no block of the locator", () => {
    const node = asking()
    assert.deepStrictEqual(node.exchange([], { list: new Uint8Array(7) }), [lied("malformed header list")])
    assert.deepStrictEqual(node.exchange(better, { after: hashAt(better, 21) }), [
      lied("headers do not follow a block of the locator")
    ])
  })

  it("is for a header that breaks a rule, with its height; what came before it makes no branch", () => {
    const node = asking()
    assert.deepStrictEqual(node.exchange([better[0] ?? assert.fail(), better[2] ?? assert.fail()]), [
      lied("header at height 23: height 23, expected 22")
    ])
    assert.strictEqual(node.context.branches.size, 0)
  })

  it("is for a header of ours after one that is not", () => {
    const [first = assert.fail()] = fork
    const again = shared[15] ?? assert.fail()
    assert.deepStrictEqual(asking().exchange([first, again], { after: hashAt(shared, 15) }), [
      lied("header at height 16: height 16, expected 17")
    ])
  })
})
