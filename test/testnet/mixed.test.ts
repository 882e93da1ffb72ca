import { assert, describe, it } from "@effect/vitest"
import type { Status } from "../../src/layers/http/AdminApi.ts"
import type { Peer, Peers } from "../../src/layers/http/PeerApi.ts"
import type { Account } from "../../src/testnet/Facts.ts"
import * as Mixed from "../../src/testnet/Mixed.ts"

const hash = "ab".repeat(32)

const peer = (ip: string, wire: string) => ({ ip, connection: { wire } }) as unknown as Peer

/** A node that says that it has these daemons. */
const node = (ip: string, daemons: ReadonlyArray<string>, tip = hash, wire = "time"): Account => ({
  ip,
  status: { chain: { hash: tip } } as unknown as Status,
  peers: { peers: daemons.map((daemon) => peer(daemon, wire)) } as unknown as Peers
})

const daemon = (
  ip: string,
  uses: ReadonlyArray<string>,
  holds: Mixed.DaemonAccount["holds"] = [],
  tip = hash
): Mixed.DaemonAccount => ({ ip, height: 120, tip, uses, holds })

const both = ["c", "d"]
const nodes = [node("a", both), node("b", both)]
const daemons = [daemon("c", ["a", "b"]), daemon("d", ["a", "b"])]

describe("a testnet with daemons", () => {
  it.each([[4, [1, 3]], [5, [1, 3]], [9, [1, 3, 5, 7]]])("of %d nodes has daemons %j", (count, expected) => {
    assert.deepStrictEqual(Mixed.daemonsOf(count), expected)
  })

  it("is whole when both ends of every pair say so, and no daemon holds anything against a node", () => {
    assert.deepStrictEqual(Mixed.judge(nodes, daemons), {
      daemons: 2,
      pairs: 4,
      connected: 4,
      bans: 0,
      violations: 0,
      heights: [120, 120],
      problems: []
    })
  })

  it.each<readonly [string, ReadonlyArray<Account>, ReadonlyArray<Mixed.DaemonAccount>, string]>([
    [
      "the node does not say so",
      [node("a", ["c"]), node("b", both)],
      daemons,
      "1 of 4 pairs with a daemon are not connected"
    ],
    [
      "the daemon does not say so",
      nodes,
      [daemon("c", ["a"]), daemon("d", ["b"])],
      "2 of 4 pairs with a daemon are not connected"
    ],
    [
      "it is over the native wire",
      [node("a", both, hash, "native"), node("b", both)],
      daemons,
      "2 of 4 pairs with a daemon are not connected"
    ],
    [
      "a daemon holds a violation",
      nodes,
      [
        daemon("c", ["a", "b"], [{ against: "a", why: "refused again and again", isBan: false }]),
        daemon("d", ["a", "b"])
      ],
      "daemon c holds something against a: refused again and again"
    ],
    [
      "a daemon bans a node",
      nodes,
      [
        daemon("c", ["a", "b"], [{ against: "b", why: "x", isBan: false }, { against: "a", why: "y", isBan: true }]),
        daemon("d", ["a", "b"])
      ],
      "daemon c bans a: y"
    ],
    [
      "tips differ",
      [node("a", both), node("b", both, "cd".repeat(32))],
      daemons,
      "nodes and daemons do not agree on a tip"
    ],
    [
      "a node does not answer",
      [{ ip: "a", status: undefined, peers: undefined }, node("b", both)],
      daemons,
      "2 of 4 pairs with a daemon are not connected"
    ]
  ])("is not where %s", (_, accounts, given, problem) => {
    assert.include(Mixed.judge(accounts, given).problems, problem)
  })
})
