/** Seeds in a running node: when they are asked, what their answers may do, and how connections are spread over netgroups. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import { networks } from "../../../src/domain/Network.ts"
import type { NodeEvent } from "../../../src/domain/NodeEvent.ts"
import type { PeerIp } from "../../../src/domain/peer/PeerIp.ts"
import * as PeerIps from "../../../src/domain/peer/PeerIp.ts"
import type { Seed } from "../../../src/domain/peer/Seed.ts"
import * as Node from "../../../src/layers/node/Node.ts"
import * as PeerStoreMemory from "../../../src/layers/store/PeerStoreMemory.ts"
import { NameError, NameResolver } from "../../../src/services/NameResolver.ts"
import { defaultTuning } from "../../../src/services/NodeConfig.ts"
import { NodeEvents } from "../../../src/services/NodeEvents.ts"
import { PeerSocket } from "../../../src/services/PeerSocket.ts"
import { PeerState } from "../../../src/services/PeerState.ts"
import { PeerStore } from "../../../src/services/PeerStore.ts"
import { moving } from "../../../src/testing/moving.ts"
import { ip, onMesh, port } from "../../harness/mesh.ts"
import { acceptEach, hello, join } from "../../harness/rawPeer.ts"

const us = "10.0.0.1"
const named: Seed = { _tag: "Name", name: "seed.example.org", port }

/** A node that resolves names by `answer`, and when it asked. */
const startWith = Effect.fnUntraced(function*(
  sockets: PeerSocket["Service"],
  seeds: ReadonlyArray<Seed>,
  answer: (name: string) => Effect.Effect<ReadonlyArray<PeerIp>, NameError>,
  at = us
) {
  const events: Array<NodeEvent> = []
  const asked: Array<number> = []
  const scope = yield* Scope.make()
  const resolve = (name: string) =>
    Effect.andThen(
      Effect.flatMap(Effect.clockWith((clock) => clock.currentTimeMillis), (now) => Effect.sync(() => asked.push(now))),
      answer(name)
    )
  const watch = Layer.effectDiscard(
    Effect.flatMap(NodeEvents, (all) => all.listen((event) => void events.push(event)))
  )
  const services = yield* Node.layer({
    network: networks.devnet,
    listen: { ip: ip(at), port },
    advertise: undefined,
    peers: [],
    seeds,
    software: "seeds",
    tuning: defaultTuning
  }, watch).pipe(
    Layer.provide([
      Layer.succeed(PeerSocket, sockets),
      Layer.succeed(PeerStore, PeerStoreMemory.make()),
      Layer.succeed(NameResolver, { resolve })
    ]),
    Layer.buildWithMemoMap(Layer.makeMemoMapUnsafe(), scope)
  )
  yield* Effect.addFinalizer(() => moving(Scope.close(scope, Exit.void)))
  const of = <Tag extends NodeEvent["_tag"]>(tag: Tag) =>
    events.filter((event): event is Extract<NodeEvent, { readonly _tag: Tag }> => event._tag === tag)
  return { asked, of, state: Context.get(services, PeerState) }
})

const unknown = (name: string) => Effect.fail(new NameError({ name, code: "ENOTFOUND" }))

