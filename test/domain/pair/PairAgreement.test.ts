/** The judgement on several nodes' tables: one connection per pair, and the same socket at both ends. */
import { assert, describe, it } from "@effect/vitest"
import * as PairAgreement from "../../../src/domain/pair/PairAgreement.ts"

const node = (ip: string, sockets: Readonly<Record<string, string>>): PairAgreement.Listed => ({
  ip,
  sockets: new Map(Object.entries(sockets))
})

describe("PairAgreement", () => {
  it("counts each pair of nodes once", () => {
    assert.deepStrictEqual([1, 2, 3, 125].map(PairAgreement.pairs), [0, 1, 3, 7_750])
  })

  it("finds nothing where every pair lists one socket, and of no node a pair with itself", () => {
    assert.deepStrictEqual(PairAgreement.disagreements([]), [])
    assert.deepStrictEqual(PairAgreement.disagreements([node("a", {})]), [])
    assert.deepStrictEqual(
      PairAgreement.disagreements([
        node("a", { b: "a:1", c: "c:9" }),
        node("b", { a: "a:1", c: "b:2" }),
        node("c", { a: "c:9", b: "b:2" })
      ]),
      []
    )
  })

  it("names every pair once that is not connected, only at one end, or by two sockets", () => {
    const found = PairAgreement.disagreements([
      node("a", { b: "a:1", c: "a:2" }),
      node("b", { a: "b:7" }),
      node("c", {})
    ])
    assert.deepStrictEqual(found, [
      { a: "a", b: "b", atA: "a:1", atB: "b:7" },
      { a: "a", b: "c", atA: "a:2", atB: undefined },
      { a: "b", b: "c", atA: undefined, atB: undefined }
    ])
    assert.deepStrictEqual(found.map(PairAgreement.format), [
      "a ⇄ b: a:1 and b:7",
      "a ⇄ c: a:2 and no connection",
      "b ⇄ c: no connection and no connection"
    ])
  })
})
