import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { testnet } from "../../../src/domain/chain/ChainParams.ts"
import * as ForkChoice from "../../../src/domain/chain/ForkChoice.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import { HeaderChain } from "../../../src/domain/chain/HeaderChain.ts"
import { hash } from "../../harness/chainArbitraries.ts"
import { long } from "../../harness/long.ts"
import { randomFrom } from "../../harness/random.ts"

const int = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))
const named = (n: number, salt = 0): Hash.Hash => {
  const bytes = new Uint8Array(32)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, Math.imul(n, 0x9e3779b1) >>> 0)
  view.setUint32(4, n)
  view.setUint32(8, salt)
  view.setUint32(12, n)
  return bytes
}
const genesis = { height: 0, hash: named(0), treasuryBalance: 500_000_000 }

describe("HeaderChain", () => {
  it.prop(
    "is the array of its hashes, under any appends and rewinds",
    [Arbitrary.array(int(-12, 30), { maxLength: 60 }), int(0, 7), int(0, 0xffff)],
    ([moves, narrow, seed]) => {
      const chain = new HeaderChain(genesis, seed)
      let model = [Hash.toHex(genesis.hash)]
      let fresh = 0
      for (const move of moves) {
        if (move < 0) {
          const height = Math.max(0, model.length - 1 + move)
          chain.rewind(height)
          model = model.slice(0, height + 1)
        }
        for (let i = 0; i < move; i++) {
          const hash = named(++fresh)
          // Many hashes with the same first bytes: the table has to tell them apart.
          if (fresh % 8 < narrow) hash.fill(3, 0, 8)
          chain.append(hash, fresh)
          model.push(Hash.toHex(hash))
        }
        assert.strictEqual(chain.height, model.length - 1)
        assert.strictEqual(Hash.toHex(chain.tip.hash), model.at(-1))
      }
      for (const [height, hex] of model.entries()) {
        const hash = Hash.fromHexUnsafe(hex)
        assert.strictEqual(Hash.toHex(chain.hashAt(height) ?? Hash.zero), hex)
        assert.strictEqual(chain.heightOf(hash), height)
        assert.isTrue(chain.holds(height, hash))
        assert.strictEqual(chain.parentAt(height)?.height, height)
      }
      for (let n = 1; n <= fresh; n++) {
        const hash = named(n)
        if (n % 8 < narrow) hash.fill(3, 0, 8)
        const at = model.indexOf(Hash.toHex(hash))
        assert.strictEqual(chain.heightOf(hash), at < 0 ? undefined : at)
      }
      assert.strictEqual(chain.hashAt(model.length), undefined)
      assert.strictEqual(chain.hashAt(-1), undefined)
      assert.strictEqual(chain.hashAt(0.5), undefined)
      assert.isFalse(chain.holds(model.length, named(fresh)))
    }
  )

  it("passes from one chunk of memory to the next and back, and uses the second again", () => {
    const chain = new HeaderChain(genesis)
    for (let n = 1; n <= 65_537; n++) chain.append(named(n), n)
    for (const n of [0, 65_534, 65_535, 65_536, 65_537]) {
      const treasuryBalance = n === 0 ? genesis.treasuryBalance : n
      assert.deepStrictEqual(chain.parentAt(n), { height: n, hash: named(n), treasuryBalance })
      assert.strictEqual(chain.heightOf(named(n)), n)
    }
    chain.rewind(65_534)
    assert.deepStrictEqual([chain.hashAt(65_535), chain.heightOf(named(65_536))], [undefined, undefined])
    for (let n = 65_535; n <= 65_537; n++) chain.append(named(n, 1), 2n ** 64n - BigInt(n))
    for (const n of [65_535, 65_536, 65_537]) {
      assert.deepStrictEqual(chain.parentAt(n), {
        height: n,
        hash: named(n, 1),
        treasuryBalance: 2n ** 64n - BigInt(n)
      })
      assert.strictEqual(chain.heightOf(named(n)), undefined)
      assert.strictEqual(chain.heightOf(named(n, 1)), n)
    }
  })

  /** Bytes of the hash that a look-up reads: eight for its first slot, and at least one for each slot in use that it passes. */
  const readsOf = (chain: HeaderChain, hash: Hash.Hash) => {
    let reads = 0
    const watched = new Proxy(hash, { get: (target, key) => (reads += 1, Reflect.get(target, key, target)) })
    return [chain.heightOf(watched), reads] as const
  }

  it("spreads hashes over its table that differ in any one of their first eight bytes", () => {
    for (let at = 0; at < 8; at++) {
      for (const seed of [0, 1, 0xdead_beef]) {
        const chain = new HeaderChain({ ...genesis, hash: new Uint8Array(32).fill(0xff) }, seed)
        const hashOf = (n: number) => {
          const hash = new Uint8Array(32).fill(7)
          hash[at] = n
          return hash
        }
        for (let n = 0; n < 256; n++) chain.append(hashOf(n), n)
        let reads = 0
        for (let n = 0; n < 256; n++) {
          const [height, read] = readsOf(chain, hashOf(n))
          assert.strictEqual(height, 1 + n)
          reads += read
        }
        // Its own 32 bytes, the eight of its first slot, and less than one other header's on average.
        assert.isBelow(reads / 256, 32 + 8 + 32, `byte ${at}, seed ${seed}`)
      }
    }
  })

  it("places a hash by its seed, so that hashes made to collide under one do not under another", () => {
    const slots = (seed: number) => {
      const chain = new HeaderChain(genesis, seed)
      for (let n = 1; n <= 400; n++) chain.append(named(n), n)
      return Array.from({ length: 400 }, (_, i) => readsOf(chain, named(1 + i))[1])
    }
    assert.deepStrictEqual(slots(1), slots(1))
    assert.notDeepEqual(slots(1), slots(2))
  })

  it("never finds the hash of zeros, which is what memory has before a header is written", () => {
    const chain = new HeaderChain({ ...genesis, hash: named(0, 1) })
    for (let n = 1; n < 2_100; n++) {
      chain.append(named(n), n)
      assert.strictEqual(chain.heightOf(Hash.zero), undefined, `${n} headers`)
    }
  })

  it("looks up nothing for long in a table that is at most half full", () => {
    const chain = new HeaderChain(genesis)
    for (let n = 1; n < 5_000; n++) chain.append(named(n), n)
    let reads = 0
    for (let n = 0; n < 1_000; n++) {
      const [height, read] = readsOf(chain, named(1_000_000 + n))
      assert.strictEqual(height, undefined)
      reads += read
    }
    assert.isBelow(reads / 1_000, 8 + 8)
  })

  it("what it gives out does not change with it", () => {
    const chain = new HeaderChain(genesis)
    chain.append(named(1), 1)
    const before = chain.tip
    chain.rewind(0)
    chain.append(named(2), 2)
    assert.deepStrictEqual(before, { height: 1, hash: named(1), treasuryBalance: 1 })
  })

  it("rewinds to genesis and no further, and not at all to where it is or above", () => {
    const chain = new HeaderChain(genesis)
    assert.throws(() => chain.rewind(-1), RangeError, "genesis stays")
    for (let n = 1; n <= 3; n++) chain.append(named(n), n)
    for (const [to, height] of [[4, 3], [3, 3], [2, 2], [0, 0], [0, 0]] as const) {
      chain.rewind(to)
      assert.strictEqual(chain.height, height)
      for (let n = 0; n <= 3; n++) assert.strictEqual(chain.heightOf(named(n)), n <= height ? n : undefined)
    }
    assert.deepStrictEqual(chain.tip, genesis)
  })

  it("a locator begins where it is asked to, not above the tip", () => {
    const chain = new HeaderChain(genesis)
    for (let n = 1; n <= 40; n++) chain.append(named(n), n)
    const heights = (from?: number) => chain.locator(from).map((hash) => chain.heightOf(hash) ?? -1)
    assert.deepStrictEqual(heights(), [40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 29, 25, 17, 1, 0])
    assert.deepStrictEqual(heights(41), heights())
    assert.deepStrictEqual(heights(12), [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 1, 0])
    assert.deepStrictEqual(heights(1), [1, 0])
    assert.deepStrictEqual(heights(0), [0])
    assert.deepStrictEqual(heights(-5), [0])
  })

  it("has nothing at a height that is no natural number", () => {
    const chain = new HeaderChain(genesis)
    for (const height of [-1, 0.5, 1, NaN, Infinity]) {
      assert.strictEqual(chain.parentAt(height), undefined)
      assert.strictEqual(chain.hashAt(height), undefined)
      assert.isFalse(chain.holds(height, genesis.hash))
    }
    assert.isTrue(chain.holds(0, genesis.hash))
    assert.isFalse(chain.holds(0, named(1)))
  })

  it("tells hashes apart that differ in their last byte alone", () => {
    const chain = new HeaderChain(genesis)
    const hash = new Uint8Array(32).fill(5)
    chain.append(hash, 1)
    const other = Uint8Array.from(hash)
    other[31] = 6
    assert.isFalse(chain.holds(1, other))
    assert.strictEqual(chain.heightOf(other), undefined)
    assert.strictEqual(chain.findFork([other, hash, genesis.hash]), 1)
    assert.strictEqual(chain.findFork([other, genesis.hash, hash]), 0)
    assert.strictEqual(chain.findFork([]), undefined)
  })

  it.prop("a locator is short, dense at the tip, and ends in genesis", [int(0, 3_000)], ([height]) => {
    const chain = new HeaderChain(genesis)
    for (let n = 1; n <= height; n++) chain.append(named(n), n)
    const heights = chain.locator().map((hash) => chain.heightOf(hash) ?? -1)
    assert.strictEqual(heights[0], height)
    assert.strictEqual(heights.at(-1), 0)
    assert.deepStrictEqual(heights.slice(0, 10), Array.from({ length: Math.min(10, height + 1) }, (_, i) => height - i))
    assert.deepStrictEqual(heights, [...new Set(heights)].toSorted((a, b) => b - a))
    assert.isAtMost(heights.length, 12 + Math.ceil(Math.log2(height + 2)))
    for (let i = 9; i < heights.length - 2; i++) {
      assert.strictEqual((heights[i] ?? 0) - (heights[i + 1] ?? 0), 2 ** (i - 8))
    }
  })

  it.prop(
    "another chain's locator finds a shared header no deeper than twice the fork, never one that is not shared",
    [int(0, 500), int(0, 300), int(0, 300)],
    ([shared, ours, theirs]) => {
      const chainOf = (own: number, salt: number) => {
        const chain = new HeaderChain(genesis)
        for (let n = 1; n <= shared; n++) chain.append(named(n), n)
        for (let n = shared + 1; n <= shared + own; n++) chain.append(named(n, salt), n)
        return chain
      }
      const a = chainOf(ours, 1)
      const b = chainOf(theirs, 2)
      const fork = a.findFork(b.locator())
      if (fork === undefined) return assert.fail("genesis is shared")
      assert.isAtMost(fork, shared)
      assert.isAtLeast(fork, Math.max(0, shared - 2 * theirs - 1))
      if (theirs < 10) assert.strictEqual(fork, shared)
    }
  )

  it("finds no fork with another network", () => {
    const other = new HeaderChain({ ...genesis, hash: named(9) })
    assert.strictEqual(new HeaderChain(genesis).findFork(other.locator()), undefined)
  })

  it("1,000,000 headers take less than 100 MB", long, () => {
    const before = process.memoryUsage().arrayBuffers
    const chain = new HeaderChain(genesis)
    for (let n = 1; n <= 1_000_000; n++) chain.append(named(n), n)
    assert.isBelow(process.memoryUsage().arrayBuffers - before, 100e6)
    const random = randomFrom(1)
    for (let i = 0; i < 1_000; i++) {
      const n = random(1_000_001)
      assert.strictEqual(chain.heightOf(named(n)), n)
    }
    assert.isAtMost(chain.locator().length, 32)
  })
})

