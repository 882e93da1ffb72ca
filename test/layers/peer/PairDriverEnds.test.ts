import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Handshake from "../../../src/domain/pair/Handshake.ts"
import * as Subnet from "../../../src/domain/peer/Subnet.ts"
import * as Discovery from "../../../src/layers/peer/Discovery.ts"
import * as NodeContext from "../../../src/layers/peer/NodeContext.ts"
import { high, ip, listener, low, make } from "../../harness/pairDriverHand.ts"
import type * as hand from "../../harness/peerContext.ts"

describe("a connection that ends", () => {
  it("gives its place back and is reported with its reason; the listeners hear of both ends", () => {
    const node = make()
    const [sync, masternodes] = [listener(), listener()]
    node.ctx.sync.listen(sync.made, [])
    node.ctx.masternodes.listen(masternodes.made, [])
    const made = node.in()
    node.emitted()
    node.closed(made, DisconnectReason.remote("reset"))
    assert.deepStrictEqual(node.of("Down").map(({ reason }) => reason.kind), ["reset"])
    assert.deepStrictEqual([node.places(), made.peer.ends], [[0, 0, 0], []])
    for (const { calls } of [sync, masternodes]) assert.deepStrictEqual(calls, [`up ${low}`, `down ${low}`])
    assert.strictEqual(made.peer.book.lastAttempt, undefined, "it is no attempt that failed")
  })

  it("because the peer broke the wire's rules, is told so; for any other reason there is no last word", () => {
    const node = make()
    const wordAfter = (reason: DisconnectReason.DisconnectReason) => {
      const made = node.in()
      NodeContext.postOf(node.ctx, made.end, { _tag: "Closed", end: made.end.id, reason })
      node.closed(made)
      return made.connection.closed
    }
    for (const kind of ["bad-frame", "protocol"] as const) {
      assert.deepStrictEqual(wordAfter(DisconnectReason.local(kind, "so")), [{
        _tag: "Reject",
        reason: "protocol",
        text: "so",
        retryAfterMs: Limits.retryProtocolMs
      }])
    }
    assert.deepStrictEqual(wordAfter(DisconnectReason.local("protocol"))?.map((word) => "text" in word && word.text), [
      "protocol"
    ])
    assert.deepStrictEqual(wordAfter(DisconnectReason.local("silent", "no byte")), [])
    assert.deepStrictEqual(wordAfter(DisconnectReason.remote("protocol", "so")), [])
  })

  it("counts for its backoff by how long it was up, and the peer is dialled again in its time", () => {
    const node = make()
    node.draw(1)
    const made = node.out()
    made.peer.backoff = { failures: 9 }
    node.pass(Limits.stableMs)
    node.closed(made)
    assert.strictEqual(made.peer.backoff.failures, 0)
    const { length } = node.dials
    node.pass(3_000)
    assert.strictEqual(node.dials.length, length + 1)
  })

  it("soon after Up because the peer rejects it, waits as long as the peer asks or as its failures, whichever is longer", () => {
    for (const [asked, failures, least] of [[60_000, 0, 60_000], [500, 8, 20_000]] as const) {
      const node = make()
      node.draw(1)
      const made = node.out()
      made.peer.note({ source: "gossip" })
      made.peer.backoff = { failures }
      node.post(high, { _tag: "RejectReceived", end: made.end.id, reject: "application", detail: "", retryMs: asked })
      const wait = (made.peer.timers?.get("redial:0")?.dueMs ?? 0) - node.ctx.timers.now()
      assert.isAtLeast(wait, least)
      assert.strictEqual(made.peer.backoff.failures, failures + 1)
      assert.deepStrictEqual(made.peer.book.lastDown?.reason, DisconnectReason.rejected("application", "remote"))
    }
  })
})

