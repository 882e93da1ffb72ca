/** This node's own address in a running node: what peers see becomes an event, is told to peers, and is tried by a dial back. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Handshake from "../../../src/domain/pair/Handshake.ts"
import type { Message } from "../../../src/domain/wire/Message.ts"
import { assertConnected, downs, ip, onMesh, port } from "../../harness/mesh.ts"
import { acceptEach, hello, join } from "../../harness/rawPeer.ts"

const us = "10.0.0.1"

/** A peer of that number, which ranks higher, sees this node at `seen`. */
const identity = (i: number, seen: string) => ({
  peer: ip(seen),
  nonce: BigInt(i + 2),
  process: String(i).padStart(16, "0"),
  tag: String(i).padStart(32, "0")
})

describe("the own address of a node", () => {
  it.effect("that three peers see is reported once, and a later one again and to those that know the first", () =>
    onMesh(1, ({ network, start }) =>
      Effect.gen(function*() {
        const node = yield* start(us, { listen: "any" })
        const see = (i: number, seen: string) =>
          join(network.host(ip(`10.8.0.${i}`)), ip(us), [], { ...identity(i, seen), listens: 0 })
        const first = yield* see(1, us)
        yield* see(2, us)
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(node.of("OwnAddressSeen"), [], "two are no quorum")
        yield* see(3, us)
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(node.of("OwnAddressSeen").map(({ before, groups, ip }) => [ip, before, groups]), [
          [ip(us), undefined, 3]
        ])
        const own = yield* node.state.own
        assert.deepStrictEqual([own.ip, own.isConfirmed, own.notices], [ip(us), true, []])
        // Four more see another one: those that came first are still connected by the former.
        for (let i = 4; i < 8; i++) yield* see(i, "10.0.0.99")
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(
          node.of("OwnAddressSeen").slice(1).map(({ before, groups, ip }) => [ip, before, groups]),
          [[ip("10.0.0.99"), ip(us), 4]]
        )
        const told = yield* first.until("Peers")
        assert.deepStrictEqual(told.peers, [{ ip: ip("10.0.0.99"), port }])
      })))

  it.effect("keeps no peer out: what strangers claim is never taken for a reason not to dial", () =>
    onMesh(1, ({ network, start }) =>
      Effect.gen(function*() {
        const node = yield* start(us, { listen: "any" })
        for (let i = 1; i < 6; i++) {
          yield* join(network.host(ip(`10.8.0.${i}`)), ip(us), [], { ...identity(i, "10.0.0.7"), listens: 0 })
        }
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(node.of("OwnAddressSeen", "10.0.0.7").length, 1)
        const victim = yield* start("10.0.0.7")
        yield* node.manager.connect({ ip: ip("10.0.0.7"), port })
        yield* TestClock.adjust("10 seconds")
        yield* assertConnected(node, us, victim, "10.0.0.7")
      })))
})