describe("ForkChoice", () => {
  const tip = Arbitrary.map(Arbitrary.all([int(0, 3), int(0, 3)]), ([height, n]) => ({ height, hash: named(n) }))

  it.prop("is a total order: the longer, then the lower hash", [tip, tip, tip], ([a, b, c]) => {
    assert.strictEqual(Math.sign(ForkChoice.compare(a, b)), -Math.sign(ForkChoice.compare(b, a)) + 0)
    if (ForkChoice.better(a, b) && ForkChoice.better(b, c)) assert.isTrue(ForkChoice.better(a, c))
    if (a.height !== b.height) assert.strictEqual(ForkChoice.better(a, b), a.height > b.height)
    else assert.strictEqual(ForkChoice.better(a, b), Hash.toHex(a.hash) < Hash.toHex(b.hash))
    assert.isFalse(ForkChoice.better(a, a))
  })

  it.prop("hashes are ordered as their text", [hash, hash], ([a, b]) => {
    assert.strictEqual(Hash.compare(a, b) < 0, Hash.toHex(a) < Hash.toHex(b))
    assert.strictEqual(Hash.equals(a, b), Hash.toHex(a) === Hash.toHex(b))
  })

  it("follows a better chain to the depth of 100 and no further, counted from what is settled", () => {
    const ours = { height: 1_000, hash: named(1) }
    const theirs = { height: 1_001, hash: named(2) }
    assert.deepStrictEqual(ForkChoice.choose(testnet, ours, theirs, 999), { _tag: "Follow" })
    assert.deepStrictEqual(ForkChoice.choose(testnet, ours, theirs, 900), { _tag: "Follow" })
    assert.deepStrictEqual(ForkChoice.choose(testnet, ours, theirs, 899), { _tag: "TooDeep", depth: 101 })
    assert.deepStrictEqual(ForkChoice.choose(testnet, ours, theirs, 899, 999), { _tag: "Follow" })
    assert.deepStrictEqual(ForkChoice.choose(testnet, ours, theirs, 0, 0), { _tag: "Follow" })
    assert.deepStrictEqual(ForkChoice.choose(testnet, ours, theirs, 0, 101), { _tag: "TooDeep", depth: 101 })
    // No better chain is one to keep ours against, however deep it forks.
    assert.deepStrictEqual(ForkChoice.choose(testnet, theirs, ours, 0), { _tag: "Keep" })
    assert.deepStrictEqual(ForkChoice.choose(testnet, theirs, ours, 999), { _tag: "Keep" })
    assert.deepStrictEqual(ForkChoice.choose(testnet, ours, ours, 1_000), { _tag: "Keep" })
  })

  it.prop("two nodes that know the same chains choose the same", [tip, tip], ([a, b]) => {
    const followed = (ours: ForkChoice.Tip, theirs: ForkChoice.Tip) =>
      ForkChoice.choose(testnet, ours, theirs, 0)._tag === "Follow" ? theirs : ours
    assert.deepStrictEqual(followed(a, b), followed(b, a))
  })
})
