import { assert, describe, it } from "@effect/vitest"
import * as TokenBucket from "../../../src/domain/peer/TokenBucket.ts"

const rate = { burst: 4, perSecond: 2 }

describe("TokenBucket", () => {
  it("gives its burst at once, and its rate from then on", () => {
    let bucket = TokenBucket.full(rate, 1_000)
    const taken = (now: number) => {
      let count = 0
      for (
        let next = TokenBucket.take(bucket, rate, now);
        next !== undefined;
        next = TokenBucket.take(bucket, rate, now)
      ) {
        bucket = next
        count += 1
      }
      return count
    }
    assert.deepStrictEqual([1_000, 1_499, 1_500, 3_000, 1_000_000].map(taken), [4, 0, 1, 3, 4])
  })

  it("a debt is paid off at the rate, and never more than the burst comes back", () => {
    const owes = TokenBucket.spend(TokenBucket.full(rate, 0), rate, 0, 10)
    assert.strictEqual(TokenBucket.available(owes, rate, 0), -6)
    assert.strictEqual(TokenBucket.waitMs(owes, rate), 3_500)
    assert.strictEqual(TokenBucket.waitMs(owes, rate, 4), 5_000)
    assert.strictEqual(TokenBucket.available(owes, rate, 3_500), 1)
    assert.strictEqual(TokenBucket.available(owes, rate, 1e9), 4)
    assert.strictEqual(TokenBucket.waitMs(TokenBucket.full(rate, 0), rate, 4), 0)
  })

  it("a clock that went back brings no tokens, and takes none", () => {
    const bucket = TokenBucket.spend(TokenBucket.full(rate, 1_000), rate, 1_000, 4)
    const later = TokenBucket.spend(bucket, rate, 0, 0)
    assert.deepStrictEqual([later.at, TokenBucket.available(later, rate, 1_500)], [1_000, 1])
  })

  it("what is there already is not waited for, nor what is there exactly", () => {
    assert.strictEqual(TokenBucket.waitMs(TokenBucket.full(rate, 0), rate, 1), 0)
    assert.strictEqual(TokenBucket.waitMs(TokenBucket.full(rate, 0), rate, rate.burst), 0)
  })
})
