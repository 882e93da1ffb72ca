/**
 * The real machine of the pairs with sockets in the test's hand: what each step does to places, counts, timers and rows, which last word a
 * socket gets, and what is known of the peer afterwards.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Handshake from "../../../src/domain/pair/Handshake.ts"
import * as Discovery from "../../../src/layers/peer/Discovery.ts"
import * as NodeContext from "../../../src/layers/peer/NodeContext.ts"
import type { Peer } from "../../../src/layers/peer/Peer.ts"
import { eof, high, ip, low, make, own } from "../../harness/pairDriverHand.ts"
import * as hand from "../../harness/peerContext.ts"

describe("a step", () => {
  it("is told to those who read the table, with the row as it leaves it", () => {
    const node = make()
    const changed: Array<readonly [string, number]> = []
    Object.assign(node.ctx.table, { changed: (peer: Peer) => changed.push([peer.ip, peer.ends.length]) })
    const made = node.accept(low)
    assert.deepStrictEqual(changed, [[low, 1]])
    node.closed(made)
    assert.deepStrictEqual(changed, [[low, 1], [low, 0]])
    assert.isTrue(made.peer.forgotten)
    node.ctx.pairs.post({ peer: made.peer, event: { _tag: "Learned", rank: undefined } })
    assert.deepStrictEqual([changed.length, node.dials], [2, []], "a row that left the table takes no step")
  })
})

describe("a socket that a lower peer opens", () => {
  it("gets our Hello, and comes up with its Commit: a place from its Hello on, counted as up from the Commit on", () => {
    const node = make()
    const made = node.accept(low)
    const [sent] = made.connection.sent()
    assert.deepStrictEqual(sent, {
      _tag: "Hello",
      protocol: Handshake.protocolVersion,
      rule: Handshake.ruleVersion,
      network: "devnet",
      genesis: node.ctx.setup.network.genesis,
      nonce: made.end.helloNonce,
      tag: node.ctx.entropy.tagFor(ip(low)),
      process: node.ctx.entropy.process,
      peer: ip(low),
      listens: hand.port,
      software: "test",
      tipHeight: 7,
      tipHash: "ab".repeat(32),
      capabilities: Handshake.capabilities,
      extensions: Handshake.extensions(made.end.id, 0)
    })
    assert.deepStrictEqual(node.places(), [0, 0, 1])
    node.say(made, { software: "peer/1", tipHeight: 5 })
    assert.deepStrictEqual([node.places(), made.connection.sent()], [[1, 0, 0], []])
    node.emitted()
    node.commit(made)
    assert.deepStrictEqual(node.places(), [1, 1, 0])
    assert.deepStrictEqual(made.connection.tags(), ["Ack", "Ping", "AskPeers"])
    assert.deepStrictEqual(node.of("Up").map(({ direction, ip, role }) => [direction, `${ip}`, role]), [[
      "inbound",
      low,
      "higher"
    ]])
    const { book } = made.peer
    assert.deepStrictEqual(
      [book.port, book.software, book.tip?.height, book.ups, book.onlyWeDial],
      [4_000, "peer/1", 5, 1, false]
    )
    assert.isUndefined(made.end.up?.liveness.rtt, "a Commit measures nothing here")
  })

  it("says in its Hello what this node does, how many peers it has, and which of its sockets this is", () => {
    const node = make({ masternodes: true, capabilities: Handshake.Capability.chain, advertisePort: 4_711 })
    node.in("10.0.0.2")
    const { connection, end } = node.accept(low)
    const [sent] = connection.sent()
    assert(sent?._tag === "Hello" && "capabilities" in sent)
    assert.strictEqual(
      sent.capabilities,
      Handshake.capabilities | Handshake.Capability.chain | Handshake.Capability.masternodes
    )
    assert.deepStrictEqual([sent.listens, Handshake.peersOf(sent), Handshake.orderOf(sent)], [4_711, 1, end.id])
  })

  it("that ends after its Hello gives its place back, once; the row of one that said Hello stays", () => {
    const node = make()
    const made = node.accept(low)
    node.say(made)
    node.closed(made)
    assert.deepStrictEqual([node.places(), made.peer.ends, made.peer.forgotten], [[0, 0, 0], [], false])
    assert.strictEqual(made.peer.book.lastAttempt?.reached, "hello")
    node.closed(made)
    assert.deepStrictEqual(node.places(), [0, 0, 0])
    const silent = node.accept("10.0.0.2")
    node.emitted()
    node.closed(silent)
    assert.deepStrictEqual([node.places(), silent.peer.forgotten], [[0, 0, 0], true])
    assert.deepStrictEqual(node.of("Refused").map(({ reason }) => reason), [eof])
  })

  it("that says nothing is closed after the time of a Hello, and leaves nothing behind", () => {
    const node = make()
    const made = node.accept(low)
    node.pass(Limits.helloMs - 1)
    assert.isUndefined(made.connection.closed)
    node.pass(1)
    assert.deepStrictEqual([made.connection.closed, node.places(), made.peer.forgotten], [[], [0, 0, 0], true])
    assert.strictEqual(node.hand.timers.size(), 0)
  })

  it("that never commits gives its place back after its time", () => {
    const node = make()
    const made = node.accept(low)
    node.say(made, { listens: 0 })
    node.pass(Limits.waitMs - 1)
    assert.deepStrictEqual(node.places(), [1, 0, 0])
    node.pass(1)
    assert.deepStrictEqual(node.places(), [0, 0, 0])
    assert.strictEqual(made.peer.book.lastAttempt?.reason.kind, "no-commit")
  })
})

describe("a dial to a higher peer", () => {
  it("is committed to after its Hello, and its Ack is the first round trip", () => {
    const node = make()
    Discovery.learn(node.ctx, { ip: ip(high), port: 4_000 }, "configured")
    node.pass(0)
    const [end] = node.dials
    assert(end !== undefined)
    const made = node.connected(end)
    assert.deepStrictEqual(made.connection.tags(), ["Hello"])
    node.say(made)
    assert.deepStrictEqual(made.connection.sent(), [{ _tag: "Commit", lower: own, higher: ip(high) }])
    assert.deepStrictEqual(node.places(), [1, 0, 0])
    node.pass(30)
    NodeContext.post(node.ctx, made.peer, { _tag: "AckReceived", end: end.id })
    assert.strictEqual(end.up?.liveness.rtt?.lastMs, 30)
    assert.deepStrictEqual([node.places(), made.peer.book.onlyWeDial], [[1, 1, 0], false])
    assert.isFalse(node.ctx.slots.chosenPlaces > 0, "the operator named it")
  })

  it("that fails is an attempt that ended, a failure in the book unless this node is alone, and is made again with backoff", () => {
    const node = make()
    node.draw(1)
    node.ctx.book.add({ ip: ip(high), port: 4_000 }, ip(high), node.ctx.nowMs())
    Discovery.learn(node.ctx, { ip: ip(high), port: hand.port }, "configured")
    node.pass(0)
    const fail = (detail: string) => {
      const end = node.dials.at(-1)
      assert(end !== undefined)
      node.post(high, { _tag: "DialFailed", end: end.id, detail })
      return end
    }
    const first = fail("ETIMEDOUT")
    const { peer } = { peer: node.peerOf(high) }
    assert.deepStrictEqual([peer.ends, peer.backoff.failures], [[], 1])
    assert.isFalse(node.ctx.slots.isOwnNonce(first.helloNonce))
    assert.deepStrictEqual([peer.book.lastAttempt?.reason.kind, peer.book.lastAttempt?.reached], [
      "dial-failed",
      "dial"
    ])
    assert.strictEqual(node.ctx.book.get(ip(high))?.failures, 0, "alone: it may be this node's own network")
    assert.strictEqual(node.dials.length, 1)
    node.pass(Limits.backoffMaxMs)
    assert.strictEqual(node.dials.length, 2)
    node.in("10.0.0.2")
    fail("ETIMEDOUT")
    assert.strictEqual(node.ctx.book.get(ip(high))?.failures, 1)
    assert.strictEqual(peer.backoff.failures, 2)
  })

  it("that fails through this node's own fault is no failure of the peer's: with a peer of the same kind up it is the peer's", () => {
    const node = make()
    const detail = "EHOSTUNREACH"
    const failed = (at: string) => {
      Discovery.learn(node.ctx, { ip: ip(at), port: hand.port }, "configured")
      node.pass(0)
      const end = node.dials.at(-1)
      assert(end?.ip === ip(at))
      node.post(at, { _tag: "DialFailed", end: end.id, detail })
      const { backoff, book } = node.peerOf(at)
      return [backoff.failures, book.lastAttempt?.reason.by]
    }
    assert.deepStrictEqual(failed("10.0.0.201"), [0, "local"], "no peer is up")
    node.up("127.0.0.5")
    assert.deepStrictEqual(failed("10.0.0.202"), [0, "local"], "a peer on this host proves no path")
    node.in("10.0.0.2")
    assert.deepStrictEqual(failed("10.0.0.203"), [1, "remote"])
    assert.deepStrictEqual(failed("198.51.101.1"), [0, "local"], "nor a private one a path to public ones")
    node.up("9.9.9.9")
    assert.deepStrictEqual(failed("198.51.102.1"), [1, "remote"])
    assert.deepStrictEqual(failed("10.0.0.204"), [1, "remote"], "a public one proves both")
  })

  it("that fails through its own fault waits a short while, longer the more addresses wait so", () => {
    const node = make()
    node.draw(1)

    const waits = Array.from({ length: 60 }, (_, i) => {
      Discovery.learn(node.ctx, { ip: ip(`10.0.1.${i + 100}`), port: hand.port }, "configured")
      node.pass(0)
      const end = node.dials.at(-1)
      assert(end !== undefined)
      node.post(end.ip, { _tag: "DialFailed", end: end.id, detail: "EMFILE" })
      return (node.peerOf(end.ip).timers?.get("redial:0")?.dueMs ?? 0) - node.ctx.timers.now()
    })
    assert.deepStrictEqual([waits[0], waits[49], waits[59]], [Limits.redialOwnFaultMs, Limits.redialOwnFaultMs, 6_000])
  })
})