describe("seeds", () => {
  it.effect("give an empty node its first peers within seconds, and are asked no more", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const others = ["10.0.0.2", "10.0.0.3", "10.0.0.4"]
        for (const other of others) yield* start(other)
        const node = yield* startWith(network.host(ip(us)), [named], () => Effect.succeed(others.map(ip)))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual((yield* node.state.connected).length, 3)
        assert.deepStrictEqual(node.of("SeedAsked").map(({ addresses, detail, seed }) => [seed, addresses, detail]), [
          [`seed.example.org:${port}`, 3, undefined]
        ])
        yield* TestClock.adjust("20 minutes")
        assert.strictEqual(node.asked.length, 1)
        assert.deepStrictEqual(node.of("NoPeersKnown"), [])
      })))

  it.effect("are asked again while no peer is up, more and more seldom", () =>
    onMesh(5, ({ network }) =>
      Effect.gen(function*() {
        const node = yield* startWith(network.host(ip(us)), [named], unknown)
        yield* TestClock.adjust("4 hours")
        const waits = node.asked.map((at, i) => at - (node.asked[i - 1] ?? 0))
        assert.isAtMost(waits[0] ?? 0, 1.25 * Limits.seedFirstMs)
        for (const [i, waitMs] of waits.slice(1).entries()) {
          const usual = Math.min(Limits.seedMaxMs, Limits.seedAgainMs * 2 ** i)
          assert.isTrue(waitMs >= 0.75 * usual && waitMs <= 1.25 * usual + 1, `wait ${i}: ${waitMs}`)
        }
        assert.isAtMost(node.asked.length, 11)
        assert.match(node.of("SeedAsked")[0]?.detail ?? "", /does not resolve \(ENOTFOUND\)/)
      })))

  it.effect("may say what they like: 64 addresses of an answer, none that is special or our own, 20 dials a second", () =>
    onMesh(5, ({ network }) =>
      Effect.gen(function*() {
        const lies = [us, "0.0.0.0", "224.0.0.1", "255.255.255.255", "169.254.1.1"].map(ip)
        const many = Array.from({ length: 1_000 }, (_, i) => ip(`10.7.${i >> 8}.${i & 255}`))
        for (const address of many) network.host(address)
        const node = yield* startWith(network.host(ip(us)), [named], () => Effect.succeed([...lies, ...many, ...many]))
        yield* TestClock.adjust("30 seconds")
        const dials = node.of("Dialling")
        const dialled = new Set(dials.map(({ ip }) => ip))
        assert.strictEqual(dialled.size, Limits.seedAddresses)
        assert.isTrue(lies.every((lie) => !dialled.has(lie)))
        const perSecond = dials.map(({ at: from }) => dials.filter(({ at }) => at >= from && at < from + 1_000).length)
        assert.isAtMost(Math.max(...perSecond), 20)
      })))

  it.effect("that hang are given up, and do not keep the list from its turn", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        yield* start("10.0.0.2")
        const listed: Seed = { _tag: "Address", address: { ip: ip("10.0.0.2"), port } }
        const node = yield* startWith(network.host(ip(us)), [named, listed], () => Effect.never)
        yield* TestClock.adjust("15 seconds")
        assert.deepStrictEqual(
          node.of("SeedAsked").map(({ detail, seed }) => [seed, detail]),
          [[`10.0.0.2:${port}`, undefined], [`seed.example.org:${port}`, "no answer"]]
        )
        assert.strictEqual((yield* node.state.connected).length, 1)
      })))
})

describe("connections are spread over netgroups", () => {
  /** Nodes at these addresses, which accept whoever dials. */
  const accepting = (
    network: { host: (ip: PeerIp) => PeerSocket["Service"] },
    at: string,
    all: ReadonlyArray<PeerIp>
  ) =>
    Effect.forEach(all, (address, i) =>
      acceptEach(network.host(address), address, (raw) =>
        Effect.gen(function*() {
          yield* raw.say(hello(ip(at), { listens: port, process: String(i).padStart(16, "0") }))
          yield* raw.until("Commit")
          yield* raw.say({ _tag: "Ack" })
          return yield* Effect.never
        })), { discard: true })

  it.effect("a crowd of one netgroup comes after every other netgroup that was told of", () =>
    onMesh(5, ({ network }) =>
      Effect.gen(function*() {
        const at = "20.0.0.1"
        const crowd = Array.from({ length: 100 }, (_, i) => ip(`50.1.${i}.1`))
        const others = Array.from({ length: 20 }, (_, i) => ip(`60.${i}.0.1`))
        yield* accepting(network, at, [...crowd, ...others])
        const node = yield* startWith(network.host(ip(at)), [], unknown, at)
        const tell = (n: number, peers: ReadonlyArray<PeerIp>) =>
          join(
            network.host(ip(`70.${n}.0.1`)),
            ip(at),
            [{ _tag: "Peers", peers: peers.map((ip) => ({ ip, port })) }],
            { nonce: BigInt(n + 2), process: "f".repeat(15) + n, tag: "f".repeat(31) + n, listens: 0 }
          )
        // The crowd is first, and has five seconds for itself.
        yield* tell(1, crowd)
        yield* TestClock.adjust("4 seconds")
        yield* tell(2, others)
        yield* TestClock.adjust("15 seconds")
        const ups = node.of("Up").filter(({ direction }) => direction === "outbound").map(({ ip }) => ip)
        const share = ups.filter((address) => PeerIps.netgroup(address) === "50.1/16").length
        assert.strictEqual(ups.length - share, others.length, "all of the others")
        assert.isAtMost(share, 10)
        assert.isAtLeast(share, 1)
      })))
})
