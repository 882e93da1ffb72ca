/** Accepted sockets before their Hello: which come in, which wait outside, which are told why not, and what each leaves behind. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import { networks } from "../../../src/domain/Network.ts"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import * as Subnet from "../../../src/domain/peer/Subnet.ts"
import * as Offence from "../../../src/domain/protection/Offence.ts"
import { NativeWire } from "../../../src/domain/wire/native/NativeWire.ts"
import { deaf } from "../../../src/layers/peer/ConnectionEvents.ts"
import { Inbound } from "../../../src/layers/peer/Inbound.ts"
import { Lobby } from "../../../src/layers/peer/Lobby.ts"
import type { PeerEnd } from "../../../src/layers/peer/PeerEnd.ts"
import { Unidentified } from "../../../src/layers/peer/Unidentified.ts"
import { socketFromEnd } from "../../../src/layers/socket/socketFromEnd.ts"
import { type Accepted, type OnceSpoken, plain, recordFlood, type Secured } from "../../../src/services/PeerSocket.ts"
import * as HandTimers from "../../harness/handTimers.ts"
import * as hand from "../../harness/peerContext.ts"

const { ip } = hand
const overTls = (protocol: string | undefined): Secured => ({
  _tag: "Tls",
  version: "TLSv1.3",
  protocol,
  key: undefined
})

/** An accepted socket whose peer says something when `speak` is called. */
const accepted = (at: string, change: Partial<Accepted> = {}) => {
  const written: Array<Uint8Array> = []
  let spoken: Parameters<OnceSpoken> | undefined
  let closed = 0
  const made: Accepted = {
    remote: PeerAddress.make(ip(at), 5_000),
    local: PeerAddress.make(ip("10.0.0.100"), hand.port),
    secured: plain,
    socket: socketFromEnd(() => ({
      pull: Effect.never,
      write: (chunks) => {
        for (const chunk of chunks) if (typeof chunk !== "string") written.push(chunk.slice())
        return Effect.void
      },
      finish: () => {},
      close: () => void (closed += 1)
    }), () => Effect.void),
    onceSpoken: (...args) => {
      spoken = args
    },
    ...change
  }
  return {
    made,
    written,
    closed: () => closed,
    speak: (hasSpoken = true) => spoken?.[0](hasSpoken),
    isEnough: (...chunks: ReadonlyArray<Uint8Array>) => spoken?.[1](chunks)
  }
}

const make = (options: hand.Options = {}, openFiles?: number) => {
  const node = hand.make(options)
  const inbound = new Inbound(node.ctx, deaf, openFiles)
  return {
    ...node,
    inbound,
    enter: (socket: ReturnType<typeof accepted>) => Effect.runFork(inbound.accept(socket.made)),
    /** So many sockets have said nothing yet. */
    crowd: (count: number) =>
      Array.from({ length: count }, (_, i) => {
        const { end } = node.socket(`12.0.${i >> 8}.${i & 255}`)
        node.ctx.slots.accepted(end)
        return end
      }),
    ban: (at: string) =>
      node.ctx.protection.bans.put({ subnet: Subnet.ofOne(ip(at)), since: 0, until: 1e9, by: "operator", reason: "" })
  }
}
const endsOf = ({ ctx }: hand.Hand, at: string): ReadonlyArray<PeerEnd> => ctx.table.get(ip(at))?.ends ?? []

