/** Bans: by an operator and by scores; what they end, what they hold off, that they end, survive a restart, and never isolate the node. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Handshake from "../../../src/domain/pair/Handshake.ts"
import type { PeerIp } from "../../../src/domain/peer/PeerIp.ts"
import * as Subnet from "../../../src/domain/peer/Subnet.ts"
import * as PeerStoreMemory from "../../../src/layers/store/PeerStoreMemory.ts"
import { type Door, PeerSocket } from "../../../src/services/PeerSocket.ts"
import { TestNode } from "../../../src/testing/index.ts"
import { assertConnected, downs, ip, onMesh, port, type Running } from "../../harness/mesh.ts"
import { dial, hello, join } from "../../harness/rawPeer.ts"
import { steppedClock } from "../../harness/steppedClock.ts"
import { make as makeChain, startOfTime } from "../../harness/syntheticChain.ts"

const [low, high] = ["10.0.0.1", "10.0.0.2"] as const
const subnet = Subnet.fromStringUnsafe
const minute = 60_000

describe("a ban by the operator", () => {
  for (const [banning, other] of [[low, high], [high, low]] as const) {
    it.effect(`by ${banning} ends the connection at both ends with the reason, and no end dials until it is lifted`, () =>
      onMesh(5, ({ start }) =>
        Effect.gen(function*() {
          const nodes = new Map<string, Running>()
          for (const at of [low, high]) nodes.set(at, yield* start(at, { peers: [at === low ? high : low] }))
          const [a, b] = [nodes.get(banning), nodes.get(other)]
          assert(a !== undefined && b !== undefined)
          yield* TestClock.adjust("5 seconds")
          yield* assertConnected(a, banning, b, other)
          // A configured peer too: the operator's word wins.
          const report = yield* a.manager.ban(subnet(other), { forMs: 3 * 60 * minute, reason: "flooding us" })
          assert.deepStrictEqual([report.leftMs, report.by, report.reason], [
            3 * 60 * minute,
            "operator",
            "flooding us"
          ])
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual([downs(a), downs(b)], [["banned"], ["banned"]])
          const dials = [a.of("Dialling").length, b.of("Dialling").length]
          yield* TestClock.adjust("55 minutes")
          assert.deepStrictEqual([a.of("Dialling").length, b.of("Dialling").length], dials, "no dial in vain")
          const why = yield* a.state.why(ip(other))
          assert.strictEqual(why.situation, "banned-here")
          assert.include(why.text, "for 2 h more, by the operator's command (flooding us)")
          assert.include(why.fix, `timemesh unban ${other}`)
          assert.strictEqual((yield* b.state.why(ip(banning))).situation, "banned-there")
          assert.isTrue(yield* a.manager.unban(subnet(other)))
          assert.isFalse(yield* a.manager.unban(subnet(other)), "there is none any more")
          yield* TestClock.adjust("10 seconds")
          yield* assertConnected(a, banning, b, other)
        })))
  }

  it.effect("ends by its time, and the pair is together again within seconds", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        const a = yield* start(low, { peers: [high] })
        const b = yield* start(high)
        yield* TestClock.adjust("5 seconds")
        yield* a.manager.ban(subnet(`${high}/24`), { forMs: 90 * minute })
        yield* TestClock.adjust("89 minutes")
        assert.strictEqual((yield* a.up).length, 0)
        assert.strictEqual((yield* a.manager.bans).length, 1)
        yield* TestClock.adjust("70 seconds")
        yield* assertConnected(a, low, b, high)
        assert.deepStrictEqual(a.of("Unbanned").map(({ by, subnet }) => [subnet, by]), [["10.0.0.0/24", "time"]])
        assert.deepStrictEqual(yield* a.manager.bans, [])
      })))

  it.effect("that is lifted early lets in soon whom the node cannot dial, too", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        const a = yield* start(high)
        yield* a.manager.ban(subnet(low))
        // It is unknown here: only it can dial.
        const b = yield* start(low, { peers: [high] })
        yield* TestClock.adjust("20 minutes")
        const refusals = b.of("Refused").filter(({ reason }) => reason.reject === "banned")
        assert.isAtMost(refusals.length, 21)
        assert.strictEqual((yield* b.state.why(ip(high))).situation, "banned-there")
        yield* a.manager.unban(subnet(low))
        yield* TestClock.adjust(Limits.retryBannedMs * (1 + Limits.retryJitter) + 2_000)
        yield* assertConnected(a, high, b, low)
      })))

  it.effect("of a block reaches the mapped form too; the first socket is told why and for how long, the others are closed", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const n = yield* start("10.200.0.1")
        yield* n.manager.ban(subnet("::ffff:10.1.0.0/112"), { forMs: 30 * minute })
        const told = yield* Effect.forkChild(Effect.gen(function*() {
          const raw = yield* dial(network.host(ip("10.1.0.7")), ip("10.200.0.1"))
          yield* raw.say(hello(ip("10.200.0.1")))
          return yield* raw.until("Reject")
        }))
        yield* TestClock.adjust("1 second")
        const { reason, retryAfterMs } = yield* Fiber.join(told)
        assert.strictEqual(reason, "banned")
        assert.strictEqual(retryAfterMs, Limits.retryBannedMs, "the node could not dial it when the ban is lifted")
        const before = n.events.length
        for (let i = 0; i < 200; i++) {
          const raw = yield* dial(network.host(ip(`10.1.1.${i}`)), ip("10.200.0.1"))
          yield* Effect.forkScoped(raw.say(hello(ip("10.200.0.1"))))
        }
        yield* TestClock.adjust(Limits.turnedAwayEveryMs + 1_000)
        const after = n.events.slice(before)
        assert.deepStrictEqual(after.map(({ _tag }) => _tag), ["TurnedAway"], "they cost one event")
        assert.deepStrictEqual(n.of("TurnedAway").map(({ sockets }) => sockets), [200])
        assert.deepStrictEqual(yield* n.state.peers, [], "and no row")
      })))

  it.effect("closes the door before anything is spent on a socket, and opens it once in ten seconds for a word", () =>
    onMesh(5, ({ network }) =>
      Effect.gen(function*() {
        let door: Door | undefined
        const host = network.host(ip("10.200.0.1"))
        const watched = PeerSocket.of({
          ...host,
          listen: (at) =>
            Effect.map(host.listen(at), (listener) => ({
              ...listener,
              run: (handler, given) => {
                door = given
                return listener.run(handler, given)
              }
            }))
        })
        const n = yield* Effect.orDie(TestNode.start(watched, { ip: ip("10.200.0.1") }))
        assert(door !== undefined)
        const { admits } = door
        yield* n.manager.ban(subnet("10.1.0.0/16"))
        const [bad, other] = [ip("10.1.0.7"), ip("10.2.0.7")]
        assert.deepStrictEqual(
          [bad, bad, other].map(admits),
          ["stranger", "stranger", "stranger"],
          "nobody was told yet"
        )
        yield* Effect.forkScoped(
          Effect.ignore(Effect.flatMap(dial(network.host(bad), n.ip), (raw) => raw.until("Reject")))
        )
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([bad, ip("10.1.9.9"), other].map(admits), ["refused", "refused", "stranger"])
        yield* TestClock.adjust(Limits.bannedWordMs)
        assert.strictEqual(admits(bad), "stranger")
        assert.deepStrictEqual(n.of("TurnedAway").map(({ sockets }) => sockets), [2])
      })))

  it.effect("survives a restart with what is left of it, and why explains it", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        const peerStore = PeerStoreMemory.make()
        const first = yield* start(low, { peers: [high], peerStore })
        const b = yield* start(high)
        yield* TestClock.adjust("5 seconds")
        yield* first.manager.ban(subnet(high), { forMs: 60 * minute, reason: "rude" })
        yield* TestClock.adjust("20 minutes")
        yield* first.stop
        const second = yield* start(low, { peers: [high], peerStore })
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual((yield* second.up).length, 0)
        assert.deepStrictEqual(second.of("Dialling"), [])
        const [ban] = yield* second.manager.bans
        assert.closeTo(ban?.leftMs ?? 0, 30 * minute, 5_000)
        assert.include((yield* second.state.why(ip(high))).text, "30 min more, by the operator's command (rude)")
        yield* TestClock.adjust("31 minutes")
        yield* assertConnected(second, low, b, high)
      })))

  it.effect("is refused for the node itself, for no time and for ever; connect names the ban", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        const n = yield* start(low)
        const wrong = (text: string, forMs?: number) =>
          Effect.map(Effect.flip(n.manager.ban(subnet(text), { forMs })), ({ message }) => message)
        assert.include(yield* wrong(low), "is of this node itself")
        assert.include(yield* wrong(high, 10), "between 1 s and 365 days")
        assert.include(yield* wrong(high, Number.POSITIVE_INFINITY), "between 1 s and 365 days")
        assert.include(yield* wrong(high, Number.NaN), "between 1 s and 365 days")
        yield* n.manager.ban(subnet("10.0.0.0/24"), { reason: "all of them" })
        const { message } = yield* Effect.flip(n.manager.connect({ ip: ip(high), port }))
        assert.include(
          message,
          "is banned here with 10.0.0.0/24 (all of them); lift the ban first: timemesh unban 10.0.0.0/24"
        )
      })))
})

describe("a ban by score", () => {
  const node = "10.200.0.1"
  const bad = ip("10.1.0.66")
  /** Good peers, which are there and send nothing wrong. */
  const friends = (count: number, network: Parameters<Parameters<typeof onMesh>[1]>[0]["network"]) =>
    Effect.forEach(
      Array.from({ length: count }, (_, i) => ip(`10.2.0.${i + 1}`)),
      (at, i) =>
        join(network.host(at), ip(node), [], { process: `f${i}`.padStart(16, "0"), nonce: BigInt(1_000 + i) }, at)
    )
  const breakFrames = (
    network: Parameters<Parameters<typeof onMesh>[1]>[0]["network"],
    times: number,
    from: PeerIp = bad
  ) =>
    Effect.gen(function*() {
      for (let i = 0; i < times; i++) {
        const raw = yield* join(network.host(from), ip(node), [], { nonce: BigInt(2 + i) }, from)
        yield* raw.bytes(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1))
        yield* TestClock.adjust("2 seconds")
      }
    })

  it.effect("comes with the fifth broken frame, tells its offences to why, doubles, and leaves the others alone", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const n = yield* start(node)
        yield* friends(Limits.goodPeersLeast, network)
        yield* breakFrames(network, 4)
        assert.deepStrictEqual(n.of("Banned"), [])
        yield* breakFrames(network, 1)
        assert.deepStrictEqual(
          n.of("Banned").map(({ by, forMs, subnet }) => [subnet, by, forMs]),
          [[bad, "score", Limits.scoreBanMs]]
        )
        assert.deepStrictEqual(n.of("Offence").map(({ ip, points }) => [ip, Math.round(points / 22)]), [
          [bad, 1],
          [bad, 2],
          [bad, 3],
          [bad, 4],
          [bad, 5]
        ])
        const { offences, situation, text } = yield* n.state.why(bad)
        assert.strictEqual(situation, "banned-here")
        assert.match(text, /by the score of its offences \(malformed: .*Offences: malformed \(.*\) 5×, 2\.0 s ago/)
        assert.deepStrictEqual(offences?.map(({ kind, times }) => [kind, times]), [["malformed", 5]])
        yield* TestClock.adjust(Limits.scoreBanMs)
        assert.deepStrictEqual(n.of("Unbanned").map(({ subnet }) => subnet), [Subnet.ofOne(bad)])
        yield* friends(Limits.goodPeersLeast, network)
        yield* breakFrames(network, 5)
        assert.deepStrictEqual(n.of("Banned").map(({ forMs }) => forMs), [Limits.scoreBanMs, 2 * Limits.scoreBanMs])
        assert.strictEqual((yield* n.up).length, Limits.goodPeersLeast)
      })))

  it.effect("comes with the fifth broken frame over a restart too, unless the node was away for long; the second ban is doubled", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const peerStore = PeerStoreMemory.make()
        const started = () => start(node, { peerStore })
        let n = yield* started()
        yield* breakFrames(network, 4)
        yield* n.stop
        n = yield* started()
        yield* friends(Limits.goodPeersLeast, network)
        const { offences } = yield* n.state.why(bad)
        assert.deepStrictEqual(offences?.map(({ kind, times }) => [kind, times]), [["malformed", 4]])
        yield* breakFrames(network, 1)
        assert.deepStrictEqual(n.of("Banned").map(({ forMs }) => forMs), [Limits.scoreBanMs])
        yield* TestClock.adjust(Limits.scoreBanMs)
        yield* breakFrames(network, 4)
        yield* n.stop
        yield* TestClock.adjust(3 * Limits.scoreHalfLifeMs)
        n = yield* started()
        yield* friends(Limits.goodPeersLeast, network)
        yield* breakFrames(network, 4)
        assert.deepStrictEqual(n.of("Banned"), [], "what it did before has halved three times")
        yield* breakFrames(network, 1)
        assert.deepStrictEqual(n.of("Banned").map(({ forMs }) => forMs), [2 * Limits.scoreBanMs])
      })))

  it.effect("comes with one false block; whoever only is late is never accused", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const n = yield* start(node, { chain: yield* makeChain(3) })
        yield* friends(Limits.goodPeersLeast, network)
        const chain = { capabilities: Handshake.capabilities | Handshake.Capability.chain }
        // It says that it has more, and never answers.
        const late = ip("10.1.0.5")
        yield* join(network.host(late), ip(node), [], { ...chain, tipHeight: 900 }, late)
        yield* join(network.host(bad), ip(node), [{ _tag: "NewBlock", block: Uint8Array.of(1, 2, 3) }], chain, bad)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(
          n.of("Banned").map(({ detail, subnet }) => [subnet, detail]),
          [[bad, "false-block: malformed announced block"]]
        )
        assert.deepStrictEqual(downs(n, bad), ["banned"])
        yield* TestClock.adjust("10 minutes")
        assert.isNotEmpty(downs(n, late))
        assert.deepStrictEqual(n.of("Offence").map((offence) => offence.ip), [bad])
      })))

  it.effect("leaves at least so many good peers: with one fewer the connection ends, and nobody is banned", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const n = yield* start(node)
        yield* friends(Limits.goodPeersLeast - 1, network)
        yield* breakFrames(network, 6)
        assert.deepStrictEqual(n.of("Banned"), [])
        assert.deepStrictEqual(n.of("Offence").map(({ spared }) => spared).slice(4), ["few-peers", "few-peers"])
        assert.strictEqual(n.of("Down").filter((down) => down.ip === bad).length, 6)
        // The floor is reached again: what it does from now on counts with what it did.
        yield* friends(Limits.goodPeersLeast, network)
        yield* breakFrames(network, 1)
        assert.strictEqual(n.of("Banned").length, 1)
      })))

  it.effect("never meets a peer that the operator named, nor anybody while the node is in trouble", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const wall = { ms: 0 }
        const n = yield* Effect.provideServiceEffect(start(node, { peers: [bad] }), Clock.Clock, steppedClock(wall))
        yield* friends(Limits.goodPeersLeast, network)
        yield* breakFrames(network, 6)
        assert.deepStrictEqual(n.of("Offence").map(({ spared }) => spared).slice(4), ["configured", "configured"])
        assert.deepStrictEqual(n.of("Banned"), [])
        const other = ip("10.1.0.67")
        yield* breakFrames(network, 4, other)
        // The wall clock is set by an hour.
        wall.ms = -3_600_000
        yield* breakFrames(network, 1, other)
        assert.deepStrictEqual(n.of("Offence", other).map(({ spared }) => spared).slice(4), ["clock"])
        // Its friends say nothing, and are lost at once: a trouble as well.
        yield* TestClock.adjust(Limits.troubleMs)
        yield* friends(Limits.goodPeersLeast, network)
        yield* breakFrames(network, 1, other)
        assert.deepStrictEqual(n.of("Offence", other).map(({ spared }) => spared).slice(5), ["timeouts"])
        yield* TestClock.adjust(2 * Limits.troubleMs)
        yield* friends(Limits.goodPeersLeast, network)
        yield* breakFrames(network, 1, other)
        assert.deepStrictEqual(n.of("Banned").map(({ subnet }) => subnet), [Subnet.ofOne(other)])
      })))
})
