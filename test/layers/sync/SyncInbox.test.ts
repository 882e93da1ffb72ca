/** What a peer sends waits for its turn to be checked, bounded: then nothing is read from it until half of that is done. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import { capabilities, Capability } from "../../../src/domain/pair/Handshake.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as SyncState from "../../../src/domain/sync/SyncState.ts"
import { MessageTurns } from "../../../src/layers/sync/MessageTurns.ts"
import type { SyncContext } from "../../../src/layers/sync/SyncContext.ts"
import * as SyncListener from "../../../src/layers/sync/SyncListener.ts"

const origin = { ip: PeerIp.fromStringUnsafe("10.0.0.2"), connection: 1 }
const session = { ownNonce: 1n, peerNonce: 2n, ownIp: PeerIp.fromStringUnsafe("10.0.0.1") }
const tip = { height: 0, hash: "00".repeat(32) }
const block = new Uint8Array(Limits.blocksPieceBytes)

/** A node of which each message takes a whole turn. */
const slow = () => {
  let now = 0
  const rest: Array<Effect.Effect<void>> = []
  const calls: Array<string> = []
  const context = {
    links: new Map(),
    branches: new Map(),
    state: SyncState.start(tip),
    timers: { now: () => now },
    machine: { post: () => (now += Limits.syncTurnMs) },
    blockRequests: new Map(),
    headerRequests: new Map(),
    turns: new MessageTurns(() => now, (effect) => rest.push(effect)),
    messages: { pauseReading: () => calls.push("pause"), resumeReading: () => calls.push("resume"), send: () => true }
  } as unknown as SyncContext
  const listener = SyncListener.make(context)
  listener.onUp(origin, tip, capabilities | Capability.chain, session)
  return {
    calls,
    link: () => context.links.get(origin.ip) ?? assert.fail("no link"),
    blocks: () => listener.onMessage(origin, { _tag: "Blocks", request: 1, blocks: [block], done: false }),
    turn: () => Effect.runSync(rest.shift() ?? Effect.die("nothing waits")),
    up: (connection: number) => listener.onUp({ ...origin, connection }, tip, capabilities | Capability.chain, session),
    down: () => listener.onDown(origin)
  }
}

describe("the inbox of sync", () => {
  it("is bounded by bytes, and pushes back on reading", () => {
    const node = slow()
    const most = Math.floor(Limits.syncInboxBytes / block.length)
    // The first is checked at once.
    for (let n = 0; n <= most; n++) node.blocks()
    assert.deepStrictEqual(node.calls, ["pause"])
    node.blocks()
    assert.deepStrictEqual(node.calls, ["pause"], "once")
    while (node.link().waitingBytes > Limits.syncInboxBytes / 2) {
      assert.deepStrictEqual(node.calls, ["pause"])
      node.turn()
    }
    assert.deepStrictEqual(node.calls, ["pause", "resume"])
  })

  it("of a connection that is gone is not checked, and does not touch the next one", () => {
    const node = slow()
    for (let n = 0; n < 20; n++) node.blocks()
    node.down()
    node.up(2)
    // None of it takes time: one turn is enough for all.
    node.turn()
    assert.deepStrictEqual([node.link().waitingBytes, node.link().paused], [0, false])
    assert.deepStrictEqual(node.calls, ["pause", "resume"])
  })
})
