/** What returns is dialled at once: after the node's own network, several peers, or a single link was gone. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Option } from "effect"
import { Socket } from "effect/socket"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import { networks } from "../../../src/domain/Network.ts"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import * as Node from "../../../src/layers/node/Node.ts"
import { type ConnectionEnd, socketFromEnd } from "../../../src/layers/socket/socketFromEnd.ts"
import * as PeerStoreMemory from "../../../src/layers/store/PeerStoreMemory.ts"
import { defaultTuning } from "../../../src/services/NodeConfig.ts"
import { PeerSocket } from "../../../src/services/PeerSocket.ts"
import { PeerState } from "../../../src/services/PeerState.ts"
import { longEffect } from "../../harness/long.ts"
import { ip, onMesh, port, type Running } from "../../harness/mesh.ts"
import { dial, hello } from "../../harness/rawPeer.ts"

const ips = Array.from({ length: 6 }, (_, i) => `10.0.0.${i + 1}`)
const [own = "", ...others] = ips

const seconds = (node: Running, from: number): ReadonlyArray<number> =>
  node.of("Dialling").filter(({ at }) => at >= from).map(({ at }) => Math.floor(at / 1_000))

const most = (numbers: ReadonlyArray<number>): number =>
  Math.max(0, ...numbers.map((n) => numbers.filter((other) => other === n).length))

/** Six nodes, all connected. */
const six = (start: Parameters<Parameters<typeof onMesh>[1]>[0]["start"]) =>
  Effect.gen(function*() {
    const nodes: Array<Running> = []
    for (const each of ips) nodes.push(yield* start(each, { peers: each === own ? [] : [own] }))
    yield* TestClock.adjust("1 minute")
    return nodes
  })

const missing = (nodes: ReadonlyArray<Running>) =>
  Effect.map(Effect.forEach(nodes, (node) => node.up), (ups) => ups.flatMap((up) => up.length === 5 ? [] : [up.length]))

/** Links between the two halves of the network. */
const across = ips.slice(0, 3).flatMap((a) => ips.slice(3).map((b) => [ip(a), ip(b)] as const))

describe("waits that are void", () => {
  for (const [minutes, within] of [[2, 16], [8, 16], [50, 16], [200, 40]] as const) {
    // The shorter ones take the same paths.
    const test = minutes >= 50 ? longEffect : it.effect
    test(`after ${minutes} minutes without our network, every peer is back within ${within} s of its return`, () =>
      onMesh(20, ({ network, start }) =>
        Effect.gen(function*() {
          const nodes = yield* six(start)
          for (const other of others) yield* network.cut(ip(own), ip(other))
          yield* TestClock.adjust(`${minutes} minutes`)
          assert.deepStrictEqual(yield* missing(nodes), [0, 4, 4, 4, 4, 4])
          const healedAt = yield* Clock.currentTimeMillis
          for (const other of others) yield* network.heal(ip(own), ip(other))
          yield* TestClock.adjust(`${within} seconds`)
          assert.deepStrictEqual(yield* missing(nodes), [])
          for (const node of nodes) assert.isAtMost(most(seconds(node, healedAt)), Limits.redialsPerSecond)
        })))
  }

  longEffect(
    "two halves that were apart for an hour are whole 16 s after it",
    () =>
      onMesh(20, ({ network, start }) =>
        Effect.gen(function*() {
          const nodes = yield* six(start)
          for (const [a, b] of across) yield* network.cut(a, b)
          yield* TestClock.adjust("55 minutes")
          assert.deepStrictEqual(yield* missing(nodes), [2, 2, 2, 2, 2, 2])
          for (const [a, b] of across) yield* network.heal(a, b)
          yield* TestClock.adjust("16 seconds")
          assert.deepStrictEqual(yield* missing(nodes), [])
        }))
  )

  longEffect(
    "however long they were apart, the first pair that is together again brings all the others",
    () =>
      onMesh(20, ({ network, start }) =>
        Effect.gen(function*() {
          const nodes = yield* six(start)
          for (const [a, b] of across) yield* network.cut(a, b)
          yield* TestClock.adjust("2 hours")
          for (const [a, b] of across) yield* network.heal(a, b)
          let waited = 0
          while ((yield* missing(nodes)).length === 6 && waited < 400) {
            yield* TestClock.adjust("1 second")
            waited += 1
          }
          yield* TestClock.adjust("8 seconds")
          assert.deepStrictEqual(yield* missing(nodes), [], `the first pair took ${waited} s`)
        }))
  )

  it.effect("a single link that was gone for 20 minutes: 16 s after it", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const nodes = yield* six(start)
        yield* network.cut(ip(ips[1] ?? ""), ip(ips[2] ?? ""))
        yield* TestClock.adjust("20 minutes")
        assert.deepStrictEqual(yield* missing(nodes), [4, 4])
        yield* network.heal(ip(ips[1] ?? ""), ip(ips[2] ?? ""))
        yield* TestClock.adjust("16 seconds")
        assert.deepStrictEqual(yield* missing(nodes), [])
      })))
})

