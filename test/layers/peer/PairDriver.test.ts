/**
 * The real machine of the pairs with sockets in the test's hand: what each step does to places, counts, timers and rows, which last word a
 * socket gets, and what is known of the peer afterwards.
 */
import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Handshake from "../../../src/domain/pair/Handshake.ts"
import * as Pair from "../../../src/domain/pair/Pair.ts"
import * as Subnet from "../../../src/domain/peer/Subnet.ts"
import type { Hello, Reject } from "../../../src/domain/wire/Message.ts"
import * as Discovery from "../../../src/layers/peer/Discovery.ts"
import * as HelloExchange from "../../../src/layers/peer/HelloExchange.ts"
import * as NodeContext from "../../../src/layers/peer/NodeContext.ts"
import type { Peer } from "../../../src/layers/peer/Peer.ts"
import type { PeerEnd } from "../../../src/layers/peer/PeerEnd.ts"
import type { PeerListener } from "../../../src/services/PeerMessages.ts"
import * as hand from "../../harness/peerContext.ts"
import { hello } from "../../harness/rawPeer.ts"

const { ip } = hand
const own = ip("10.0.0.100")
/** Below this node: it commits. Above: this node does. */
const [low, high] = ["10.0.0.1", "10.0.0.200"]
const eof = DisconnectReason.remote("eof")

const processOf = (at: string): string => Buffer.from(at.padEnd(8).slice(-8)).toString("hex")

const make = (options: hand.Options = {}) => {
  const node = hand.make({ ...options, isDriven: true })
  const { connectionOf, ctx, dials } = node
  const peerOf = (at: string) => ctx.table.get(ip(at)) ?? assert.fail(`no row of ${at}`)
  const post = (at: string, event: Parameters<typeof NodeContext.post>[2]) => NodeContext.post(ctx, peerOf(at), event)
  /** The peer's socket is accepted. */
  const accept = (at: string) => {
    const made = node.socket(at)
    ctx.slots.accepted(made.end)
    ctx.slots.opened(made.end)
    post(at, { _tag: "Accepted", end: made.end.id })
    return made
  }
  const say = ({ end, peer }: Pick<hand.Connected, "end" | "peer">, change: Partial<Hello> = {}) => {
    const process = processOf(peer.ip)
    HelloExchange.helloReceived(
      ctx,
      peer,
      end,
      hello(own, { process, tag: process + process, listens: 4_000, nonce: BigInt(9_000 + end.id), ...change })
    )
  }
  const commit = ({ end, peer }: Pick<hand.Connected, "end" | "peer">) =>
    HelloExchange.commitReceived(ctx, peer, end, { _tag: "Commit", lower: peer.ip, higher: own })
  /** A dial of this node connects. */
  const connected = (end: PeerEnd) => {
    const connection = new hand.HandConnection("10.0.0.100:6000", own)
    end.connection = connection as unknown as NonNullable<PeerEnd["connection"]>
    ctx.slots.opened(end)
    const peer = peerOf(end.ip)
    NodeContext.post(ctx, peer, { _tag: "Connected", end: end.id })
    return { end, peer, connection }
  }
  const closed = ({ end }: Pick<hand.Connected, "end">, reason = eof) => {
    ctx.slots.ended(end)
    NodeContext.postOf(ctx, end, { _tag: "Closed", end: end.id, reason })
  }
  return {
    ...node,
    peerOf,
    post,
    accept,
    say,
    commit,
    connected,
    closed,
    /** The lower peer dials, and comes up. */
    in: (at = low, change: Partial<Hello> = {}) => {
      const made = accept(at)
      say(made, change)
      commit(made)
      return { ...made, up: made.end.up ?? assert.fail("it is not up") }
    },
    /** This node dials the higher peer, which comes up. */
    out: (at = high) => {
      if (ctx.table.get(ip(at)) === undefined) Discovery.learn(ctx, { ip: ip(at), port: 4_000 }, "configured")
      node.pass(0)
      const made = connected(dials.at(-1) ?? assert.fail("no dial"))
      say(made)
      NodeContext.post(ctx, made.peer, { _tag: "AckReceived", end: made.end.id })
      return { ...made, up: made.end.up ?? assert.fail("it is not up") }
    },
    places: () => [ctx.slots.placesTaken, ctx.slots.upCount, ctx.slots.unidentifiedCount] as const,
    rejected: (end: PeerEnd): Reject | undefined => {
      const [first] = connectionOf(end).closed?.slice(-1) ?? []
      return first?._tag === "Reject" ? first : undefined
    }
  }
}

