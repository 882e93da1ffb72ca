/** The peer book in a running node: who is dialled, how often, what is asked and answered, and how a node comes back. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Random, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import { networks } from "../../../src/domain/Network.ts"
import type { NodeEvent } from "../../../src/domain/NodeEvent.ts"
import * as KnownAddress from "../../../src/domain/peer/KnownAddress.ts"
import type { Placed } from "../../../src/domain/peer/KnownAddress.ts"
import { PeerBook } from "../../../src/domain/peer/PeerBook.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as Node from "../../../src/layers/node/Node.ts"
import * as PeerStoreMemory from "../../../src/layers/store/PeerStoreMemory.ts"
import { defaultTuning } from "../../../src/services/NodeConfig.ts"
import { NodeEvents } from "../../../src/services/NodeEvents.ts"
import { PeerSocket } from "../../../src/services/PeerSocket.ts"
import { PeerState } from "../../../src/services/PeerState.ts"
import { PeerStore } from "../../../src/services/PeerStore.ts"
import { moving } from "../../../src/testing/moving.ts"
import { assertConnected, ip, onMesh, port } from "../../harness/mesh.ts"
import { acceptEach, hello, join, nowhere } from "../../harness/rawPeer.ts"

const us = "10.0.0.1"

/** A process of a node whose book outlives it. */
const startWith = Effect.fnUntraced(function*(
  sockets: PeerSocket["Service"],
  store: PeerStore["Service"],
  maxPeers: number = Limits.maxPeers
) {
  const events: Array<NodeEvent> = []
  const scope = yield* Scope.make()
  const watch = Layer.effectDiscard(
    Effect.flatMap(NodeEvents, (all) => all.listen((event) => void events.push(event)))
  )
  const services = yield* Node.layer({
    network: networks.devnet,
    listen: { ip: ip(us), port },
    advertise: undefined,
    peers: [],
    software: "book",
    tuning: { ...defaultTuning, maxPeers }
  }, watch).pipe(
    Layer.provide([Layer.succeed(PeerSocket, sockets), Layer.succeed(PeerStore, store)]),
    Layer.buildWithMemoMap(Layer.makeMemoMapUnsafe(), scope)
  )
  yield* Effect.addFinalizer(() => moving(Scope.close(scope, Exit.void)))
  const dialled = () => events.flatMap((event) => event._tag === "Dialling" ? [event] : [])
  return { events, dialled, state: Context.get(services, PeerState), stop: Scope.close(scope, Exit.void) }
})

const stored = (book: ReadonlyArray<Placed>, anchors: ReadonlyArray<PeerIp.PeerIp> = []) =>
  PeerStoreMemory.make({ key: new Uint8Array(16), book, anchors, bans: [], offenders: [] })

const mostWithin = (times: ReadonlyArray<number>, ms: number): number =>
  Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + ms).length))