describe("a peer that came back by itself", () => {
  it.effect("is dialled soon once its own dial fails, however long it could not be reached", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const away = "10.0.0.9"
        const node = yield* start(own, { peers: [away] })
        yield* start("10.0.0.8", { peers: [own] })
        // Long enough for the longest backoff.
        yield* TestClock.adjust("2 hours")
        const row = Effect.map(node.state.peers, (rows) => rows.find((row) => row.ip === away))
        assert.isAbove((yield* row)?.failures ?? 0, 10)
        // It says Hello, and is gone.
        const before = node.of("Dialling", away).length
        yield* Effect.forkScoped(Effect.gen(function*() {
          const raw = yield* dial(network.host(ip(away)), ip(own))
          yield* raw.say(hello(ip(own), { listens: port }))
          yield* Effect.sleep("100 millis")
          yield* raw.close
        }))
        yield* TestClock.adjust("5 seconds")
        assert.isAbove(node.of("Dialling", away).length, before)
      })))
})

const noEnd: ConnectionEnd = {
  pull: Effect.never,
  write: () => Effect.never,
  finish: () => {},
  close: () => {}
}

/** A node whose dials fail with the system's code, as the test says. */
const failing = (code: string, peers: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const dials: Array<number> = []
    const sockets = PeerSocket.of({
      addresses: () => [ip(own)],
      listen: (address) => Effect.succeed({ address, run: () => Effect.never }),
      dial: () =>
        Effect.sync(() => ({
          local: Effect.succeed(Option.none()),
          secured: Effect.succeedNone,
          socket: socketFromEnd(() => noEnd, () =>
            Effect.gen(function*() {
              dials.push(yield* Clock.currentTimeMillis)
              const cause = Object.assign(new Error(code), { code })
              return yield* new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind: "Unknown", cause }) })
            }))
        }))
    })
    const context = yield* Layer.build(
      Node.layer({
        network: networks.devnet,
        listen: { ip: ip(own), port: networks.devnet.port },
        advertise: undefined,
        peers: peers.map((peer) => PeerAddress.make(ip(peer), networks.devnet.port)),
        software: "test",
        tuning: defaultTuning
      }).pipe(Layer.provide([Layer.succeed(PeerSocket, sockets), PeerStoreMemory.layer()]))
    )
    return { dials, context }
  })

describe("faults of this node's own", () => {
  // An hour for the first: the others are the same faults to the node, and a backoff would be seen within minutes.
  for (
    const [code, minutes] of [["ENETUNREACH", 60], ["EHOSTUNREACH", 6], ["EADDRNOTAVAIL", 6], ["EMFILE", 6]] as const
  ) {
    it.effect(`${code} says nothing about the peer: it is tried again every 5 s, after ${minutes} minutes too`, () =>
      Effect.gen(function*() {
        const { dials, context } = yield* failing(code, ["10.0.0.2"])
        yield* TestClock.adjust(`${minutes} minutes`)
        const gaps = dials.slice(1).map((at, i) => at - (dials[i] ?? 0))
        assert.isAbove(gaps.length, 11.6 * minutes)
        assert.isAtMost(Math.max(...gaps), Limits.redialOwnFaultMs + 1)
        const rows = yield* Effect.provideContext(PeerState.use((state) => state.peers), context)
        assert.deepStrictEqual(rows.map(({ failures }) => failures), [0])
      }))
  }

  it.effect("a peer that refuses is another matter: a configured one is dialled every 30 s at most while no peer is up", () =>
    Effect.gen(function*() {
      const { dials } = yield* failing("ECONNREFUSED", ["10.0.0.2", "10.0.0.3"])
      yield* TestClock.adjust("1 hour")
      const late = dials.filter((at) => at > 600_000)
      assert.isAbove(late.length, 2 * 3_000 / 30)
      assert.isBelow(late.length, 2 * 3_000 / 15 + 2)
    }))
})