describe("a peer that is refused", () => {
  const word = (node: ReturnType<typeof make>, made: Pick<hand.Connected, "end">) => {
    const reject = node.rejected(made.end)
    return [reject?.reason, reject?.text, reject?.retryAfterMs]
  }

  it("reads why, and when it may come again; it takes no place", () => {
    const node = make()
    const made = node.accept(low)
    node.say(made, { network: "other" })
    assert.deepStrictEqual(word(node, made).slice(0, 1), ["incompatible"])
    assert.deepStrictEqual([node.places(), made.peer.ends], [[0, 0, 0], []])
    assert.deepStrictEqual(node.of("Refused").map(({ reason }) => [reason.reject, reason.by]), [[
      "incompatible",
      "local"
    ]])
    assert.isFalse(made.peer.book.saidHello)
  })

  it("because it is banned, reads what is left of its ban", () => {
    const node = make()
    node.ctx.protection.bans.put({ subnet: Subnet.ofOne(ip(low)), since: 0, until: 9_000, by: "operator", reason: "" })
    const made = node.accept(low)
    node.say(made)
    assert.deepStrictEqual(word(node, made), ["banned", "this node has banned you", 9_000])
  })

  it("because every place is taken, reads where else to go, if it can read that before a Reject", () => {
    const node = make({ tuning: { maxPeers: 1 } })
    node.in("10.0.0.2")
    for (const [i, capabilities] of [Handshake.Capability.refusals, 0].entries()) {
      const made = node.accept(`10.0.0.${10 + i}`)
      node.say(made, { capabilities })
      assert.deepStrictEqual(word(node, made), ["full", "peer limit reached (1)", Limits.retryFullMs])
      assert.deepStrictEqual(
        made.connection.closed?.map(({ _tag }) => _tag),
        capabilities === 0 ? ["Reject"] : ["Peers", "Reject"]
      )
    }
    assert.deepStrictEqual(node.places(), [1, 1, 0])
  })

  it("because another process has its address, waits twice as long each time; once it comes up it is forgiven", () => {
    const node = make()
    const made = node.in()
    const second = (n: number) => {
      const other = node.accept(low)
      node.say(other, { process: `ee${n}`.padEnd(16, "0"), tag: `${n}`.padStart(32, "e") })
      node.commit(other)
      const { nonce } = node.peerOf(low).pair.probe ?? { nonce: 0n }
      NodeContext.post(node.ctx, made.peer, { _tag: "PongReceived", end: made.end.id, nonce })
      node.pass(Limits.challengeSpacingMs)
      return word(node, other)[2]
    }
    assert.deepStrictEqual([second(1), second(2), second(3)], [1, 2, 4].map((times) => times * Limits.retryInUseMs))
    assert.strictEqual(made.peer.book.inUseRefusals, 3)
    assert.deepStrictEqual(node.places(), [1, 1, 0])
    node.closed(made)
    node.in()
    assert.strictEqual(node.peerOf(low).book.inUseRefusals, 0)
  })

  it("although it came up at its own end: every place was taken meanwhile", () => {
    const node = make({ tuning: { maxPeers: 2 } })
    const made = node.accept(low)
    node.say(made)
    node.in("10.0.0.2")
    node.ctx.slots.takePlace(ip("10.0.0.3"), false)
    node.ctx.slots.wentUp(ip("10.0.0.3"), 99)
    node.emitted()
    node.commit(made)
    assert.deepStrictEqual([made.end.up, word(node, made)], [undefined, [
      "full",
      "peer limit reached (2)",
      Limits.retryFullMs
    ]])
    assert.isFalse(node.ctx.slots.hasPlace(ip(low)))
    assert.deepStrictEqual(node.emitted().map(({ _tag }) => _tag), ["Refused"])
  })

  it("by us is told, while a dial that still waits for its turn is only taken back", () => {
    const node = make()
    Discovery.learn(node.ctx, { ip: ip(high), port: 1 }, "configured")
    node.pass(0)
    const [end] = node.dials
    node.post(high, { _tag: "Stopped", reject: "operator", detail: "", retryMs: undefined })
    assert.deepStrictEqual(node.withdrawn, [end])
    const made = node.in()
    node.post(low, { _tag: "Stopped", reject: "shutdown", detail: "", retryMs: undefined })
    assert.deepStrictEqual(word(node, made), ["shutdown", "", Limits.retryShutdownMs])
    assert.deepStrictEqual(node.places(), [0, 0, 0])
  })
})

describe("an event of a row that is gone", () => {
  it("changes nothing", () => {
    const node = make()
    const made = node.in()
    made.peer.forgotten = true
    node.emitted()
    node.closed(made)
    assert.deepStrictEqual([node.emitted(), node.places()], [[], [1, 1, 0]])
  })

  it("nor does one of an end that is closed", () => {
    const node = make()
    const made = node.accept(low)
    node.say(made)
    node.closed(made)
    node.emitted()
    NodeContext.post(node.ctx, made.peer, { _tag: "CommitReceived", end: made.end.id })
    NodeContext.postOf(node.ctx, made.end, { _tag: "CommitReceived", end: made.end.id })
    assert.deepStrictEqual([node.emitted(), node.places()], [[], [0, 0, 0]])
  })
})

describe("the steps of a pair", () => {
  it("are recorded as they were asked, with the wait that their outcome decided", () => {
    const node = make()
    node.in()
    const steps = node.ctx.table.flights.of(ip(low))?.steps ?? []
    assert.deepStrictEqual(steps.map(({ event }) => event._tag), ["Accepted", "Welcomed", "CommitReceived"])
    assert.deepStrictEqual(steps.map(({ at }) => at), [0, 0, 0])
  })
})