const listener = () => {
  const calls: Array<string> = []
  const made: PeerListener<unknown> = {
    onUp: ({ ip }) => calls.push(`up ${ip}`),
    onDown: ({ ip }) => calls.push(`down ${ip}`),
    onMessage: () => {},
    onProgress: () => {}
  }
  return { calls, made }
}

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

describe("the live connection's challenge", () => {
  it("is a ping whose nonce its pong answers; its time begins when it is written", () => {
    const node = make()
    const made = node.in()
    made.connection.sent()
    made.connection.isSlow = true
    const other = node.accept(low)
    node.say(other, { tag: "ab".repeat(16), process: "cd".repeat(8) })
    node.commit(other)
    const [ping] = made.connection.sent()
    const { probe } = made.peer.pair
    assert.deepStrictEqual(ping, { _tag: "Ping", nonce: probe?.nonce ?? 0n })
    assert.strictEqual(probe?.phase, "queued")
    made.connection.flush()
    assert.strictEqual(made.peer.pair.probe?.phase, "sent")
    assert.strictEqual(made.end.pingsSent, 2)
  })

  it("that is not answered gives its place to the newer socket: one Down, one Up, one place", () => {
    const node = make()
    const made = node.in()
    const other = node.accept(low)
    node.say(other, { tag: "ab".repeat(16), process: "cd".repeat(8) })
    node.commit(other)
    node.emitted()
    node.pass(Limits.probeHigherMaxMs + Limits.probeHigherQueuedMs)
    const events = node.emitted().flatMap((event) =>
      event._tag === "Down" ? [`Down ${event.reason.kind}`] : event._tag === "Up" ? ["Up"] : []
    )
    assert.deepStrictEqual(events, ["Down unanswered", "Up"])
    assert.deepStrictEqual([made.end.up, other.end.up === undefined, node.places()], [undefined, false, [1, 1, 0]])
    assert.deepStrictEqual(Pair.up(made.peer.pair)?.id, other.end.id)
  })
})