describe("the door", () => {
  it("knows configured and well connected peers, and refuses an address that is banned and has had its word", () => {
    const { ban, ctx, inbound: { door }, row } = make()
    row("10.0.0.1", "configured")
    assert.deepStrictEqual([door.admits(ip("10.0.0.1")), door.admits(ip("10.0.0.2"))], ["known", "stranger"])
    ban("10.0.0.3")
    assert.strictEqual(door.admits(ip("10.0.0.3")), "stranger", "which is told why")
    const [found] = ctx.protection.bans.entries()
    if (found !== undefined) ctx.protection.tells(found, ctx.timers.now())
    assert.strictEqual(door.admits(ip("10.0.0.3")), "refused")
  })

  it("admits each address at a rate, and reports once in a while how many it refused", () => {
    const { emitted, inbound: { door }, pass } = make()
    const from = ip("10.0.0.1")
    for (let i = 0; i < Limits.inboundPerIp.burst; i++) assert.strictEqual(door.admits(from), "stranger")
    assert.deepStrictEqual([door.admits(from), door.admits(from), emitted()], ["refused", "refused", []])
    pass(Limits.inboundReportMs)
    assert.deepStrictEqual(emitted(), [{ _tag: "InboundRefused", connections: 2 }])
    pass(Limits.inboundReportMs)
    assert.deepStrictEqual(emitted(), [])
    for (let i = 0; i < 2 * Limits.inboundPerIp.burst; i++) door.admits(from)
    pass(Limits.inboundReportMs)
    assert.strictEqual(emitted().length, 1)
    const free = make({ rules: { limitsInbound: false } }).inbound.door
    for (let i = 0; i < 2 * Limits.inboundPerIp.burst; i++) assert.strictEqual(free.admits(from), "stranger")
  })

  it("while many sockets have said nothing, admits strangers at the lobby's rate, known peers always", () => {
    const { crowd, inbound: { door }, row } = make()
    crowd(Limits.crowdedEnds)
    row("10.0.0.1", "configured")
    const admitted = Array.from(
      { length: 2 * Limits.lobbyEntries.burst },
      (_, i) => door.admits(ip(`${20 + (i >> 8)}.${i & 255}.0.1`))
    )
    assert.strictEqual(admitted.filter((entry) => entry === "stranger").length, Limits.lobbyEntries.burst)
    assert.strictEqual(door.admits(ip("10.0.0.1")), "known")
    const quiet = make()
    quiet.crowd(Limits.crowdedEnds - 1)
    const all = Array.from(
      { length: 2 * Limits.lobbyEntries.burst },
      (_, i) => quiet.inbound.door.admits(ip(`${20 + (i >> 8)}.${i & 255}.0.1`))
    )
    assert.isFalse(all.includes("refused"))
  })

  it("reports what failed before its handler saw it, with the offence that it proves; not while the node stops", () => {
    const { ctx, emitted, inbound: { door } } = make()
    const from = PeerAddress.make(ip("10.0.0.1"), 5_000)
    const reason = DisconnectReason.local("protocol", "no")
    door.failed(from, { reason })
    assert.deepStrictEqual(emitted(), [{
      _tag: "Refused",
      ip: from.ip,
      direction: "inbound",
      socket: "10.0.0.1:5000",
      reason
    }])
    door.failed(from, { reason, offence: Offence.make("protocol", "x") })
    assert.deepStrictEqual(emitted().map(({ _tag }) => _tag), ["Offence", "Refused"])
    ctx.slots.close()
    door.failed(from, { reason, offence: Offence.make("protocol", "x") })
    assert.deepStrictEqual(emitted(), [])
  })
})

