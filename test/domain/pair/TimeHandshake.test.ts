/** Who is a peer on the TIME wire: the network's magic, the protocol version and an age, each at its bound. */
import { assert, describe, it } from "@effect/vitest"
import type { NetworkName } from "../../../src/domain/Network.ts"
import * as TimeHandshake from "../../../src/domain/pair/TimeHandshake.ts"

const ours = (network: NetworkName) => {
  const own = TimeHandshake.own(network)
  assert(own !== undefined)
  return own
}

describe("the Handshake of the TIME wire", () => {
  it("is spoken on testnet and mainnet, and not on devnet, where this node has nothing to say", () => {
    assert.deepStrictEqual((["testnet", "mainnet", "devnet"] as const).map(TimeHandshake.isSpoken), [true, true, false])
    assert.isUndefined(TimeHandshake.own("devnet"))
    assert.match(
      TimeHandshake.unfit("devnet", ours("testnet")) ?? "",
      /another network \("testnet"\), this node on devnet/
    )
  })

  it("has the magic of its network, version 2 and the network's name", () => {
    assert.deepInclude(ours("testnet"), { _tag: "Handshake", version: 2, network: "testnet" })
    assert.deepStrictEqual([...ours("testnet").magic], [0x54, 0x49, 0x4d, 0x45])
    assert.deepStrictEqual([...ours("mainnet").magic], [0xc0, 0x1d, 0x7e, 0x4d])
  })

  it("of a peer of the same network fits, and the name that it gives does not count", () => {
    for (const network of ["testnet", "mainnet"] as const) {
      assert.isUndefined(TimeHandshake.unfit(network, ours(network)))
      assert.isUndefined(TimeHandshake.unfit(network, { ...ours(network), network: "other" }))
    }
  })

  it("of another network does not fit, whichever byte of the magic differs", () => {
    const own = ours("testnet")
    assert.strictEqual(
      TimeHandshake.unfit("testnet", ours("mainnet")),
      `the peer is on another network ("mainnet"), this node on testnet`
    )
    for (let at = 0; at < 4; at++) {
      const magic = own.magic.with(at, 0)
      assert.match(
        TimeHandshake.unfit("testnet", { ...own, magic }) ?? "",
        /^the peer is on another network/,
        `byte ${at}`
      )
    }
    assert.match(TimeHandshake.unfit("testnet", { ...own, magic: own.magic.slice(0, 3) }) ?? "", /another network/)
  })

  it("of an older protocol or an older build does not fit; the oldest allowed does", () => {
    const own = ours("testnet")
    assert.strictEqual(
      TimeHandshake.unfit("testnet", { ...own, version: 1 }),
      "the peer speaks protocol 1, this node 2 and later"
    )
    assert.isUndefined(TimeHandshake.unfit("testnet", { ...own, version: 3 }))
    assert.strictEqual(
      TimeHandshake.unfit("testnet", { ...own, commitCount: 2_061 }),
      "the peer's version (commit count 2061) is older than 2062, the oldest of its network"
    )
    assert.isUndefined(TimeHandshake.unfit("testnet", { ...own, commitCount: 2_062 }))
  })
})