describe("a Hello", () => {
  it("that comes twice is an offence, and ends the socket", () => {
    const node = make()
    const made = node.accept(low)
    node.say(made)
    node.emitted()
    node.say(made)
    assert.deepStrictEqual(node.of("Offence").map(({ detail }) => detail), ["second Hello"])
    assert.strictEqual(node.rejected(made.end)?.reason, "protocol")
    assert.deepStrictEqual(node.places(), [0, 0, 0])
  })

  it("of a lower peer that dials us makes it dialable at its port, unless it does not listen or the address is our own", () => {
    const dialable = (change: Partial<Hello>, book = {}) => {
      const node = make()
      const made = node.accept(low)
      made.peer.note(book)
      node.say(made, change)
      return made.peer.pair.dialable
    }
    assert.isTrue(dialable({}))
    assert.isFalse(dialable({ listens: 0 }))
    assert.isTrue(dialable({ listens: 0 }, { port: 4_000 }))
    assert.isFalse(dialable({}, { isSelf: true }))
  })

  it("at our own listener with the nonce of our own dial: the address dialled is our own, and never dialled again", () => {
    const node = make({ own: "any", interfaces: [] })
    Discovery.learn(node.ctx, { ip: ip("198.51.101.1"), port: hand.port }, "configured")
    node.ctx.book.add({ ip: ip("198.51.101.1"), port: 4_000 }, ip(low), node.ctx.nowMs())
    node.pass(Limits.fallbackFirstMs + Limits.fallbackFirstJitterMs)
    const dialled = node.connected(node.dials[0] ?? assert.fail("no dial"))
    const met = node.accept("198.51.101.77")
    node.emitted()
    node.say(met, { peer: ip("198.51.101.1"), nonce: dialled.end.helloNonce })
    assert.deepStrictEqual(node.of("OwnAddress").map((event) => `${event.ip}`), ["198.51.101.1"])
    assert.deepStrictEqual([dialled.peer.book.isSelf, node.ctx.table.own.how(dialled.peer.ip)], [true, "dialled"])
    assert.isUndefined(node.ctx.book.get(dialled.peer.ip))
    assert.strictEqual(node.rejected(met.end)?.reason, "self")
    assert.isFalse(dialled.peer.pair.dialable)
  })

  it("of a full node that we dialled to test its address, makes the address good in the book", () => {
    const node = make({ tuning: { maxPeers: 1 } })
    node.in("10.0.0.2")
    Discovery.learn(node.ctx, { ip: ip(high), port: 4_000 }, "gossip")
    node.peerOf(high).isFeeler = true
    node.pass(0)
    const made = node.connected(node.dials[0] ?? assert.fail("no dial"))
    node.say(made, { listens: 4_001 })
    assert.deepStrictEqual([node.ctx.book.tableOf(ip(high)), node.ctx.book.get(ip(high))?.port], ["tried", 4_001])
    assert.isFalse(node.peerOf(high).isFeeler, "it was a feeler once")
    const inbound = node.accept("10.0.0.9")
    node.say(inbound)
    assert.isUndefined(node.ctx.book.get(ip("10.0.0.9")))
  })

  it("keeps the failures of a peer that dials us at one", () => {
    const node = make()
    const made = node.accept(low)
    made.peer.backoff = { failures: 5 }
    node.say(made)
    assert.strictEqual(made.peer.backoff.failures, 1)
    const dialled = make()
    Discovery.learn(dialled.ctx, { ip: ip(high), port: 4_000 }, "configured")
    dialled.pass(0)
    const other = dialled.connected(dialled.dials[0] ?? assert.fail("no dial"))
    other.peer.backoff = { failures: 5 }
    dialled.say(other)
    assert.strictEqual(other.peer.backoff.failures, 5)
  })
})

describe("a Commit", () => {
  it("before a Hello, of another pair, or to the lower peer ends the socket", () => {
    const node = make()
    const ends = (made: Pick<hand.Connected, "end" | "peer">, lower = made.peer.ip, higher = own) => {
      HelloExchange.commitReceived(node.ctx, made.peer, made.end, { _tag: "Commit", lower, higher })
      return node.rejected(made.end)?.text
    }
    assert.strictEqual(ends(node.accept(low)), "Commit before Hello")
    const other = node.accept("10.0.0.2")
    node.say(other)
    assert.include(ends(other, ip("10.0.0.3")), "names the pair 10.0.0.3 / 10.0.0.100")
    Discovery.learn(node.ctx, { ip: ip(high), port: 4_000 }, "configured")
    node.pass(0)
    const dialled = node.connected(node.dials[0] ?? assert.fail("no dial"))
    node.say(dialled)
    assert.include(ends(dialled), "lower peer")
  })
})

