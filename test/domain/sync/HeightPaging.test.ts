import { assert, describe, it } from "@effect/vitest"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as HeightPaging from "../../../src/domain/sync/HeightPaging.ts"
import { randomFrom } from "../../harness/random.ts"

/** The hash of the block at a height of a chain: `salt` names the chain from where it left others. */
const hashOf = (salt: number, height: number): Hash.Hash => {
  const hash = new Uint8Array(32)
  new DataView(hash.buffer).setUint32(0, height === 0 ? 0 : salt)
  new DataView(hash.buffer).setUint32(4, height)
  return hash
}

/** A chain by the salts of its blocks: `chain(0, 100, 7, 20)` is 100 blocks of chain 0, then 20 of chain 7. */
const chain = (salt: number, count: number, other = 0, more = 0): ReadonlyArray<Hash.Hash> => [
  hashOf(0, 0),
  ...Array.from({ length: count }, (_, at) => hashOf(salt, at + 1)),
  ...Array.from({ length: more }, (_, at) => hashOf(other, count + at + 1))
]

const place = (hashes: ReadonlyArray<Hash.Hash>, height: number): HeightPaging.Place => ({
  height,
  hash: hashes[height] ?? assert.fail(`no block ${height}`)
})

/** As sync makes them: dense at the tip, then ever wider, down to genesis. */
const locator = (hashes: ReadonlyArray<Hash.Hash>): ReadonlyArray<HeightPaging.Place> => {
  const places: Array<HeightPaging.Place> = []
  for (let height = hashes.length - 1, step = 1; height > 0; height -= step) {
    places.push(place(hashes, height))
    if (places.length > 10) step *= 2
  }
  return [...places, place(hashes, 0)]
}

type Block = { readonly height: number }
type Action = HeightPaging.Action<Block>

/** The machine and a peer that answers, on one clock. */
class Conversation {
  state: HeightPaging.Paging<Block>
  now = 0
  readonly given: Array<Action> = []
  readonly asked: Array<readonly [at: number, action: Action]> = []
  private timerAt: number | undefined
  private readonly answers: Array<readonly [at: number, event: HeightPaging.Event<Block>]> = []
  theirs: ReadonlyArray<Hash.Hash>
  /** Whether the peer answers this request. */
  isAnswered: () => boolean = () => true
  rttMs = 20

  constructor(theirs: ReadonlyArray<Hash.Hash>) {
    this.theirs = theirs
    this.state = HeightPaging.start(this.tip)
  }

  get tip(): HeightPaging.Place {
    return place(this.theirs, this.theirs.length - 1)
  }

  post(event: HeightPaging.Event<Block>): this {
    const [state, actions] = HeightPaging.step(this.state, event, this.now)
    this.state = state
    for (const action of actions) this.did(action)
    return this
  }

  private did(action: Action): void {
    switch (action._tag) {
      case "Arm":
        this.timerAt = this.now + action.ms
        return
      case "GetPage":
      case "GetHash":
      case "GetTip": {
        this.asked.push([this.now, action])
        const event = this.answer(action)
        if (this.isAnswered()) this.answers.push([this.now + this.rttMs, event])
        return
      }
      default:
        this.given.push(action)
    }
  }

  private answer(
    action: Extract<Action, { readonly _tag: "GetPage" | "GetHash" | "GetTip" }>
  ): HeightPaging.Event<Block> {
    switch (action._tag) {
      case "GetTip":
        return { _tag: "TipTold", tip: this.tip }
      case "GetHash":
        return { _tag: "HashTold", height: action.height, hash: this.theirs[action.height] }
      case "GetPage": {
        const blocks: Array<HeightPaging.Paged<Block>> = []
        for (let height = action.start; height <= Math.min(action.end, this.theirs.length - 1); height++) {
          const { hash } = place(this.theirs, height)
          blocks.push({ height, hash, previous: place(this.theirs, height - 1).hash, size: 484, block: { height } })
        }
        return { _tag: "PageCame", blocks }
      }
    }
  }

