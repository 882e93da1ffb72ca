/** Exact 64-bit numbers: small ones are numbers, others bigints, and no value has two forms. */
import { assert, describe, it } from "@effect/vitest"
import * as U64 from "../../../src/domain/chain/U64.ts"
import * as arb from "../../harness/chainArbitraries.ts"

const most = Number.MAX_SAFE_INTEGER

describe("a 64-bit number", () => {
  it("is a number exactly while it is a safe integer, whatever it is made of", () => {
    assert.strictEqual(U64.of(BigInt(most)), most)
    assert.strictEqual(U64.of(BigInt(most) + 1n), BigInt(most) + 1n)
    assert.strictEqual(U64.of(-5n), -5)
    assert.strictEqual(U64.max, 18_446_744_073_709_551_615n)
  })

  it("of two halves is their number, with the sign of the high one", () => {
    assert.strictEqual(U64.fromHalves(0, 7), 7)
    assert.strictEqual(U64.fromHalves(1, 2), 4_294_967_298)
    assert.strictEqual(U64.fromHalves(0x001f_ffff, 0xffff_ffff), most)
    assert.strictEqual(U64.fromHalves(0x0020_0000, 1), BigInt(most) + 2n)
    assert.strictEqual(U64.fromHalves(0xffff_ffff, 0xffff_ffff), U64.max)
    assert.strictEqual(U64.fromHalves(-1, 0xffff_ffff), -1)
    assert.strictEqual(U64.fromHalves(-0x8000_0000, 1), -(2n ** 63n) + 1n)
  })

  it("adds and subtracts exactly across the two forms, and does not wrap", () => {
    assert.strictEqual(U64.add(2, 3), 5)
    assert.strictEqual(U64.add(most, 2), BigInt(most) + 2n)
    assert.strictEqual(U64.add(U64.max, 1), 2n ** 64n)
    assert.strictEqual(U64.add(1, U64.max), 2n ** 64n)
    assert.strictEqual(U64.subtract(5, 3), 2)
    assert.strictEqual(U64.subtract(BigInt(most) + 2n, 2), most)
    assert.strictEqual(U64.subtract(U64.max, U64.max - 1n), 1)
    assert.strictEqual(U64.subtract(U64.max, 1), U64.max - 1n)
    assert.strictEqual(U64.subtract(most, most), 0)
    assert.strictEqual(U64.add(most - 1, 1), most)
    assert.strictEqual(U64.add(0, 0), 0)
  })

  it.prop("has one form per value, and adds exactly", [arb.u64, arb.u64], ([a, b]) => {
    const sum = U64.add(a, b)
    assert.strictEqual(BigInt(sum), BigInt(a) + BigInt(b))
    assert.strictEqual(typeof sum === "number", BigInt(sum) <= BigInt(Number.MAX_SAFE_INTEGER))
    assert.strictEqual(a === b, BigInt(a) === BigInt(b))
    assert.strictEqual(a < b, BigInt(a) < BigInt(b))
  })
})
