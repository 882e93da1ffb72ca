/** What a step of a pair means for the backoff: an Up by how long it was, a dial of ours by whether the peer could be reached. */
import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import { empty, type End, type PairAction, type PairEvent, type Phase } from "../../../src/domain/pair/PairState.ts"
import * as PairHistory from "../../../src/layers/peer/PairHistory.ts"
import { Peer } from "../../../src/layers/peer/Peer.ts"
import { PeerEnd, type Up } from "../../../src/layers/peer/PeerEnd.ts"
import { ip } from "../../harness/mesh.ts"
import { bareEnd } from "../../harness/PairDrive.ts"

const usual = 24_200
const now = 10_000_000
const id = 7

const kinds: ReadonlyArray<DisconnectReason.Kind> = [
  "eof",
  "reset",
  "silent",
  "replaced",
  "unanswered",
  "no-commit",
  "no-ack",
  "hello-timeout",
  "protocol",
  "bad-frame",
  "outbox-full"
]
const rejects = (by: "local" | "remote") =>
  DisconnectReason.rejectReasons.map((reject) => DisconnectReason.rejected(reject, by, "why"))

/** Every way in which a connection ends. */
const reasons: ReadonlyArray<DisconnectReason.DisconnectReason> = [
  ...kinds.flatMap((kind) => [DisconnectReason.local(kind), DisconnectReason.remote(kind)]),
  ...rejects("local"),
  ...rejects("remote")
]

const endIn = (phase: Phase, dir: "in" | "out"): End => bareEnd(id, dir, phase)

/** A peer that failed three times, with one end. */
const peerWith = (end: End): Peer => {
  const peer = new Peer(ip("10.0.0.9"), 1_000, "gossip")
  peer.backoff = { failures: 3 }
  peer.pair = { ...empty, ends: [end] }
  peer.ends = [new PeerEnd(id, peer, end.dir === "in" ? "inbound" : "outbound", 1n)]
  return peer
}

const nothing: PairEvent = { _tag: "Freed" }

describe("a connection that was up", () => {
  const after = (reason: DisconnectReason.DisconnectReason, upMs: number, dir: "in" | "out") => {
    const peer = peerWith(endIn("up", dir))
    const [end] = peer.ends
    if (end !== undefined) end.up = { at: now - upMs } as Up
    const actions: ReadonlyArray<PairAction> = [{ _tag: "Down", end: id, reason }]
    return PairHistory.after(peer, nothing, empty, actions, usual, now, false).backoff.failures
  }

  for (const dir of ["in", "out"] as const) {
    for (const reason of reasons) {
      it(`and ends by ${reason.by} ${DisconnectReason.label(reason)} (${dir}) counts by how long it was, and by nothing else`, () => {
        assert.strictEqual(after(reason, 3 * 3_600_000, dir), 0)
        assert.strictEqual(after(reason, Limits.stableMs, dir), 0)
        assert.strictEqual(after(reason, Limits.stableMs - 1, dir), 4)
      })
    }
  }

  it("of a peer that has another end which goes with it: each says its own", () => {
    const peer = peerWith(endIn("dialing", "out"))
    const other = new PeerEnd(8, peer, "inbound", 2n)
    other.up = { at: now - 3_600_000 } as Up
    peer.ends = [...peer.ends, other]
    const actions: ReadonlyArray<PairAction> = [
      { _tag: "Down", end: 8, reason: DisconnectReason.remote("eof") },
      // Its Down is of no connection that was up here.
      { _tag: "Down", end: 99, reason: DisconnectReason.remote("eof") },
      { _tag: "Close", end: id, reason: DisconnectReason.remote("reset"), reject: undefined }
    ]
    assert.strictEqual(PairHistory.after(peer, nothing, empty, actions, usual, now, false).backoff.failures, 1)
  })
})

