/** Height paging, step by step: what comes late, unasked or meanwhile, and a peer whose chain changes all the time. */
import { assert, describe, it } from "@effect/vitest"
import type * as Hash from "../../../src/domain/chain/Hash.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as HeightPaging from "../../../src/domain/sync/HeightPaging.ts"

type Event = HeightPaging.Event<number>
type Action = HeightPaging.Action<number>

/** Every height of a chain has its own. */
const hash = (height: number, salt = 0): Hash.Hash => new Uint8Array(32).fill(salt).fill(height, 0, 1)
const block = (height: number, salt = 0): HeightPaging.Paged<number> => ({
  height,
  hash: hash(height, salt),
  previous: hash(height - 1, salt),
  size: 100,
  block: height
})
const blocks = (from: number, to: number, salt = 0) =>
  Array.from({ length: to - from + 1 }, (_, i) => block(from + i, salt))

const drive = (toldHeight: number) => {
  let state = HeightPaging.start<number>({ height: toldHeight, hash: hash(toldHeight) })
  let now = 0
  const post = (event: Event): ReadonlyArray<Action> => {
    const [next, actions] = HeightPaging.step(state, event, now)
    state = next
    return actions
  }
  return {
    post,
    /** After the distance that pages keep. */
    later: (event: Event) => {
      now += Limits.timeAlikeMs
      return post(event)
    },
    state: () => state,
    /** After so many ms. */
    after: (ms: number, event: Event) => {
      now += ms
      return post(event)
    }
  }
}
const asked = (...heights: ReadonlyArray<number>): Event => ({
  _tag: "AskedHeaders",
  request: 1,
  locator: heights.map((height) => ({ height, hash: hash(height) })),
  count: 100
})
const tags = (actions: ReadonlyArray<Action>) => actions.map(({ _tag }) => _tag)

