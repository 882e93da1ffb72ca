/** Whose turn it is to make a test block, at each moment of a turn, and the schedule that heights follow. */
import { assert, describe, it } from "@effect/vitest"
import * as ChainParams from "../../../src/domain/chain/ChainParams.ts"
import * as ProducerTurn from "../../../src/domain/chain/ProducerTurn.ts"
import { fromStringUnsafe as ip } from "../../../src/domain/peer/PeerIp.ts"

const [a, b, c, stranger] = [ip("10.0.0.1"), ip("10.0.0.2"), ip("10.0.0.3"), ip("10.0.0.9")]
const producers = [a, b, c]
const everyMs = 10_000

describe("a turn", () => {
  /** Who may make a block at `now`, the tip being of `lastBlockAt`. */
  const may = (now: number, lastBlockAt = 0) =>
    producers.filter((own) => ProducerTurn.mayProduce(producers, own, now, lastBlockAt, everyMs))

  it("is one producer's, then the next one's as well from its middle on; they come round in the order of their IPs", () => {
    assert.deepStrictEqual(may(30_000), [a])
    assert.deepStrictEqual(may(34_999), [a])
    assert.deepStrictEqual(may(35_000), [a, b])
    assert.deepStrictEqual(may(39_999), [a, b])
    assert.deepStrictEqual(may(40_000), [b])
    assert.deepStrictEqual(may(45_000), [b, c])
    assert.deepStrictEqual(may(50_000), [c])
    assert.deepStrictEqual(may(55_000), [a, c], "after the last comes the first")
  })

  it("is over as soon as a block has come in it", () => {
    assert.deepStrictEqual(may(35_000, 30_000), [])
    assert.deepStrictEqual(may(35_000, 29_999), [a, b])
    assert.deepStrictEqual(may(35_000, 41_000), [], "a block of a clock that is ahead counts as well")
  })

  it("is never that of one that does not produce", () => {
    for (const now of [30_000, 40_000, 50_000, 55_000]) {
      assert.isFalse(ProducerTurn.mayProduce(producers, stranger, now, 0, everyMs), `${now}`)
    }
  })

  it("of one producer alone is always its own", () => {
    for (const now of [30_000, 40_000, 55_000]) assert.isTrue(ProducerTurn.mayProduce([b], b, now, 0, everyMs))
  })

  it("has one number at every node whose clock is right", () =>
    assert.deepStrictEqual([0, 9_999, 10_000, 25_000].map((now) => ProducerTurn.turnAt(now, everyMs)), [0, 0, 1, 2]))
})

describe("turns are taken", () => {
  it("by the live masternodes among the producers, by all while there is none", () => {
    assert.deepStrictEqual(ProducerTurn.takingTurns(producers, [c, a, stranger]), [a, c])
    assert.deepStrictEqual(ProducerTurn.takingTurns(producers, [stranger]), producers)
    assert.deepStrictEqual(ProducerTurn.takingTurns(producers, []), producers)
  })
})

describe("the schedule", () => {
  const params = ChainParams.testnet
  const at = (height: number) => ChainParams.dueAt(params, height) * 1_000

  it("has a height due every ten minutes from genesis on; before genesis it stands at 0", () => {
    assert.strictEqual(at(0), params.genesisTime * 1_000)
    assert.strictEqual(at(3) - at(2), 600_000)
    const heights = [at(7) - 1, at(7), at(8) - 1, at(8), at(0) - 1, 0]
    assert.deepStrictEqual(heights.map((now) => ChainParams.expectedHeight(params, now)), [6, 7, 7, 8, 0, 0])
  })

  it("allows a height ten seconds before it is due, not earlier", () =>
    assert.deepStrictEqual([at(7) - 10_001, at(7) - 10_000].map((now) => ChainParams.maxHeight(params, now)), [6, 7]))
})
