import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Handshake from "../../../src/domain/pair/Handshake.ts"
import * as Pair from "../../../src/domain/pair/Pair.ts"
import type { Hello, Reject } from "../../../src/domain/wire/Message.ts"
import * as Discovery from "../../../src/layers/peer/Discovery.ts"
import * as HelloExchange from "../../../src/layers/peer/HelloExchange.ts"
import { high, ip, low, make, own } from "../../harness/pairDriverHand.ts"
import * as hand from "../../harness/peerContext.ts"

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

  it("after eight in a row is waited for longer each time, until a connection was up for 5 s", () => {
    const node = make()
    node.draw(0)
    Discovery.learn(node.ctx, { ip: ip(high), port: 4_000 }, "configured")
    const dialled = () => {
      node.pass(100_000)
      const made = node.connected(node.dials.at(-1) ?? assert.fail("no dial"))
      node.say(made)
      return made
    }
    const reject = { _tag: "Reject", reason: "duplicate", text: "", retryAfterMs: 0 } as const
    const refuse = (change: Partial<Reject> = {}) => {
      const { end, peer } = dialled()
      HelloExchange.rejectReceived(node.ctx, peer, end, { ...reject, ...change })
      return (peer.timers?.get("redial:0")?.dueMs ?? 0) - node.ctx.timers.now()
    }
    const upFor = (ms: number) => {
      const { end, peer } = dialled()
      node.post(high, { _tag: "AckReceived", end: end.id })
      assert.isDefined(peer.up)
      node.pass(ms)
      node.post(high, { _tag: "Closed", end: end.id, reason: DisconnectReason.remote("eof") })
    }
    assert.deepStrictEqual(
      Array.from({ length: 8 }, () => refuse()),
      Array.from({ length: 8 }, () => Limits.retryMinMs)
    )
    assert.deepStrictEqual([refuse(), refuse(), refuse({ retryAfterMs: 7_000 }), refuse()], [
      1_000,
      2_000,
      7_000,
      8_000
    ])
    upFor(Limits.stableMs - 1)
    assert.strictEqual(refuse(), 16_000, "it was up, but not for long")
    upFor(Limits.stableMs)
    assert.strictEqual(refuse(), Limits.retryMinMs)
  })

  it("on a connection that is up, or that the peer dialled, does not count as one of them", () => {
    const node = make()
    const reject = { _tag: "Reject", reason: "shutdown", text: "", retryAfterMs: 0 } as const
    for (const made of [node.out(), node.in()]) {
      HelloExchange.rejectReceived(node.ctx, made.peer, made.end, reject)
      assert.strictEqual(made.peer.refusals, 0)
    }
    const came = node.accept(low)
    node.say(came)
    HelloExchange.rejectReceived(node.ctx, came.peer, came.end, reject)
    assert.strictEqual(came.peer.refusals, 0)
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