describe("the peer book of a node", () => {
  it.effect("lists of addresses make no dial storm: 20 a second in all, one a minute each, no privileged port", () =>
    onMesh(1, ({ network, start }) =>
      Effect.gen(function*() {
        const node = yield* start(us)
        const lists = Array.from({ length: 2 }, (_, i) => nowhere(200, i * 200))
        // Victims that refuse at once: the storm would have no other brake.
        for (const { ip } of lists.flat()) network.host(ip)
        const low = [1, 22, 80, 443, 1_023].map((port, i) => ({ ip: ip(`10.6.0.${i}`), port }))
        const special = ["0.0.0.0", "224.0.0.1", "255.255.255.255", "127.0.0.9", us].map((text) => ({
          ip: ip(text),
          port
        }))
        for (const [i, peers] of lists.entries()) {
          yield* join(
            network.host(ip(`10.8.0.${i + 1}`)),
            ip(us),
            [{ _tag: "Peers", peers: [...low, ...special, ...peers] }, { _tag: "Peers", peers }],
            { nonce: BigInt(i + 2), process: String(i).padStart(16, "0"), tag: String(i).padStart(32, "0") }
          )
        }
        yield* TestClock.adjust("150 seconds")
        const dials = node.of("Dialling").filter(({ ip }) => !ip.startsWith("10.8."))
        assert.isAbove(new Set(dials.map(({ ip }) => ip)).size, 390, "all of them have their turn")
        assert.isAtMost(mostWithin(dials.map(({ at }) => at), 1_000), 20)
        for (const { ip } of lists.flat()) {
          const at = dials.flatMap((dial) => dial.ip === ip ? [dial.at] : [])
          for (let i = 1; i < at.length; i++) assert.isAtLeast((at[i] ?? 0) - (at[i - 1] ?? 0), 60_000, ip)
        }
        assert.deepStrictEqual(dials.filter(({ port }) => port < 1_024), [])
        assert.deepStrictEqual(dials.filter(({ ip }) => special.some((address) => address.ip === ip)), [])
        assert.isAtMost((yield* node.state.peers).length, Limits.candidates + 4)
      })))

  it.effect("answers questions for addresses, a few times", () =>
    onMesh(1, ({ network, start }) =>
      Effect.gen(function*() {
        yield* start(us)
        yield* start("10.0.0.2", { peers: [us] })
        yield* TestClock.adjust("5 seconds")
        const ask = { _tag: "AskPeers" } as const
        const asks = Array.from({ length: Limits.peerAnswers + 2 }, () => ask)
        const raw = yield* join(network.host(ip("10.0.0.9")), ip(us), asks)
        let answers = 0
        yield* Effect.forkScoped(Effect.forever(Effect.map(raw.until("Peers"), ({ peers }) => {
          assert.deepStrictEqual(peers, [{ ip: ip("10.0.0.2"), port }])
          answers += 1
        })))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(answers, Limits.peerAnswers)
        assert.strictEqual(
          (yield* raw.until("AskPeers").pipe(Effect.timeoutOption(1), Effect.forkScoped)).pollUnsafe(),
          undefined
        )
      })))

  it.effect("passes on only what has shaken hands with it", () =>
    onMesh(1, ({ network, start }) =>
      Effect.gen(function*() {
        yield* start(us)
        yield* join(network.host(ip("10.0.0.8")), ip(us), [{ _tag: "Peers", peers: nowhere(100) }], { nonce: 5n })
        yield* start("10.0.0.2", { peers: [us] })
        yield* TestClock.adjust("30 seconds")
        const raw = yield* join(network.host(ip("10.0.0.9")), ip(us), [{ _tag: "AskPeers" }])
        const { peers } = yield* raw.until("Peers")
        assert.deepStrictEqual(peers.map(({ ip }) => ip), [ip("10.0.0.2")])
      })))

  it.effect("after a restart the last good peers are dialled first, then others that shook hands", () =>
    onMesh(1, ({ network, start }) =>
      Effect.gen(function*() {
        const now = 0
        const book = Array.from({ length: 300 }, (_, i): Placed => ({
          known: { ...KnownAddress.make({ ip: ip(`10.7.${i >> 8}.${i & 255}`), port }, now), goodAt: i },
          table: "tried",
          bucket: 0
        }))
        const friend = yield* start("10.0.0.7")
        const anchors = [ip("10.0.0.7"), ip("10.7.0.3")]
        const known: Placed = { known: KnownAddress.make({ ip: ip("10.0.0.7"), port }, now), table: "tried", bucket: 0 }
        const node = yield* startWith(network.host(ip(us)), stored([...book, known], anchors))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(node.dialled().slice(0, 2).map(({ ip }) => ip), anchors)
        assert.isAbove(new Set(node.dialled().map(({ ip }) => ip)).size, 20)
        assert.strictEqual(friend.of("Up", us).length, 1)
        assert.isAtMost((yield* node.state.peers).length, Limits.storedPeers + Limits.seekFirstRows + 2)
      })))

  it.effect("what it learned is there after a restart, with the peers that were up as anchors", () =>
    onMesh(1, ({ network, start }) =>
      Effect.gen(function*() {
        const store = PeerStoreMemory.make()
        const first = yield* startWith(network.host(ip(us)), store)
        const seed = yield* start("10.0.0.2", { peers: [us] })
        const third = yield* start("10.0.0.3", { peers: ["10.0.0.2"] })
        yield* TestClock.adjust("2 minutes")
        yield* Effect.forkScoped(first.stop)
        yield* TestClock.adjust("10 seconds")
        const { anchors, book } = yield* store.load
        assert.sameMembers([...anchors], [ip("10.0.0.2"), ip("10.0.0.3")])
        assert.sameMembers(book.map(({ known, table }) => `${known.ip} ${table}`), ["10.0.0.2 tried", "10.0.0.3 tried"])
        // They are told no more of it: it comes by itself.
        const again = yield* startWith(network.host(ip(us)), store)
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual((yield* again.state.connected).length, 2)
        yield* assertConnected(seed, "10.0.0.2", third, "10.0.0.3")
      })))

  it.effect("10,000 addresses of which a fifth answers: a good connection within 2 s, 8 within 10 s, after a restart", () =>
    onMesh(20, ({ network }) =>
      Effect.gen(function*() {
        const figures: Array<string> = []
        for (const [table, seed] of [["new", 1], ["new", 2], ["new", 3], ["new", 4], ["tried", 1]] as const) {
          const book = new PeerBook([seed, 6, 7, 8])
          for (let i = 0; i < 10_000; i++) {
            const address = { ip: ip(`${20 + (i >> 12)}.${(i >> 4) & 255}.0.${i & 15}`), port }
            if (table === "new") book.add(address, "operator", 0)
            else book.good(address.ip, { port, wire: "native", direction: "outbound" }, i)
          }
          const host = network.host(ip(us))
          const reachable = new Set<string>()
          const lazily = PeerSocket.of({
            ...host,
            dial: (to, options) =>
              Effect.gen(function*() {
                const bytes = PeerIp.toBytes(to.ip)
                const answers = ((bytes[13] ?? 0) * 7 + (bytes[15] ?? 0) * 3 + (bytes[12] ?? 0)) % 5 === 0
                if (answers && !reachable.has(to.ip)) {
                  reachable.add(to.ip)
                  yield* acceptEach(network.host(to.ip), to.ip, (raw) =>
                    Effect.gen(function*() {
                      yield* raw.say(
                        hello(ip(us), { listens: port, process: to.ip.replaceAll(".", "").padStart(16, "0") })
                      )
                      yield* raw.until("Commit")
                      yield* raw.say({ _tag: "Ack" })
                      return yield* Effect.never
                    })).pipe(Effect.provideService(Scope.Scope, scope), Effect.orDie)
                }
                return yield* host.dial(to, options)
              })
          })
          const scope = yield* Effect.scope
          const node = yield* Random.withSeed(startWith(lazily, stored([...book.entries()])), String(seed))
          const from = node.events.find(({ _tag }) => _tag === "Listening")?.at ?? 0
          yield* TestClock.adjust("10 seconds")
          const ups = node.events.flatMap((event) => event._tag === "Up" ? [event.at - from] : [])
          figures.push(
            `${table}, seed ${seed}: ${book.size} addresses, first up after ${ups[0]} ms, eighth after ${
              ups[7]
            } ms, ${ups.length} in 10 s`
          )
          assert.isAtMost(ups[0] ?? Number.POSITIVE_INFINITY, 2_000, figures.at(-1))
          assert.isAtMost(ups[7] ?? Number.POSITIVE_INFINITY, 10_000, figures.at(-1))
          yield* Effect.forkScoped(node.stop)
          yield* TestClock.adjust("6 seconds")
        }
        process.stdout.write(`${figures.join("\n")}\n`)
      })))

  it.effect("a full node tests an address of its book now and then, and does not keep the connection", () =>
    onMesh(1, ({ network, start }) =>
      Effect.gen(function*() {
        const store = PeerStoreMemory.make()
        const node = yield* startWith(network.host(ip(us)), store, 1)
        yield* start("10.0.0.2", { peers: [us] })
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual((yield* node.state.connected).length, 1)
        yield* start("10.0.0.3")
        yield* start("10.0.0.4", { peers: ["10.0.0.2", "10.0.0.3"] })
        yield* TestClock.adjust("30 minutes")
        assert.strictEqual((yield* node.state.connected).length, 1)
        assert.isAbove(node.dialled().length, 1)
        yield* Effect.forkScoped(node.stop)
        yield* TestClock.adjust("10 seconds")
        const { book } = yield* store.load
        assert.isTrue(
          book.some(({ known, table }) => known.ip === "10.0.0.3" && table === "tried"),
          "it answered the feeler"
        )
      })))
})