  /** Until something is given, or nothing happens any more. */
  run(mostMs = 600_000): this {
    const until = this.now + mostMs
    const before = this.given.length
    while (this.given.length === before) {
      const next = this.answers.toSorted(([a], [b]) => a - b)[0]
      const at = Math.min(next?.[0] ?? Infinity, this.timerAt ?? Infinity)
      if (at > until) break
      this.now = Math.max(this.now, at)
      if (next !== undefined && next[0] === at) {
        this.answers.splice(this.answers.indexOf(next), 1)
        this.post(next[1])
      } else {
        this.timerAt = undefined
        this.post({ _tag: "Fired" })
      }
    }
    return this
  }

  headers(ours: ReadonlyArray<Hash.Hash>, count = 50) {
    this.post({ _tag: "AskedHeaders", request: 1, locator: locator(ours), count }).run()
    const given = this.given.at(-1)
    assert(given?._tag === "GiveHeaders", given?._tag)
    return { after: Hash.toHex(given.after), heights: given.blocks.map(({ height }) => height), more: given.more }
  }

  /** The daemon's limits were kept. */
  assertPolite(): void {
    const pages = this.asked.flatMap(([at, action]) => action._tag === "GetPage" ? [{ at, ...action }] : [])
    for (const [i, page] of pages.entries()) {
      assert.isAtMost(page.end - page.start + 1, 50)
      const before = pages[i - 1]
      if (before !== undefined) assert.isAtLeast(page.at - before.at, 200)
      const alike = pages.filter((other) =>
        other.at <= page.at && page.at - other.at < 30_000 && Math.abs(other.start - page.start) <= 100 &&
        Math.abs(other.end - page.end) <= 100
      )
      assert.isAtMost(alike.length, 10)
    }
  }
}

const hex = (hashes: ReadonlyArray<Hash.Hash>, height: number) => Hash.toHex(place(hashes, height).hash)
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)