describe("height paging", () => {
  it("a new tip does not have the page that is under way asked for again", () => {
    const peer = drive(3)
    assert.deepStrictEqual(peer.post(asked(0))[0], { _tag: "GetPage", start: 1, end: 3 })
    assert.deepStrictEqual(peer.post({ _tag: "TipTold", tip: { height: 4, hash: hash(4) } }), [])
    const [given] = peer.post({ _tag: "PageCame", blocks: blocks(1, 3) })
    assert.deepInclude(given, { _tag: "GiveHeaders", more: true })
  })

  it("a hash that is told unasked, while a page waits for its time, means nothing", () => {
    const peer = drive(3)
    peer.post(asked(0))
    peer.post({ _tag: "PageCame", blocks: blocks(1, 3) })
    assert.deepStrictEqual(tags(peer.post(asked(0))), ["Arm"])
    assert.deepStrictEqual(tags(peer.post({ _tag: "HashTold", height: 0, hash: hash(0) })), ["Arm"])
  })

  it("the late answer to a page that was asked for twice is neither given again nor a lie", () => {
    const peer = drive(3)
    peer.post(asked(0))
    assert.include(tags(peer.later({ _tag: "Fired" })), "GetPage")
    assert.deepStrictEqual(tags(peer.post({ _tag: "PageCame", blocks: blocks(1, 3) })), ["GiveHeaders"])
    assert.deepStrictEqual(peer.post({ _tag: "PageCame", blocks: blocks(1, 3) }), [])
    // One more is.
    assert.deepStrictEqual(tags(peer.post({ _tag: "PageCame", blocks: [] })), ["Lied"])
  })

  it("every request that a page answers is answered with it", () => {
    const peer = drive(3)
    peer.post(asked(0))
    const bodies = (request: number, height: number): Event => ({
      _tag: "AskedBlocks",
      request,
      from: height,
      hashes: [hash(height)]
    })
    assert.deepStrictEqual([...peer.post(bodies(2, 1)), ...peer.post(bodies(3, 2))], [])
    assert.deepStrictEqual(peer.post({ _tag: "PageCame", blocks: blocks(1, 3) }).slice(1), [
      { _tag: "GiveBlocks", request: 2, blocks: [1], done: true },
      { _tag: "GiveBlocks", request: 3, blocks: [2], done: true }
    ])
    assert.strictEqual(peer.state().keptBytes, 100)
  })

  it("a peer whose chain changes all the time is given up after so many searches: genesis is common", () => {
    const top = 40
    const peer = drive(top + 5)
    let actions = peer.post(asked(...Array.from({ length: top + 1 }, (_, i) => top - i)))
    let pages = 0
    for (let turns = 0; turns < 1_000 && !tags(actions).includes("GiveHeaders"); turns++) {
      const [action] = actions
      if (action?._tag === "GetPage") {
        pages += 1
        // Blocks that do not follow what it said it has.
        actions = peer.later({ _tag: "PageCame", blocks: blocks(action.start, action.start, 9) })
      } else if (action?._tag === "GetHash") {
        actions = peer.post({ _tag: "HashTold", height: action.height, hash: hash(action.height) })
      } else {
        actions = peer.later({ _tag: "Fired" })
      }
    }
    assert.strictEqual(pages, Limits.timeSearches + 1)
    const given = actions.find(({ _tag }) => _tag === "GiveHeaders")
    assert.deepInclude(given, { after: hash(0), blocks: [], more: false })
  })

  it("blocks that were given are kept no longer", () => {
    const peer = drive(3)
    peer.post({ _tag: "AskedBlocks", request: 1, from: 1, hashes: [hash(1), hash(2)] })
    const given = peer.post({ _tag: "PageCame", blocks: blocks(1, 2) })
    assert.deepStrictEqual(given, [{ _tag: "GiveBlocks", request: 1, blocks: [1, 2], done: true }])
    assert.deepStrictEqual([peer.state().kept.size, peer.state().keptBytes], [0, 0])
  })

  it("pages that are alike are so many within a time, and the next one waits for the oldest of them", () => {
    const peer = drive(3)
    const ask: Event = { _tag: "AskedBlocks", request: 1, from: 1, hashes: [hash(1)] }
    // Long after the connection came up: only distances count.
    peer.after(10 * Limits.timeAlikeMs, { _tag: "Fired" })
    for (let n = 0; n < Limits.timeAlikePages; n++) {
      assert.deepStrictEqual(tags(peer.after(Limits.timePageMs, ask)), ["GetPage", "Arm"], `page ${n}`)
      peer.post({ _tag: "PageCame", blocks: blocks(1, 1) })
    }
    const spent = (Limits.timeAlikePages - 1) * Limits.timePageMs
    const rest = Limits.timeAlikeMs - spent - Limits.timePageMs
    assert.deepStrictEqual(peer.after(Limits.timePageMs, ask), [{ _tag: "Arm", ms: rest }])
    assert.deepStrictEqual(peer.after(rest - 1, { _tag: "Fired" }), [{ _tag: "Arm", ms: 1 }])
    assert.deepStrictEqual(tags(peer.after(1, { _tag: "Fired" })), ["GetPage", "Arm"])
    assert.isAtMost(peer.state().pages.length, Limits.timeAlikePages, "older ones are forgotten")
  })

  it("pages that are not alike, or not within that time, wait for their distance only", () => {
    const far = Limits.timeAlikeHeights + 1
    const peer = drive(far * (Limits.timeAlikePages + 2))
    for (let n = 0; n <= Limits.timeAlikePages; n++) {
      const from = 1 + n * far
      const ask: Event = { _tag: "AskedBlocks", request: n, from, hashes: [hash(from)] }
      assert.deepStrictEqual(tags(peer.after(Limits.timePageMs, ask)), ["GetPage", "Arm"], `page ${n}`)
      peer.post({ _tag: "PageCame", blocks: [block(from)] })
    }
  })
})
