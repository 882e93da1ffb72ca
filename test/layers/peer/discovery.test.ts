/** How soon a running node that knows one address knows its network: in rounds of exchange, and in seconds of the node's own clock. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Handshake from "../../../src/domain/pair/Handshake.ts"
import type { PeerIp } from "../../../src/domain/peer/PeerIp.ts"
import type { Hello } from "../../../src/domain/wire/Message.ts"
import type { Decoded } from "../../../src/domain/wire/Wire.ts"
import type * as RawPeer from "../../../src/testing/RawPeer.ts"
import { answerOf, type Member, memberIp, network as networkOf } from "../../harness/discoveryNetwork.ts"
import { ip, onMesh, port, type Running } from "../../harness/mesh.ts"
import { randomFrom } from "../../harness/random.ts"
import { acceptEach, dial, hello } from "../../harness/rawPeer.ts"

const us = ip("5.0.0.9")

const knownOf = (node: Running) => Effect.map(node.state.sizes, ({ book }) => book.new + book.tried)

/** Seconds until the node knows so many. */
const secondsUntil = Effect.fnUntraced(function*(node: Running, count: number, most: number) {
  for (let s = 0.5; s <= most; s += 0.5) {
    yield* TestClock.adjust(500)
    if ((yield* knownOf(node)) >= count) return s
  }
  return undefined
})

const nodes = 200

/** `full`: which of the members have no place, and turn a newcomer away as a node does. */
const newcomer = (places: number, full: "none" | "half" | "all", seed: number) =>
  onMesh(40, ({ network, start }) =>
    Effect.gen(function*() {
      const random = randomFrom(seed)
      const members = networkOf(nodes, places, random)
      const seedIp = memberIp(random(nodes))
      /** In which round each address was told first: what the first peer tells is the first. */
      const round = new Map<PeerIp, number>([[seedIp, 0]])
      const told = (by: PeerIp, addresses: ReadonlyArray<{ readonly ip: PeerIp }>) => {
        const next = (round.get(by) ?? 0) + 1
        for (const { ip } of addresses) round.set(ip, Math.min(round.get(ip) ?? next, next))
      }
      const answer = Effect.fnUntraced(function*(raw: RawPeer.RawPeer, member: Member, most?: number) {
        const peers = answerOf(member, us, port, random, most)
        told(member.ip, peers)
        yield* raw.say({ _tag: "Peers", peers })
      })
      let i = 0
      for (const member of members.values()) {
        const isFull = full === "all" || (full === "half" && i++ % 2 === 0) || (full === "half" && member.ip === seedIp)
        yield* acceptEach(network.host(member.ip), member.ip, (raw) =>
          Effect.gen(function*() {
            yield* raw.say(hello(us, { listens: port, process: member.ip.replaceAll(".", "").padStart(16, "0") }))
            yield* raw.until("Hello")
            if (isFull) {
              yield* answer(raw, member, Limits.peersOnRefusal)
              yield* raw.say({ _tag: "Reject", reason: "full", text: "peer limit reached", retryAfterMs: 60_000 })
              return
            }
            yield* raw.until("Commit")
            yield* raw.say({ _tag: "Ack" })
            yield* raw.until("AskPeers")
            yield* answer(raw, member)
            return yield* Effect.never
          }))
      }
      const node = yield* start(us, { peers: [seedIp] })
      const most = Math.ceil(0.95 * nodes)
      const seconds = yield* secondsUntil(node, most, 60)
      const known = (r: number) => [...round.values()].filter((at) => at <= r).length
      const line =
        `${places} places, ${full} full, seed ${seed}: ${[1, 2, 3].map(known).join(", ")} of ${nodes} told in ` +
        `rounds 1, 2, 3; 95 % known after ${seconds} s`
      process.stdout.write(`${line}\n`)
      assert.isAtLeast(known(3), most, line)
      assert.isAtMost(seconds ?? Number.POSITIVE_INFINITY, 30, line)
    }))

describe("a node that knows one of 200", () => {
  for (const [places, full] of [[Limits.maxPeers, "none"], [12, "none"], [12, "half"], [12, "all"]] as const) {
    it.effect(`knows 95 % after three rounds and within 30 s: ${places} places each, ${full} full`, () =>
      newcomer(places, full, 1))
  }
})

