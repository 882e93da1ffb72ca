/** Where a node stands towards its peers, told from states that are put together by hand: the verdict, its line, and each peer's. */
import { assert, describe, it } from "@effect/vitest"
import type * as SyncState from "../../../src/domain/sync/SyncState.ts"
import * as SyncStatus from "../../../src/domain/sync/SyncStatus.ts"
import * as SyncVerdict from "../../../src/domain/sync/SyncVerdict.ts"
import * as States from "../../harness/syncStates.ts"
import { branch, ip, node, on, tip } from "../../harness/syncStates.ts"

const peer = (n: number, height: number, change: Partial<SyncState.SyncPeer> = {}) =>
  States.peer(n, { told: tip(height), ...change })
const request = (n: number, change: Partial<SyncState.SyncRequest> = {}) => States.request(n, n, change)
const headerRequest = (n: number, stalled = false) => States.reading(90 + n, n, { stalled })
const verdict = (state: SyncState.SyncState) => SyncVerdict.verdict(state)
const line = (state: SyncState.SyncState) => SyncStatus.line(state)

describe("verdict", () => {
  it("without peers, and with peers of which each was false", () => {
    assert.deepStrictEqual(verdict(node([])), { _tag: "NoPeers" })
    const false_ = node([peer(1, 20, { blamed: "bad-block" }), peer(2, 20, { holdoff: "probation" })])
    assert.deepStrictEqual(verdict(false_), { _tag: "NoneTrusted" })
    assert.strictEqual(line(false_), "height 10, 2 peers, not syncing because every peer sent something false")
  })

  it("names the lowest block of which no peer has a copy that can be used, only if that is what is wrong with all", () => {
    const copies = [peer(1, 20, { holdoff: "copy", lacks: 14 }), peer(2, 20, { holdoff: "copy", lacks: 12 })]
    assert.strictEqual(
      line(node(copies)),
      "height 10, 2 peers, not syncing because no peer has a copy of block 12 that can be used"
    )
    assert.include(line(node([...copies, peer(3, 20, { holdoff: "probation" })])), "every peer sent something false")
  })

  it("in sync beside peers that are no better, or are not believed", () => {
    assert.deepStrictEqual(verdict(node([peer(1, 10), peer(2, 9)])), { _tag: "InSync" })
    assert.deepStrictEqual(verdict(node([peer(1, 10), peer(2, 20, { blamed: "stalled" })])), { _tag: "InSync" })
    assert.deepStrictEqual(verdict(node([peer(1, 10), peer(2, 20, { holdoff: "copy" })])), { _tag: "InSync" })
    assert.strictEqual(line(node([peer(1, 10)])), "height 10, 1 peer, in sync")
  })

  it("an equal height counts by its lower hash", () => {
    assert.strictEqual(verdict(node([peer(1, 10, { told: tip(10, "a") })]))._tag, "Waiting")
    assert.strictEqual(verdict(node([peer(1, 10, { told: tip(10, "z") })]))._tag, "InSync")
  })

  it("fetching counts the peers that send, late ones aside, and heads for the best height announced", () => {
    const peers = [peer(1, 20), peer(2, 25), peer(3, 8)]
    const requests = [request(1), request(1, { id: 7, next: 15, to: 16 }), request(2, { stalled: true })]
    const state = node(peers, { requests })
    assert.deepStrictEqual(verdict(state), { _tag: "Fetching", sources: 1, target: 25 })
    assert.strictEqual(line(state), "height 10 of 25, 1 source")
    assert.strictEqual(
      line(node(peers, { requests: [request(1), request(2)] })),
      "height 10 of 25, 2 sources"
    )
    assert.strictEqual(SyncStatus.target(verdict(state), 10), 25)
    assert.strictEqual(SyncStatus.target(verdict(node([peer(1, 10)])), 10), 10)
  })

  it("reading headers names the peer that is read, not one that is late", () => {
    const state = node([peer(1, 20, { stalls: 1 }), peer(2, 20)], {
      headerRequests: [headerRequest(1, true), headerRequest(2)],
      branches: [branch(1, 17)]
    })
    const found = verdict(state)
    assert.strictEqual(found._tag === "ReadingHeaders" ? found.from.id : "", ip(2))
    assert.strictEqual(line(state), "height 10, 2 peers, reading headers from 10.0.0.2 (17 so far)")
    assert.strictEqual(SyncStatus.headersHeight(node([])), 10)
    const late = node([peer(1, 20, { stalls: 1 })], { headerRequests: [headerRequest(1, true)] })
    assert.strictEqual(verdict(late)._tag, "Waiting")
  })

  it("waiting says for what: an answer, the headers, or a body", () => {
    const silent = node([peer(1, 20, { stalls: 2 }), peer(2, 30, { stalls: 1 })])
    assert.strictEqual(
      line(silent),
      "height 10, 2 peers, not syncing because no peer that is ahead answers (10.0.0.2 announces height 30)"
    )
    const next = node([peer(1, 20, { stalls: 2 }), peer(2, 15)])
    assert.strictEqual(
      line(next),
      "height 10, 2 peers, not syncing because the headers of 10.0.0.2, which announces height 15, are not read yet"
    )
    const branches = [branch(1, 20, { held: [{ from: 11, to: 13 }] })]
    const body = node([peer(1, 20, { on: on(1, 20) })], { branches })
    assert.strictEqual(line(body), "height 10, 1 peer, not syncing because no peer that answers has block 14")
    const lost = node([peer(1, 20, { on: on(5, 20) })], { branches })
    assert.strictEqual(line(lost), "height 10, 1 peer, not syncing because no peer that answers has block 11")
  })

  it("a node in sync stays so while its next blocks, all here, wait for the disk", () => {
    const here = (held: number, synced: boolean, at = on(1, 12)) =>
      verdict(node([peer(1, 12, { on: at })], {
        synced,
        branches: [branch(1, 12, { held: [{ from: 11, to: held }] })]
      }))._tag
    assert.strictEqual(here(12, true), "InSync")
    assert.strictEqual(here(11, true), "Waiting")
    assert.strictEqual(here(12, false), "Waiting")
    assert.strictEqual(here(12, true, on(1, 11)), "Waiting")
    assert.strictEqual(here(12, true, on(2, 12)), "Waiting")
  })

  it("a clock is behind when more than half of the peers show it, by what the nearest of them shows", () => {
    const early = (n: number, s: number) => peer(n, 20, { clockBehind: s })
    const two = node([early(1, 700), early(2, 600), peer(3, 10)])
    assert.deepStrictEqual(verdict(two), { _tag: "ClockBehind", seconds: 600, of: 2, peers: 3, target: 20 })
    assert.strictEqual(
      line(two),
      "height 10, 3 peers, not synced: this clock is 600 s behind 2 of 3 peers; set it right"
    )
    assert.include(line(node([early(1, 60)])), "60 s behind 1 of 1 peer;")
    // Half cannot show it: what they show is not valid yet.
    assert.strictEqual(verdict(node([early(1, 700), peer(2, 10)]))._tag, "InSync")
    assert.strictEqual(verdict(node([early(1, 700), early(2, 9), peer(3, 15), peer(4, 10)]))._tag, "Waiting")
  })

  it("left behind is said of the best peer, and not while a better chain can be followed", () => {
    const apart = { fork: 4, depth: 6 }
    const state = node([peer(1, 20, { apart }), peer(2, 10), peer(3, 30, { apart: { fork: 2, depth: 8 } })])
    assert.deepStrictEqual(verdict(state), {
      _tag: "LeftBehind",
      target: 30,
      of: 2,
      peers: 3,
      peer: ip(3),
      told: tip(30),
      fork: 2,
      depth: 8
    })
    assert.include(line(state), "10.0.0.3 has a better chain of height 30 that leaves ours at height 2, 8 blocks deep")
    assert.isUndefined(SyncVerdict.leftBehind(node([peer(1, 20, { apart }), peer(2, 15)])))
    assert.isUndefined(SyncVerdict.leftBehind(node([peer(1, 20), peer(2, 15, { apart })])))
    assert.isUndefined(SyncVerdict.leftBehind(node([peer(1, 20, { apart, clockBehind: 9 })])))
    assert.isUndefined(SyncVerdict.leftBehind(node([peer(1, 10)])))
  })

  it("a producer works in sync, without peers that can be trusted, or when at most half of them have left it behind", () => {
    const apart = { fork: 4, depth: 6 }
    const may = (...peers: ReadonlyArray<SyncState.SyncPeer>) => SyncVerdict.mayProduce(verdict(node(peers)))
    assert.isTrue(may(peer(1, 10)))
    assert.isFalse(may(peer(1, 20)))
    assert.isTrue(may())
    assert.isTrue(may(peer(1, 20, { holdoff: "probation" }), peer(2, 20, { blamed: "withheld" })))
    assert.isFalse(may(peer(1, 20, { stalls: 2 })))
    assert.isTrue(may(peer(1, 20, { apart }), peer(2, 10)))
    assert.isFalse(may(peer(1, 20, { apart }), peer(2, 20, { apart }), peer(3, 10)))
  })
})