describe("HeightPaging", () => {
  it("gives the headers behind our tip from one page", () => {
    const ours = chain(0, 100)
    const peer = new Conversation(chain(0, 130))
    assert.deepStrictEqual(peer.headers(ours), { after: hex(ours, 100), heights: numbers(101, 130), more: false })
    assert.strictEqual(peer.asked.length, 1)
  })

  it("gives no more than a page at once, and says that there is more", () => {
    const peer = new Conversation(chain(0, 1_000))
    assert.deepStrictEqual(peer.headers(chain(0, 100), 2_000), {
      after: hex(chain(0, 100), 100),
      heights: numbers(101, 150),
      more: true
    })
  })

  it("gives the bodies of what was paged without asking again", () => {
    const theirs = chain(0, 1_000)
    const peer = new Conversation(theirs)
    peer.headers(chain(0, 100))
    const hashes = numbers(101, 150).map((height) => place(theirs, height).hash)
    peer.post({ _tag: "AskedBlocks", request: 2, from: 101, hashes })
    assert.deepStrictEqual(peer.given.at(-1), {
      _tag: "GiveBlocks",
      request: 2,
      blocks: numbers(101, 150).map((height) => ({ height })),
      done: true
    })
    assert.strictEqual(peer.asked.length, 1)
    assert.strictEqual(peer.state.keptBytes, 0)
  })

  it("pages for bodies that it does not have, of which another wire brought the headers", () => {
    const theirs = chain(0, 1_000)
    const peer = new Conversation(theirs)
    const hashes = numbers(301, 420).map((height) => place(theirs, height).hash)
    peer.post({ _tag: "AskedBlocks", request: 2, from: 301, hashes })
    while (peer.given.every((action) => action._tag === "GiveBlocks" && !action.done)) peer.run()
    const heights = peer.given.flatMap((action) => action._tag === "GiveBlocks" ? action.blocks : [])
    assert.deepStrictEqual(heights.map(({ height }) => height), numbers(301, 420))
    peer.assertPolite()
  })

  it("says that the peer does not have a block when it has another one there", () => {
    const peer = new Conversation(chain(0, 100, 7, 50))
    peer.post({ _tag: "AskedBlocks", request: 2, from: 110, hashes: [hashOf(0, 110)] }).run()
    assert.deepStrictEqual(peer.given, [{ _tag: "GiveBlocks", request: 2, blocks: [], done: true }])
  })

  it("finds where two chains part, wherever that is, with few questions", () => {
    for (const fork of [0, 1, 57, 190, 198, 199]) {
      const ours = chain(0, 200)
      const theirs = chain(0, fork, 7, 205 - fork)
      const peer = new Conversation(theirs)
      const { after, heights } = peer.headers(ours)
      const from = [...locator(ours)].find(({ height }) => height <= fork)?.height ?? 0
      assert.strictEqual(after, hex(ours, from), `fork at ${fork}`)
      assert.strictEqual(heights[0], from + 1)
      assert.isAtMost(peer.asked.length, 2 + Math.ceil(Math.log2(locator(ours).length)))
      peer.assertPolite()
    }
  })

  it("finds it too where the peer's chain is as long as ours, or shorter", () => {
    for (const length of [200, 150]) {
      const ours = chain(0, 200)
      const peer = new Conversation(chain(0, 90, 7, length - 90))
      const { after, heights } = peer.headers(ours)
      const from = [...locator(ours)].find(({ height }) => height <= 90)?.height
      assert.strictEqual(after, hex(ours, from ?? 0))
      assert.strictEqual(heights[0], (from ?? 0) + 1)
    }
  })

  it("an empty page where there should be blocks: its tip is asked for before its word counts", () => {
    const peer = new Conversation(chain(0, 130))
    peer.theirs = chain(0, 100)
    const { heights, more } = peer.headers(chain(0, 100))
    assert.deepStrictEqual(heights, [])
    assert.isFalse(more)
    assert.deepStrictEqual(peer.asked.map(([, { _tag }]) => _tag), ["GetPage", "GetTip"])
    assert.strictEqual(peer.state.told.height, 100)
  })

  it("a request beyond the tip that it reported: its tip is asked for first, and then the page", () => {
    const peer = new Conversation(chain(0, 100))
    peer.theirs = chain(0, 101)
    const { heights, more } = peer.headers(chain(0, 100))
    assert.deepStrictEqual(heights, [101])
    assert.isFalse(more)
    assert.deepStrictEqual(peer.asked.map(([, { _tag }]) => _tag), ["GetTip", "GetPage"])

    const same = new Conversation(chain(0, 100))
    assert.deepStrictEqual(same.headers(chain(0, 100)).heights, [])
    assert.deepStrictEqual(same.asked.map(([, { _tag }]) => _tag), ["GetTip"])
  })

  it("asks again what is not answered", () => {
    const peer = new Conversation(chain(0, 130))
    let left = 2
    peer.isAnswered = () => left-- <= 0
    assert.deepStrictEqual(peer.headers(chain(0, 100)).heights, numbers(101, 130))
    assert.deepStrictEqual(peer.asked.map(([at]) => at), [0, Limits.timeAnswerMs, 2 * Limits.timeAnswerMs])
  })

  it("calls a lie what nobody asked for, what is too much, and what does not link", () => {
    const lies = (blocks: ReadonlyArray<HeightPaging.Paged<Block>>, ask = true) => {
      const peer = new Conversation(chain(0, 130))
      peer.isAnswered = () => false
      if (ask) peer.post({ _tag: "AskedHeaders", request: 1, locator: locator(chain(0, 100)), count: 3 })
      peer.post({ _tag: "PageCame", blocks })
      const last = peer.given.at(-1)
      return last?._tag === "Lied" ? last.detail : undefined
    }
    const block = (height: number, salt = 0, before = 0) => ({
      height,
      hash: hashOf(salt, height),
      previous: hashOf(before, height - 1),
      size: 1,
      block: { height }
    })
    assert.strictEqual(lies([block(101)], false), "unsolicited blocks")
    assert.strictEqual(lies(numbers(101, 104).map((height) => block(height))), "more blocks than requested")
    assert.include(lies([block(101), block(103)]), "does not follow")
    assert.include(lies([block(101), block(102, 0, 9)]), "does not follow")
    assert.isUndefined(lies([block(101), block(102)]))
  })

  it("asks ever more seldom for a page that is not answered: at most 20 in a quarter of an hour, which may arrive at once", () => {
    const peer = new Conversation(chain(0, 130))
    peer.isAnswered = () => false
    peer.post({ _tag: "AskedHeaders", request: 1, locator: locator(chain(0, 100)), count: 50 }).run(15 * 60_000)
    const times = peer.asked.map(([at]) => at / 1_000)
    assert.deepStrictEqual(times.slice(0, 9), [0, 4, 8, 12, 20, 36, 68, 128, 188])
    assert.isAtMost(times.length, 20)
    // One answer, and the pace is that of every day.
    peer.isAnswered = () => true
    peer.run(120_000)
    peer.isAnswered = () => false
    const from = peer.asked.length
    peer.post({ _tag: "AskedHeaders", request: 2, locator: locator(chain(0, 100)), count: 50 }).run(9_000)
    const since = peer.asked.slice(from).map(([at]) => at)
    assert.deepStrictEqual(since.map((at) => at - (since[0] ?? 0)), [0, 4_000, 8_000])
  })

  it("takes the late answer to a longer page for what it is", () => {
    const peer = new Conversation(chain(0, 130))
    peer.isAnswered = () => false
    const page = (to: number) =>
      numbers(101, to).map((height) => ({
        height,
        hash: hashOf(0, height),
        previous: hashOf(0, height - 1),
        size: 1,
        block: { height }
      }))
    peer.post({ _tag: "AskedHeaders", request: 1, locator: locator(chain(0, 100)), count: 50 })
    // Its chain is shorter now.
    peer.post({ _tag: "TipTold", tip: { height: 103, hash: hashOf(0, 103) } })
    peer.now += Limits.timeAnswerMs
    peer.post({ _tag: "Fired" })
    assert.deepStrictEqual(
      peer.asked.map(([, action]) => action._tag === "GetPage" ? [action.start, action.end] : action._tag),
      [[101, 130], [101, 103]]
    )
    peer.post({ _tag: "PageCame", blocks: page(130) })
    assert.isEmpty(peer.given)
    peer.post({ _tag: "PageCame", blocks: page(103) })
    const last = peer.given.at(-1)
    assert.deepStrictEqual(last?._tag === "GiveHeaders" ? last.blocks.map(({ height }) => height) : last, [
      101,
      102,
      103
    ])
  })

  it("keeps blocks within its bound, the latest", () => {
    const theirs = chain(0, 400)
    const peer = new Conversation(theirs)
    for (let height = 0; height < 400; height += 50) {
      const places = [place(theirs, height)]
      peer.post({ _tag: "AskedHeaders", request: height, locator: places, count: 50 }).run()
    }
    assert.strictEqual(peer.state.kept.size, 400)
    const [state] = HeightPaging.step<Block>({ ...peer.state, owed: 1, doing: { _tag: "Page", start: 1, end: 1 } }, {
      _tag: "PageCame",
      blocks: [{ ...place(chain(3, 9), 1), previous: hashOf(0, 0), size: Limits.timeKeptBytes, block: { height: 1 } }]
    }, peer.now)
    assert.strictEqual(state.kept.size, 1)
    assert.strictEqual(state.keptBytes, Limits.timeKeptBytes)
  })

  it("whatever the chains, and whatever is lost: what it gives is the peer's, and its limits are kept", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = randomFrom(seed)
      const fork = random(300)
      const ours = chain(0, fork + random(60))
      const theirs = chain(0, fork, 7, 1 + random(300))
      const texts = theirs.map(Hash.toHex)
      const peer = new Conversation(theirs)
      peer.isAnswered = () => random(4) > 0
      peer.rttMs = 1 + random(300)
      for (let asked = 0; asked < 12; asked++) {
        const { after, heights } = peer.headers(ours, 1 + random(80))
        const from = texts.indexOf(after)
        assert.isAtLeast(from, 0, `seed ${seed}: after a block of the peer's`)
        assert.deepStrictEqual(heights, numbers(from + 1, from + heights.length), `seed ${seed}`)
        if (theirs.length > ours.length) assert.isNotEmpty(heights, `seed ${seed}`)
      }
      peer.assertPolite()
    }
  })
})