describe("an accepted socket", () => {
  it("becomes an end of its peer, without a Hello, on which the program runs until it ends", () => {
    const { ctx, enter, inbound, posted, row } = make()
    const socket = accepted("10.0.0.1")
    enter(socket)
    const [end] = endsOf({ ctx } as hand.Hand, "10.0.0.1")
    assert(end !== undefined)
    assert.deepStrictEqual(posted(), [[ip("10.0.0.1"), { _tag: "Accepted", end: end.id }]])
    assert.deepStrictEqual([end.direction, end.isKnown, end.wire], ["inbound", false, "native"])
    assert.deepStrictEqual([end.connection?.local, end.connection?.socketName, ctx.slots.unidentifiedCount], [
      ip("10.0.0.100"),
      "10.0.0.1:5000",
      1
    ])
    assert.isAbove(ctx.slots.nextId, end.id)
    const reason = DisconnectReason.remote("eof")
    inbound.onEnd(end, reason)
    assert.deepStrictEqual(posted(), [[ip("10.0.0.1"), { _tag: "Closed", end: end.id, reason }]])
    row("10.0.0.2", "configured")
    enter(accepted("10.0.0.2"))
    assert.isTrue(endsOf({ ctx } as hand.Hand, "10.0.0.2")[0]?.isKnown)
  })

  it("is waited for when the node stops, until its program has ended", () => {
    const { ctx, enter, inbound } = make()
    enter(accepted("10.0.0.1"))
    const [end] = endsOf({ ctx } as hand.Hand, "10.0.0.1")
    assert(end !== undefined)
    ctx.slots.close()
    const stopping = Effect.runFork(ctx.slots.drained)
    assert.isUndefined(stopping.pollUnsafe())
    inbound.onEnd(end, DisconnectReason.remote("eof"))
    assert.isDefined(Effect.runFork(ctx.slots.drained).pollUnsafe())
  })

  it("that floods with empty records proves an offence", () => {
    const { ctx, emitted, enter, inbound } = make()
    enter(accepted("10.0.0.1"))
    const [end] = endsOf({ ctx } as hand.Hand, "10.0.0.1")
    assert(end !== undefined)
    emitted()
    inbound.onEnd(end, DisconnectReason.local("protocol", recordFlood))
    assert.deepStrictEqual(emitted().map(({ _tag }) => _tag), ["Offence"])
  })

  it("beyond the bound takes the place of the oldest stranger, or of none", () => {
    const { crowd, enter, posted, row, ctx } = make()
    const [oldest, ...others] = crowd(Limits.endsWithoutHello)
    enter(accepted("10.0.0.1"))
    const [made, closed] = posted().toSorted(([, a], [, b]) => a._tag < b._tag ? -1 : 1)
    assert.strictEqual(made?.[1]._tag, "Accepted")
    assert.deepStrictEqual(closed?.[0], oldest?.ip)
    assert.deepStrictEqual(
      closed?.[1]._tag === "Closed" && closed[1].reason,
      DisconnectReason.local("hello-timeout", "made room for a newer connection")
    )
    for (const end of [oldest, ...others]) if (end !== undefined) end.isKnown = true
    for (const end of endsOf({ ctx } as hand.Hand, "10.0.0.1")) end.isKnown = true
    enter(accepted("10.0.0.2"))
    assert.deepStrictEqual([posted(), ctx.table.get(ip("10.0.0.2"))], [[], undefined])
    row("10.0.0.3", "configured")
    enter(accepted("10.0.0.3"))
    assert.strictEqual(posted().length, 2)
  })

  it("of an isolated address, or while the node stops, is closed without a word", () => {
    const { ctx, emitted, enter, posted } = make()
    ctx.table.isolated.add(ip("10.0.0.1"))
    enter(accepted("10.0.0.1"))
    ctx.slots.close()
    enter(accepted("10.0.0.2"))
    assert.deepStrictEqual([posted(), emitted(), ctx.slots.unidentifiedCount], [[], [], 0])
  })

  it("that speaks TIME is refused where that wire is not spoken, and reported", () => {
    const { ctx, emitted, enter, posted } = make()
    enter(accepted("10.0.0.1", { secured: overTls(undefined) }))
    const [event] = emitted()
    assert.deepStrictEqual([
      event?._tag,
      event?._tag === "Refused" && [event.socket, event.direction, event.reason.reject]
    ], [
      "Refused",
      ["10.0.0.1:5000", "inbound", "in-use"]
    ])
    assert.deepStrictEqual([posted(), ctx.table.get(ip("10.0.0.1"))], [[], undefined])
    const time = make({ network: networks.testnet })
    time.enter(accepted("10.0.0.1", { secured: overTls(undefined) }))
    assert.deepStrictEqual(time.posted().map(([, { _tag }]) => _tag), ["Accepted"])
    assert.strictEqual(endsOf(time, "10.0.0.1")[0]?.wire, "time")
    time.enter(accepted("10.0.0.2", { secured: overTls("timemesh/1") }))
    assert.strictEqual(endsOf(time, "10.0.0.2")[0]?.wire, "native")
  })

  it("of an address that identifies no peer is told so, reported, and bounded in number", () => {
    const { ctx, emitted, enter, turn } = make()
    const socket = accepted("fe80::1")
    enter(socket)
    turn()
    const reader = NativeWire.reader((bytes) => new Uint8Array(bytes))
    for (const chunk of socket.written) reader.push(chunk.slice())
    assert.strictEqual(reader.read(NativeWire.limits.up), "message")
    const said = reader.message()
    assert(said._tag === "Reject")
    assert.deepStrictEqual([said.reason, said.retryAfterMs], ["protocol", Limits.retryProtocolMs])
    assert.match(said.text, /^your address fe80::1 is a link-local address/)
    const [event] = emitted()
    assert(event?._tag === "Refused")
    assert.deepStrictEqual([event.socket, event.direction, event.reason.kind, event.reason.reject], [
      "[fe80::1]:5000",
      "inbound",
      "address",
      "protocol"
    ])
    assert.isUndefined(ctx.table.get(ip("fe80::1")))
    const sockets = Array.from({ length: Limits.endsWithoutHello }, (_, i) => {
      const one = accepted(`fe80::1:${i}`)
      enter(one)
      return one
    })
    turn()
    assert.strictEqual(sockets.filter(({ written }) => written.length > 0).length, Limits.endsWithoutHello - 1)
    assert.strictEqual(emitted().length, Limits.endsWithoutHello, "each is reported")
    ctx.slots.close()
    assert.isUndefined(new Unidentified(ctx).refuse(accepted("fe80::2").made))
  })

  it("of such an address gives its place back when it ends", () => {
    const { ctx, turn } = make()
    const unidentified = new Unidentified(ctx)
    for (let i = 0; i < 3 * Limits.endsWithoutHello; i++) {
      const one = accepted(`fe80::${i.toString(16)}`)
      const program = unidentified.refuse(one.made)
      if (program === undefined) return assert.fail("it was not refused")
      const fiber = Effect.runFork(program)
      turn()
      assert.isAbove(one.written.length, 0, `${i}`)
      Effect.runFork(Effect.asVoid(Effect.promise(() => Promise.resolve())))
      fiber.interruptUnsafe()
      assert.isTrue(Exit.isSuccess(Effect.runSyncExit(ctx.slots.drained)), "no program runs any more")
    }
  })
})

