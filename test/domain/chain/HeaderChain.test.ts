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

  it("grows over chunks, rewinds over them, and keeps treasuries exactly", () => {
    const chain = new HeaderChain(genesis)
    const treasury = (n: number) => n % 2 === 0 ? n : 2n ** 64n - BigInt(n)
    for (let n = 1; n <= 140_000; n++) chain.append(named(n), treasury(n))
    chain.rewind(65_535)
    assert.strictEqual(chain.height, 65_535)
    assert.strictEqual(chain.heightOf(named(65_536)), undefined)
    for (let n = 65_536; n <= 140_000; n++) chain.append(named(n, 1), treasury(n))
    for (const n of [1, 65_534, 65_535, 65_536, 65_537, 131_072, 140_000]) {
      const hash = named(n, n > 65_535 ? 1 : 0)
      assert.strictEqual(chain.heightOf(hash), n)
      assert.deepStrictEqual(chain.parentAt(n), { height: n, hash, treasuryBalance: treasury(n) })
    }
    assert.strictEqual(chain.heightOf(named(100_000)), undefined)
  })

  it("what it gives out does not change with it", () => {
    const chain = new HeaderChain(genesis)
    chain.append(named(1), 1)
    const before = chain.tip
    chain.rewind(0)
    chain.append(named(2), 2)
    assert.deepStrictEqual(before, { height: 1, hash: named(1), treasuryBalance: 1 })
  })

  it("refuses to rewind genesis", () => {
    assert.throws(() => new HeaderChain(genesis).rewind(-1), RangeError)
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
    assert.deepStrictEqual(ForkChoice.choose(testnet, theirs, ours, 999), { _tag: "Keep" })
    assert.deepStrictEqual(ForkChoice.choose(testnet, ours, ours, 1_000), { _tag: "Keep" })
  })

  it.prop("two nodes that know the same chains choose the same", [tip, tip], ([a, b]) => {
    const followed = (ours: ForkChoice.Tip, theirs: ForkChoice.Tip) =>
      ForkChoice.choose(testnet, ours, theirs, 0)._tag === "Follow" ? theirs : ours
    assert.deepStrictEqual(followed(a, b), followed(b, a))
  })
})