describe("a full node", () => {
  it.effect("tells a peer that it turns away where else to look, and that peer finds its network", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const random = randomFrom(7)
        const places = { maxPeers: 4 }
        for (let i = 0; i < 14; i++) {
          yield* start(memberIp(i), { peers: i === 0 ? [] : [memberIp(random(i))], tuning: places })
        }
        yield* TestClock.adjust("1 minute")
        for (const address of [us, "99.0.0.9"]) {
          const node = yield* start(address, { peers: [memberIp(3)] })
          assert.isDefined(yield* secondsUntil(node, 13, 60), `${address}: ${yield* knownOf(node)} of 14 known`)
          yield* node.stop
        }
      })))

  it.effect("says nothing of the kind to a peer that does not read it", () =>
    onMesh(1, ({ network, start }) =>
      Effect.gen(function*() {
        const node = yield* start("21.0.0.1", { tuning: { maxPeers: 1 } })
        yield* start("22.0.0.1", { peers: [node.ip] })
        yield* TestClock.adjust("2 seconds")
        const heard = Effect.fnUntraced(function*(at: string, change: Partial<Hello>) {
          const raw = yield* dial(network.host(ip(at)), ip(node.ip))
          const talk = yield* Effect.forkChild(Effect.gen(function*() {
            yield* raw.say(hello(ip(node.ip), { listens: port, ...change }))
            const messages: Array<Decoded> = []
            while (messages.at(-1)?._tag !== "Reject") messages.push(yield* raw.next)
            return messages
          }))
          yield* TestClock.adjust(100)
          return yield* Fiber.join(talk)
        })
        const reads = yield* heard("30.0.0.1", {})
        assert.deepStrictEqual(reads.map(({ _tag }) => _tag), ["Hello", "Peers", "Reject"])
        assert.deepStrictEqual(reads.flatMap((message) => message._tag === "Peers" ? message.peers : []), [
          { ip: ip("22.0.0.1"), port }
        ])
        const { refusals } = Handshake.Capability
        const plain = yield* heard("30.0.0.2", { nonce: 2n, capabilities: Handshake.capabilities & ~refusals })
        assert.deepStrictEqual(plain.map(({ _tag }) => _tag), ["Hello", "Reject"])
      })))
})

describe("newcomers", () => {
  it.effect("are announced at once when they are few, and together when they are many", () =>
    onMesh(1, ({ network, start }) =>
      Effect.gen(function*() {
        yield* start(us)
        const join = (i: number) =>
          Effect.gen(function*() {
            const own = memberIp(i)
            const raw = yield* dial(network.host(own), us)
            const of = { process: String(i).padStart(16, "0"), tag: String(i).padStart(32, "0") }
            yield* raw.say(hello(us, { nonce: BigInt(i + 1), listens: port, ...of }))
            yield* raw.until("Commit")
            yield* raw.say({ _tag: "Ack" })
            return raw
          })
        const joined = Effect.fnUntraced(function*(i: number, ms: number) {
          const joining = yield* Effect.forkChild(join(i))
          yield* TestClock.adjust(ms)
          return yield* Fiber.join(joining)
        })
        const first = yield* joined(0, Limits.gossipEveryMs * 2)
        const messages: Array<{ readonly ms: number; readonly ips: ReadonlyArray<PeerIp> }> = []
        const began = yield* Clock.monotonicTimeNanos
        yield* Effect.forkChild(Effect.forever(Effect.gen(function*() {
          const message = yield* first.next
          if (message._tag !== "Peers") return
          const ms = Number(((yield* Clock.monotonicTimeNanos) - began) / 1_000_000n)
          messages.push({ ms, ips: message.peers.map(({ ip }) => ip) })
        })))
        // One newcomer is no burst: it is announced within the first time.
        yield* joined(1, Limits.gossipMs * 2)
        assert.deepStrictEqual(messages.map(({ ips }) => ips), [[memberIp(1)]])
        const burst = Array.from({ length: 20 }, (_, i) => memberIp(i + 2))
        for (const i of burst.keys()) yield* joined(i + 2, Limits.gossipMs * 2)
        yield* TestClock.adjust(Limits.gossipEveryMs)
        assert.sameMembers(messages.slice(1).flatMap(({ ips }) => ips), burst)
        for (const [i, { ms }] of messages.slice(1).entries()) {
          assert.isAtLeast(ms - (messages[i]?.ms ?? 0), Limits.gossipEveryMs, JSON.stringify(messages))
        }
        assert.isAtMost(messages.length, 2 + 20 * Limits.gossipMs * 2 / Limits.gossipEveryMs + 1)
      })))
})

describe("addresses before a connection is up", () => {
  it.effect("are read once, of a node that was dialled; of one that dialled they end the connection", () =>
    onMesh(1, ({ network, start }) =>
      Effect.gen(function*() {
        const peers = (i: number) => [{ ip: memberIp(i), port }]
        const heard: Array<string> = []
        yield* acceptEach(network.host(ip("30.0.0.1")), ip("30.0.0.1"), (raw) =>
          Effect.gen(function*() {
            // Of a node that has not said who it is they mean nothing.
            yield* raw.say(hello(us, { listens: port }))
            yield* raw.say({ _tag: "Peers", peers: peers(1) })
            yield* raw.say({ _tag: "Peers", peers: peers(2) })
            while (true) {
              const message = yield* raw.next
              heard.push(message._tag === "Reject" ? message.reason : message._tag)
            }
          }))
        const node = yield* start(us, { peers: ["30.0.0.1"] })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(node.of("PeerLearned").map(({ ip }) => ip), [ip("30.0.0.1"), memberIp(1)])
        assert.include(heard, "protocol")
        const raw = yield* dial(network.host(ip("31.0.0.1")), us)
        yield* Effect.forkChild(Effect.andThen(
          raw.say(hello(us, { nonce: 3n, process: "ee".repeat(8) })),
          raw.say({ _tag: "Peers", peers: peers(3) })
        ))
        yield* TestClock.adjust("1 second")
        assert.notInclude(node.of("PeerLearned").map(({ ip }) => ip), memberIp(3))
        assert.deepStrictEqual(node.of("Refused", "31.0.0.1").map(({ reason }) => reason.kind), ["protocol"])
      })))
})