describe("reachability", () => {
  it.effect("a node that only dials is dialled back, and no connection suffers", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        const node = yield* start(us, { peers: ["10.0.0.2", "10.0.0.3"] })
        const others = [yield* start("10.0.0.2"), yield* start("10.0.0.3")]
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual(
          node.of("Reachability").map(({ detail, reachable }) => [reachable, detail]),
          [["yes", "a peer dialled back"]]
        )
        assert.strictEqual((yield* node.state.own).reachable, "yes")
        for (const other of others) assert.deepStrictEqual(downs(other), [])
        assert.deepStrictEqual(downs(node), [])
        // The dial back ends before its Hello, as asked for: it is no failed attempt.
        assert.deepStrictEqual(node.of("Refused"), [])
        // The higher of the two is dialled by the lower one, which shows it.
        assert.deepStrictEqual(others[1]?.of("Reachability").map(({ detail }) => detail), ["a peer came in"])
      })))

  it.effect("a node whose port is closed from outside learns it from two peers, with advice", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const node = yield* start(us, { peers: ["10.0.0.2", "10.0.0.3"] })
        yield* start("10.0.0.2")
        yield* start("10.0.0.3")
        yield* TestClock.adjust("10 seconds")
        yield* network.block(ip(us))
        yield* TestClock.adjust("12 minutes")
        assert.deepStrictEqual(
          node.of("Reachability").map(({ detail, reachable }) => [reachable, detail]),
          [["no", "dials of peers are not answered"]]
        )
        const { line, notices } = yield* node.state.own
        assert.match(line, /^10\.0\.0\.1:24200, seen by peers of 2 netgroups, not reachable/)
        assert.deepStrictEqual(notices.map(({ notice }) => notice), ["unreachable"])
        assert.match((yield* node.state.why(ip(us))).text, /cannot reach this node.*open TCP port 24200/)
        yield* network.allow(ip(us))
        yield* TestClock.adjust("30 minutes")
        assert.deepStrictEqual(node.of("Reachability").map(({ reachable }) => reachable), ["no", "yes"])
      })))

  /** A peer that asks to be dialled back, on a host where `listens` says who answers. */
  const asks = (more: number, listens: number, body: "nobody" | "itself" | "another") =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const node = yield* start(us)
        const asker = ip("10.0.0.9")
        const host = network.host(asker)
        const itself = identity(1, us)
        let dials = 0
        if (body !== "nobody") {
          yield* acceptEach(host, asker, (raw) =>
            Effect.gen(function*() {
              dials += 1
              yield* raw.say(hello(ip(us), body === "itself" ? itself : { ...itself, process: "ee".repeat(8) }))
              return yield* Effect.never
            }))
        }
        const questions = Array.from({ length: 1 + more }, (_, request): Message => ({ _tag: "AskDialBack", request }))
        const raw = yield* join(host, ip(us), questions, { ...itself, listens })
        const answers: Array<string> = []
        yield* Effect.forkScoped(Effect.forever(Effect.map(raw.until("DialBack"), ({ ip, port, request, result }) => {
          answers.push(`${request} ${result} ${ip} ${port}`)
        })))
        // A raw peer answers no ping.
        yield* TestClock.adjust("20 seconds")
        assert.strictEqual(node.of("Down").length, 0)
        return { answers, dials }
      }))

  it.effect("answers what it met: the asker, another node, nobody", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* asks(0, port, "itself")).answers, [`0 reached 10.0.0.9 ${port}`])
      assert.deepStrictEqual((yield* asks(0, port, "another")).answers, [`0 another-node 10.0.0.9 ${port}`])
      assert.deepStrictEqual((yield* asks(0, port, "nobody")).answers, [`0 refused 10.0.0.9 ${port}`])
    }))

  it.effect("is no reflector: one dial per asker in ten minutes, and no privileged port", () =>
    Effect.gen(function*() {
      const { answers, dials } = yield* asks(50, port, "itself")
      assert.deepStrictEqual([answers.length, dials], [1, 1])
      assert.deepStrictEqual((yield* asks(0, 22, "nobody")).answers, [])
    }))

  it.effect("dials back a few in all, however many ask", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        yield* start(us)
        let answers = 0
        for (let i = 1; i <= 12; i++) {
          const raw = yield* join(network.host(ip(`10.8.0.${i}`)), ip(us), [], { ...identity(i, us), listens: port })
          yield* Effect.forkScoped(Effect.forever(Effect.map(raw.until("DialBack"), () => answers += 1)))
          yield* Effect.forkScoped(raw.say({ _tag: "AskDialBack", request: 1 }))
        }
        // Twelve seconds went by: what was there at once, and what came back since.
        yield* TestClock.adjust("1 second")
        assert.isAtMost(answers, Limits.dialBackRate.burst + Math.ceil(13 * Limits.dialBackRate.perSecond))
        assert.isAtLeast(answers, Limits.dialBackRate.burst)
      })))

  it.effect("asks only peers that dial back, and believes no answer that it did not ask for", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const node = yield* start(us, { listen: "any" })
        const capabilities = Handshake.capabilities & ~Handshake.Capability.dialBack
        const lie: Message = { _tag: "DialBack", request: 1, result: "no-answer", ip: ip(us), port }
        const old = yield* join(network.host(ip("10.0.0.9")), ip(us), [lie], { ...identity(1, us), capabilities })
        yield* join(network.host(ip("10.0.0.8")), ip(us), [lie], { ...identity(2, us), capabilities })
        let asked = 0
        yield* Effect.forkScoped(Effect.forever(Effect.map(old.until("AskDialBack"), () => asked += 1)))
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual((yield* node.state.own).reachable, "unknown")
        assert.strictEqual(asked, 0)
      })))
})