describe("a dial of ours that came to nothing", () => {
  interface Case {
    readonly end?: End
    readonly event?: PairEvent
    readonly actions?: ReadonlyArray<PairAction>
    readonly isAlone?: boolean
    readonly stays?: boolean
  }
  const after = (
    { actions = [], end = endIn("dialing", "out"), event = nothing, isAlone = false, stays = false }: Case
  ) =>
    PairHistory.after(
      peerWith(end),
      event,
      { ...empty, ends: stays ? [end] : [] },
      actions,
      usual,
      now,
      isAlone
    )
  const failures = (of: Case) => after(of).backoff.failures
  const failed = (detail: string): PairEvent => ({ _tag: "DialFailed", end: id, detail })
  const closed = (reason: DisconnectReason.DisconnectReason, end = id): PairEvent => ({ _tag: "Closed", end, reason })
  const close = (reason: DisconnectReason.DisconnectReason, end = id): PairAction => ({
    _tag: "Close",
    end,
    reason,
    reject: reason.reject
  })

  it("is a failure: timed out, ended before Hello, no Hello, broken rules", () => {
    assert.strictEqual(failures({ event: failed("ETIMEDOUT") }), 4)
    assert.strictEqual(failures({ end: endIn("hello", "out"), event: closed(DisconnectReason.remote("eof")) }), 4)
    assert.strictEqual(failures({ actions: [close(DisconnectReason.local("hello-timeout"))] }), 4)
    assert.strictEqual(failures({ actions: [close(DisconnectReason.rejected("protocol", "local"))] }), 4)
    assert.strictEqual(failures({ end: endIn("candidate", "out"), event: closed(DisconnectReason.remote("reset")) }), 4)
  })

  it("is none when one of the two said no by the rules", () => {
    for (const reason of [...rejects("remote"), ...rejects("local").filter(({ reject }) => reject !== "protocol")]) {
      assert.strictEqual(failures({ actions: [close(reason)] }), 3, DisconnectReason.label(reason))
    }
  })

  it("is none through this node's own fault: sockets, its network, and no way there while no peer is up", () => {
    for (const code of ["EMFILE", "ENETUNREACH"]) assert.strictEqual(failures({ event: failed(code) }), 3)
    assert.strictEqual(failures({ event: failed("EHOSTUNREACH"), isAlone: true }), 3)
    assert.strictEqual(failures({ event: failed("EHOSTUNREACH") }), 4)
    // Only of a dial: the same word about a socket that was open is the peer's.
    assert.strictEqual(failures({ event: closed(DisconnectReason.remote("reset", "EMFILE")) }), 4)
  })

  it("is none for sockets that the peer opened, for one that is up, one that stays, and one without a reason", () => {
    const reason = DisconnectReason.remote("reset")
    assert.strictEqual(failures({ end: endIn("hello", "in"), event: closed(reason) }), 3)
    assert.strictEqual(failures({ end: endIn("up", "out"), event: closed(reason) }), 3)
    assert.strictEqual(failures({ event: closed(reason), stays: true }), 3)
    assert.strictEqual(failures({}), 3)
    assert.strictEqual(failures({ event: closed(reason, 8) }), 3)
    assert.strictEqual(failures({ event: { _tag: "DialFailed", end: 8, detail: "ETIMEDOUT" } }), 3)
    assert.strictEqual(failures({ actions: [close(reason, 8), { _tag: "SendHello", end: id }] }), 3)
  })

  it("that was refused tries the peer's next port, and is a failure once all have refused", () => {
    const first = after({ event: failed("ECONNREFUSED") })
    assert.deepStrictEqual([first.backoff.failures, first.book.portAt], [3, 1])
    const peer = peerWith(endIn("dialing", "out"))
    peer.book = first.book
    const second = PairHistory.after(peer, failed("ECONNREFUSED"), empty, [], usual, now, false)
    assert.deepStrictEqual([second.backoff.failures, second.book.portAt], [4, 0])
    assert.strictEqual(after({ event: failed("ETIMEDOUT") }).book.portAt, 0)
  })
})
