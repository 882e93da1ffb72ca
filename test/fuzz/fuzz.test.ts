/** The corpus and every past finding, replayed; and a short run with fresh inputs. Long runs: `npm run fuzz`. */
import { assert, describe, it } from "@effect/vitest"
import { randomInt } from "node:crypto"
import { randomFrom } from "../harness/random.ts"
import * as Fuzzer from "./Fuzzer.ts"
import * as Mutator from "./Mutator.ts"
import { shrink } from "./Shrink.ts"
import * as Store from "./Store.ts"
import type { Target } from "./Target.ts"
import { ensure, Violation } from "./Target.ts"
import { targets } from "./targets/index.ts"

const seed = randomInt(1, 1_000_000_000)
/** Per target: by count and by processor time, whichever ends first. */
const fresh = { inputs: 4_000, seconds: 2 }

const inHex = (input: Uint8Array): string => Buffer.from(input).toString("hex")

const run = (target: Target, seed: number, options = fresh): Fuzzer.Report =>
  Fuzzer.fuzz(target, {
    ...options,
    seed,
    corpus: Store.readCorpus(target),
    coverage: undefined,
    tell: () => undefined
  })

for (const target of targets) {
  describe(`fuzz ${target.name}`, () => {
    it("holds for the corpus", () => {
      const corpus = Store.readCorpus(target)
      assert.isAbove(corpus.length, 0)
      for (const input of corpus) {
        const error = Fuzzer.failureOf(target, input)
        assert.isUndefined(error, `${inHex(input)}: ${error?.message}`)
      }
    })

    for (const { file, input } of Store.readFindings(target)) {
      it(`holds for ${file}, which failed once`, () => {
        const error = Fuzzer.failureOf(target, input)
        assert.isUndefined(error, error?.message)
      })
    }

    it(`holds for fresh inputs, seed ${seed}`, () => {
      const { failure, inputs } = run(target, seed)
      if (failure !== undefined) {
        const { error, input } = Fuzzer.shrunk(target, failure)
        assert.fail(`seed ${seed}: ${error.message}\ninput: ${inHex(input)}`)
      }
      assert.isAbove(inputs, 100)
    })
  })
}

describe("the fuzzer itself", () => {
  /** Fails for every input that holds the token. */
  const trap = (about: string, fail: () => void): Target => ({
    name: "trap",
    about,
    unit: "a byte string",
    suffix: "bin",
    mostBytes: 100,
    tokens: [Uint8Array.of(7, 8, 9)],
    seeds: () => [new Uint8Array(40)],
    mutate: () => undefined,
    run: (input) => {
      if (Buffer.from(input).includes(Buffer.of(7, 8, 9))) fail()
      return 1
    }
  })
  const options = { inputs: 20_000, seconds: 20 }

  it("finds what fails, the same with the same seed, and shrinks it", () => {
    const target = trap("throws", () => ensure(false, "trapped"))
    const [first, second] = [run(target, 5, options).failure, run(target, 5, options).failure]
    if (first === undefined || second === undefined) return assert.fail("nothing found")
    assert.strictEqual(inHex(first.input), inHex(second.input))
    assert.strictEqual(first.after, second.after)
    const small = Fuzzer.shrunk(target, first)
    assert.strictEqual(inHex(small.input), "070809")
    assert.instanceOf(small.error, Violation)
  })

  it("finds what allocates far more than its input", () => {
    const held: Array<Uint8Array> = []
    const { failure } = run(
      trap("allocates", () => {
        held[0] = new Uint8Array(64 * 1024 * 1024)
      }),
      5,
      options
    )
    assert.match(failure?.error.message ?? "", /^allocates too much/)
    assert.isAtMost(held.length, 1)
  })

  it("does not stop shrinking at the first piece that is needed", () => {
    const input = Uint8Array.from({ length: 64 }, (_, i) => i)
    const small = shrink(input, (bytes) => bytes.includes(3) && bytes.includes(60))
    assert.deepStrictEqual([...small], [3, 60])
  })

  it("mutates bytes within bounds, the same with the same seed", () => {
    const one = () => {
      const random = randomFrom(9)
      return Array.from(
        { length: 500 },
        () => inHex(Mutator.bytes(Uint8Array.of(1, 2, 3), random, [], () => Uint8Array.of(4)))
      )
    }
    assert.deepStrictEqual(one(), one())
    assert.isAbove(new Set(one()).size, 200)
  })
})