describe("the anteroom", () => {
  const waits = (node: ReturnType<typeof make>, socket: ReturnType<typeof accepted>, calls: Array<string> = []) =>
    node.inbound.anteroom(socket.made, () => calls.push("enter"), () => calls.push("leave"))

  it("keeps a stranger while many sockets have said nothing, until it has spoken", () => {
    const node = make()
    node.crowd(Limits.crowdedEnds)
    const socket = accepted("10.0.0.1")
    const calls: Array<string> = []
    assert.isTrue(waits(node, socket, calls))
    assert.deepStrictEqual(calls, [])
    socket.speak()
    assert.deepStrictEqual(calls, ["enter"])
  })

  it("keeps no socket of a known peer, of an address that is no peer's, or that cannot wait, and none while few are unidentified", () => {
    const node = make()
    node.crowd(Limits.crowdedEnds - 1)
    assert.isFalse(waits(node, accepted("10.0.0.1")))
    node.crowd(Limits.crowdedEnds)
    node.row("10.0.0.2", "configured")
    assert.isFalse(waits(node, accepted("10.0.0.2")))
    assert.isFalse(waits(node, accepted("fe80::1")))
    const { onceSpoken: _, ...without } = accepted("10.0.0.1").made
    assert.isFalse(waits(node, { ...accepted("10.0.0.1"), made: without }))
    assert.isFalse(waits(node, accepted("10.0.0.1", { secured: overTls(undefined) })), "it is refused at once")
    assert.isTrue(waits(node, accepted("10.0.0.1", { secured: overTls("timemesh/1") })))
  })
})

describe("the lobby", () => {
  const lobby = (openFiles?: number) => {
    const { timers, to } = HandTimers.make()
    const made = new Lobby(timers, openFiles)
    const calls: Array<string> = []
    return {
      to,
      timers,
      lobby: made,
      calls: () => calls.splice(0),
      wait: (name: string) => {
        const socket = accepted("10.0.0.1")
        made.wait(socket.made, () => calls.push(`${name} enters`), () => calls.push(`${name} leaves`))
        return socket
      }
    }
  }

  it("lets each in as soon as its first frame is whole, in whatever order, once", () => {
    const { calls, lobby: { size }, wait } = lobby()
    const [a, b] = [wait("a"), wait("b")]
    b.speak()
    b.speak()
    a.speak(false)
    assert.deepStrictEqual([calls(), size], [["b enters", "a leaves"], 0])
    const [hello] = NativeWire.encode({ _tag: "Ping", nonce: 1n })
    assert.deepStrictEqual([b.isEnough(hello.subarray(0, hello.length - 1)), b.isEnough(hello)], [false, true])
    const long = new Uint8Array(4)
    new DataView(long.buffer).setUint32(0, Limits.frameBeforeUpBytes)
    assert.isFalse(b.isEnough(long))
    new DataView(long.buffer).setUint32(0, Limits.frameBeforeUpBytes + 1)
    assert.isTrue(b.isEnough(long), "a frame that will be refused")
  })

  it("ends what has waited for the time of a Hello, the others not, and waits on with one timer", () => {
    const { calls, lobby: made, timers, to, wait } = lobby()
    wait("a")
    to(1_000)
    wait("b")
    assert.strictEqual(timers.size(), 1)
    to(Limits.helloMs - 1)
    assert.deepStrictEqual(calls(), [])
    to(Limits.helloMs)
    assert.deepStrictEqual([calls(), made.size, timers.size()], [["a leaves"], 1, 1])
    to(1_000 + Limits.helloMs)
    assert.deepStrictEqual([calls(), made.size, timers.size()], [["b leaves"], 0, 0])
    wait("c").speak()
    to(3 * Limits.helloMs)
    assert.deepStrictEqual([calls(), timers.size()], [["c enters"], 0])
  })

  it("evicts the oldest when it is full, of fewer where the process may open few files", () => {
    const { calls, lobby: made, wait } = lobby(40)
    for (let i = 0; i < 10; i++) wait(`${i}`)
    assert.deepStrictEqual(calls(), [])
    const late = wait("late")
    assert.deepStrictEqual([calls(), made.size], [["0 leaves"], 10])
    late.speak()
    wait("another")
    assert.deepStrictEqual(calls(), ["late enters"])
  })

  it("admits at a rate", () => {
    const { lobby: made, to } = lobby()
    for (let i = 0; i < Limits.lobbyEntries.burst; i++) assert.isTrue(made.admits())
    assert.isFalse(made.admits())
    to(1)
    for (let i = 0; i < Limits.lobbyEntries.perSecond / 1_000; i++) assert.isTrue(made.admits())
    assert.isFalse(made.admits())
  })
})