describe("a peer's line", () => {
  const of = (one: SyncState.SyncPeer, change: Partial<SyncState.SyncState> = {}) =>
    SyncStatus.peerLine(node([one], change), one)

  it("says why it is not used", () => {
    assert.strictEqual(of(peer(1, 20, { blamed: "withheld" })), "not used: withheld")
    assert.strictEqual(of(peer(1, 20, { holdoff: "copy", lacks: 12 })), "not used: its copy of block 12 cannot be used")
    assert.strictEqual(of(peer(1, 20, { stalls: 1 })), "not used: 1 wait without an answer")
    assert.strictEqual(of(peer(1, 20, { stalls: 3, trickles: true })), "not used: 3 waits without a whole answer")
    assert.strictEqual(of(peer(1, 20, { clockBehind: 44 })), "not used: its next block is 44 s ahead of this clock")
    assert.strictEqual(
      of(peer(1, 20, { apart: { fork: 4, depth: 6 } })),
      "not used: its chain leaves ours at height 4, too deep to follow"
    )
  })

  it("with nothing better names what it has, or what we have", () => {
    assert.strictEqual(of(peer(1, 7)), "not used: it has nothing above height 7")
    assert.strictEqual(of(peer(1, 10)), "not used: it has nothing above height 10")
  })

  it("says what it is doing: its blocks before its headers", () => {
    assert.strictEqual(of(peer(1, 20), { requests: [request(1)] }), "sending 4 blocks")
    assert.strictEqual(of(peer(1, 20), { requests: [request(1, { next: 14 })] }), "sending 1 block")
    assert.strictEqual(of(peer(1, 20), { requests: [request(2)], headerRequests: [headerRequest(2)] }), "idle")
    assert.strictEqual(of(peer(1, 20), { headerRequests: [headerRequest(1)] }), "sending headers")
  })
})
