/** What a node says of its own address: the line of `status`, and each notice with its values and what to do. */
import { assert, describe, it } from "@effect/vitest"
import type { Notice, OwnView } from "../../../src/domain/peer/OwnAddress.ts"
import * as OwnAddressText from "../../../src/domain/peer/OwnAddressText.ts"
import { fromStringUnsafe } from "../../../src/domain/peer/PeerIp.ts"
import { dialBackResults } from "../../../src/domain/peer/Reach.ts"

const ours = fromStringUnsafe("203.0.113.9")
const other = fromStringUnsafe("203.0.113.10")
const view: OwnView = {
  ip: ours,
  isConfirmed: true,
  seen: [{ ip: ours, groups: 3, of: 4, others: [] }],
  reachable: "unknown",
  notices: []
}
const details: OwnAddressText.Details = { port: 24_100, failure: undefined }

describe("the line of an own address", () => {
  const line = (change: Partial<OwnView>) => OwnAddressText.line({ ...view, ...change }, 24_100)

  it("says where peers reach this node, how many netgroups see it there, and whether it is reachable", () => {
    assert.strictEqual(line({}), "203.0.113.9:24100, seen by peers of 3 netgroups, reachability not known yet")
    assert.strictEqual(
      line({
        reachable: "yes",
        seen: [{ ip: other, groups: 2, of: 3, others: [] }, { ip: ours, groups: 1, of: 3, others: [] }]
      }),
      "203.0.113.9:24100, seen by peers of 1 netgroup, reachable"
    )
    assert.strictEqual(
      line({ reachable: "no", seen: [{ ip: other, groups: 2, of: 3, others: [] }] }),
      "203.0.113.9:24100, seen by no peer, not reachable from outside"
    )
    assert.strictEqual(line({ ip: undefined }), "not known yet, reachability not known yet")
  })
})

describe("a notice reads", () => {
  const of = (notice: Notice, change: Partial<OwnView> = {}, more: Partial<OwnAddressText.Details> = {}) =>
    OwnAddressText.of(notice, { ...view, ...change }, { ...details, ...more })
  const two = [{ ip: ours, groups: 1, of: 2, others: [] }, { ip: other, groups: 1, of: 2, others: [] }]

  it("unseen", () =>
    assert.deepStrictEqual(of("unseen"), { cause: "no connected peer says at which address it sees this node" }))

  it("unconfirmed, with the votes", () =>
    assert.deepStrictEqual(of("unconfirmed", { seen: two }), {
      cause:
        "too few netgroups have said at which address they see this node: 203.0.113.9 (1 of 2), 203.0.113.10 (1 of 2)"
    }))

  it("disagreement, with the votes", () =>
    assert.deepStrictEqual(of("disagreement", { seen: two }), {
      cause: "peers disagree on this node's address: 203.0.113.9 (1 of 2), 203.0.113.10 (1 of 2)",
      fix:
        "set --advertise to its public address; a router that gives every connection another address is no place for a node"
    }))

  it("mismatch, with both addresses: the one that most peers name", () => {
    const seen = [...two, { ip: fromStringUnsafe("203.0.113.11"), groups: 3, of: 4, others: [] }]
    assert.deepStrictEqual(of("mismatch", { seen }), {
      cause: "this node is announced as 203.0.113.9, but peers see it at 203.0.113.11",
      fix: "correct --advertise or --listen, or let its dials leave from that address: a peer is the IP that others see"
    })
    assert.strictEqual(
      of("mismatch", { ip: undefined, seen: [] }).cause,
      "this node is announced as ?, but peers see it at ?"
    )
  })

  it("translated, with nothing to do once it is reachable", () => {
    const cause = "203.0.113.9 is no address of this host's: a router translates it"
    const fix = "have the router forward TCP port 24100 to this host"
    assert.deepStrictEqual(of("translated"), { cause, fix })
    assert.deepStrictEqual(of("translated", { reachable: "no" }), { cause, fix })
    assert.deepStrictEqual(of("translated", { reachable: "yes" }), { cause })
    assert.include(of("translated", { ip: undefined }).cause, "its address is no address of this host's")
  })

  it("several, with all of them", () =>
    assert.deepStrictEqual(of("several", { seen: [{ ip: ours, groups: 3, of: 5, others: [other] }] }), {
      cause: "peers see this node at several addresses: 203.0.113.9, 203.0.113.10",
      fix: "nothing, if this host has them all; to have one only, set --listen to it"
    }))

  it("second-node, with the place where it answers", () => {
    const fix = "run one node per public IP, and have the router forward the port to this one"
    assert.deepStrictEqual(of("second-node"), {
      cause: "another node answers at 203.0.113.9:24100, which is this node's public address",
      fix
    })
    assert.include(of("second-node", { ip: undefined }).cause, "another node answers at port 24100")
  })

  it("unreachable, with what those met that tried", () => {
    const fix =
      "open TCP port 24100 in the firewall and forward it at the router; without that, only dials of this node connect it"
    const cause = "peers that were asked to dial 203.0.113.9:24100 cannot reach this node"
    assert.deepStrictEqual(of("unreachable"), { cause, fix })
    const told = dialBackResults.map((failure) => of("unreachable", {}, { failure }).cause.slice(cause.length))
    assert.deepStrictEqual(told, [
      ": they reached it",
      ": another node answers there",
      ": the dial is refused",
      ": nothing answers",
      ": what answers is no node"
    ])
  })
})

describe("the report", () => {
  it("has the view, the port, the line and each notice with its words", () =>
    assert.deepStrictEqual(OwnAddressText.report({ ...view, notices: ["unseen"] }, details), {
      ...view,
      port: 24_100,
      line: "203.0.113.9:24100, seen by peers of 3 netgroups, reachability not known yet",
      notices: [{ notice: "unseen", cause: "no connected peer says at which address it sees this node" }]
    }))
})