describe("a Reject", () => {
  const rejected = (change: Partial<Reject>, prepare: (node: ReturnType<typeof make>) => void = () => {}) => {
    const node = make()
    prepare(node)
    node.draw(0)
    Discovery.learn(node.ctx, { ip: ip(high), port: 4_000 }, "configured")
    node.pass(0)
    const made = node.connected(node.dials.at(-1) ?? assert.fail("no dial"))
    node.say(made, { listens: 4_001 })
    HelloExchange.rejectReceived(node.ctx, made.peer, made.end, {
      _tag: "Reject",
      reason: "full",
      text: "so",
      retryAfterMs: 50_000,
      ...change
    })
    return { node, made }
  }

  it("closes the socket, is the last attempt's reason, and delays our next dial as it asks", () => {
    const { made, node } = rejected({})
    assert.deepStrictEqual(made.peer.book.lastAttempt?.reason, DisconnectReason.rejected("full", "remote", "so"))
    const wait = (made.peer.timers?.get("redial:0")?.dueMs ?? 0) - node.ctx.timers.now()
    assert.strictEqual(wait, Handshake.clampRetry(50_000, 0))
    assert.deepStrictEqual(node.places(), [0, 0, 0])
  })

  it("as full of a node that we dialled proves that a node is there, at the port of its Hello", () => {
    assert.deepStrictEqual(rejected({}).node.ctx.book.get(ip(high))?.port, 4_001)
    assert.isUndefined(rejected({ reason: "operator" }).node.ctx.book.get(ip(high)))
  })

  it("as full proves nothing of a node that does not listen, of one that said no Hello, or that dialled us", () => {
    const full = { _tag: "Reject", reason: "full", text: "", retryAfterMs: 1 } as const
    const proves = (prepare: (made: Pick<hand.Connected, "end">) => void, direction: "inbound" | "outbound") => {
      const node = make()
      const made = node.socket(high, { direction })
      made.end.greeting = { listens: 4_001 } as never
      prepare(made)
      HelloExchange.rejectReceived(node.ctx, made.peer, made.end, full)
      return node.ctx.book.get(ip(high)) !== undefined
    }
    const listens = (listens: number) => ({ end }: Pick<hand.Connected, "end">) => {
      end.greeting = { listens } as never
    }
    assert.isTrue(proves(listens(1), "outbound"))
    assert.isFalse(proves(listens(0), "outbound"))
    assert.isFalse(proves(listens(1), "inbound"))
    assert.isFalse(
      proves(({ end }) => {
        end.greeting = undefined
      }, "outbound")
    )
  })

  it("before Up is waited for as it asks, however often dials failed before", () => {
    const node = make()
    node.draw(0)
    Discovery.learn(node.ctx, { ip: ip(high), port: 4_000 }, "configured")
    node.pass(0)
    const made = node.connected(node.dials.at(-1) ?? assert.fail("no dial"))
    node.say(made)
    made.peer.note({ source: "gossip" })
    made.peer.backoff = { failures: 20 }
    node.draw(1)
    node.post(high, { _tag: "RejectReceived", end: made.end.id, reject: "full", detail: "", retryMs: 2_000 })
    const wait = (made.peer.timers?.get("redial:0")?.dueMs ?? 0) - node.ctx.timers.now()
    assert.strictEqual(wait, 2_000)
  })

  it("as alias is believed only of an address to which we are connected; otherwise it is against the rules", () => {
    const { made, node } = rejected({ reason: "alias", address: ip("10.0.0.2") }, (node) => node.in("10.0.0.2"))
    assert.deepStrictEqual([made.peer.book.aliasOf, made.peer.pair.barred], [ip("10.0.0.2"), true])
    node.closed({ end: node.peerOf("10.0.0.2").ends[0] ?? assert.fail("no end") })
    assert.deepStrictEqual([made.peer.book.aliasOf, made.peer.pair.barred], [undefined, false])
    const lie = rejected({ reason: "alias", address: ip("10.0.0.9") })
    assert.strictEqual(
      lie.node.rejected(lie.made.end)?.text,
      "alias names an address we are not connected to: 10.0.0.9"
    )
    const none = rejected({ reason: "alias" })
    assert.strictEqual(
      none.node.rejected(none.made.end)?.text,
      "alias names an address we are not connected to: none given"
    )
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
