/** The calls of the connection manager and of the node's own protocols: what each does, and what it leaves alone. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { SocketServer } from "effect/socket"
import { TestClock } from "effect/testing"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import { networks } from "../../../src/domain/Network.ts"
import type { NodeEvent } from "../../../src/domain/NodeEvent.ts"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import * as Subnet from "../../../src/domain/peer/Subnet.ts"
import * as Offence from "../../../src/domain/protection/Offence.ts"
import * as Node from "../../../src/layers/node/Node.ts"
import { listen } from "../../../src/layers/peer/Inbound.ts"
import * as PeerStoreMemory from "../../../src/layers/store/PeerStoreMemory.ts"
import { ConnectionManager, type Origin } from "../../../src/services/ConnectionManager.ts"
import { defaultTuning } from "../../../src/services/NodeConfig.ts"
import { NodeEvents } from "../../../src/services/NodeEvents.ts"
import { PeerMessages } from "../../../src/services/PeerMessages.ts"
import { type Listener, PeerSocket } from "../../../src/services/PeerSocket.ts"
import { PeerState } from "../../../src/services/PeerState.ts"
import { PeerStore } from "../../../src/services/PeerStore.ts"
import { moving } from "../../../src/testing/moving.ts"
import { ip, onMesh, port } from "../../harness/mesh.ts"
import { join } from "../../harness/rawPeer.ts"

const us = "10.0.0.1"

const start = Effect.fnUntraced(function*(sockets: PeerSocket["Service"], peers: ReadonlyArray<string> = []) {
  const events: Array<NodeEvent> = []
  const scope = yield* Scope.make()
  const watch = Layer.effectDiscard(
    Effect.flatMap(NodeEvents, (all) => all.listen((event) => void events.push(event)))
  )
  const services = yield* Node.layer({
    network: networks.devnet,
    listen: { ip: ip(us), port },
    advertise: undefined,
    peers: peers.map((peer) => ({ ip: ip(peer), port })),
    software: "manager",
    tuning: defaultTuning
  }, watch).pipe(
    Layer.provide([Layer.succeed(PeerSocket, sockets), Layer.succeed(PeerStore, PeerStoreMemory.make())]),
    Layer.buildWithMemoMap(Layer.makeMemoMapUnsafe(), scope)
  )
  yield* Effect.addFinalizer(() => moving(Scope.close(scope, Exit.void)))
  return {
    manager: Context.get(services, ConnectionManager),
    state: Context.get(services, PeerState),
    // Applications do not see it; the node's own layers do.
    messages: Context.get(services as Context.Context<Node.Node | PeerMessages>, PeerMessages),
    stop: moving(Scope.close(scope, Exit.void)),
    of: <Tag extends NodeEvent["_tag"]>(tag: Tag) =>
      events.filter((event): event is Extract<NodeEvent, { readonly _tag: Tag }> => event._tag === tag)
  }
})

/** A node with a peer that a raw socket stands for. */
const withPeer = Effect.fnUntraced(function*(
  network: Parameters<Parameters<typeof onMesh>[1]>[0]["network"],
  at = "10.0.0.9"
) {
  const node = yield* start(network.host(ip(us)))
  const raw = yield* join(network.host(ip(at)), ip(us))
  yield* TestClock.adjust("1 second")
  const up = node.of("Up").at(-1) ?? assert.fail("it is not up")
  const origin: Origin = { ip: ip(at), connection: up.connection }
  return { node, raw, origin, stale: { ...origin, connection: origin.connection + 1 } }
})

describe("the node's listener", () => {
  const listener = { address: PeerAddress.make(ip("10.0.0.1"), 1) } as Listener
  const made = (answers: Readonly<Record<string, string | undefined>>) => {
    const asked: Array<string> = []
    const sockets = {
      listen: (at: PeerAddress.PeerAddress) =>
        Effect.suspend(() => {
          asked.push(PeerAddress.format(at))
          const code = answers[at.ip]
          if (code === undefined) return Effect.succeed(listener)
          const cause = Object.assign(new Error(code), { code })
          return Effect.fail(
            new SocketServer.SocketServerError({ reason: new SocketServer.SocketServerOpenError({ cause }) })
          )
        })
    } as unknown as PeerSocket["Service"]
    const open = (at: string) =>
      Effect.runSyncExit(Effect.scoped(listen(sockets, { ip: at === "any" ? "any" : ip(at), port: 7 }, () => {})))
    return { asked, open }
  }

  it("is on the address that was asked for, and on no other where that fails", () => {
    const good = made({})
    assert.deepStrictEqual([good.open("10.0.0.1"), good.asked], [Exit.succeed(listener), ["10.0.0.1:7"]])
    const bad = made({ "10.0.0.1": "EADDRNOTAVAIL" })
    assert.isTrue(Exit.isFailure(bad.open("10.0.0.1")))
    assert.deepStrictEqual(bad.asked, ["10.0.0.1:7"])
  })

  it("for all addresses is on IPv6, which takes IPv4 too; on IPv4 alone where the host has no IPv6, but not where the port is in use", () => {
    const both = made({})
    assert.deepStrictEqual([both.open("any"), both.asked], [Exit.succeed(listener), ["[::]:7"]])
    const four = made({ "::": "EAFNOSUPPORT" })
    assert.deepStrictEqual([four.open("any"), four.asked], [Exit.succeed(listener), ["[::]:7", "0.0.0.0:7"]])
    const taken = made({ "::": "EADDRINUSE" })
    assert.isTrue(Exit.isFailure(taken.open("any")))
    assert.deepStrictEqual(taken.asked, ["[::]:7"])
  })
})

describe("the connection manager", () => {
  it.effect("dials a peer again at once when its old key was forgotten, and only then", () =>
    onMesh(5, ({ network }) =>
      Effect.gen(function*() {
        const host = network.host(ip(us))
        const known = new Set<string>(["10.0.0.7", "10.0.0.8"])
        const node = yield* start({ ...host, forgetKey: (of) => known.delete(of) }, ["10.0.0.8", "10.0.0.9"])
        // Nothing answers at either: the waits grow.
        yield* TestClock.adjust("10 minutes")
        const dials = () => node.of("Dialling").map((event) => `${event.ip}`)
        const next = Effect.map(
          node.state.peers,
          (rows) => new Map<string, number>(rows.map((row) => [row.ip, row.nextAttemptAt ?? 0]))
        )
        const before = yield* next
        assert.isFalse(yield* node.manager.trust(ip("10.0.0.9")))
        assert.deepStrictEqual(yield* next, before)
        assert.isTrue(yield* node.manager.trust(ip("10.0.0.7")), "an address that has no row")
        assert.isTrue(yield* node.manager.trust(ip("10.0.0.8")))
        assert.isFalse(yield* node.manager.trust(ip("10.0.0.8")), "once")
        const after = yield* next
        assert.strictEqual(after.get("10.0.0.9"), before.get("10.0.0.9"))
        assert.isBelow(after.get("10.0.0.8") ?? Infinity, before.get("10.0.0.8") ?? 0)
        const { length } = dials()
        yield* TestClock.adjust("2 seconds")
        assert.include(dials().slice(length), "10.0.0.8")
      })))

  it.effect("ends a connection on request and dials that peer no more; of an address without one it says so", () =>
    onMesh(5, ({ network }) =>
      Effect.gen(function*() {
        const { node, raw } = yield* withPeer(network)
        assert.isFalse(yield* node.manager.disconnect(ip("10.0.0.77")))
        assert.deepStrictEqual((yield* node.state.peers).length, 1)
        assert.isTrue(yield* node.manager.disconnect(ip("10.0.0.9")))
        const reject = yield* Effect.forkChild(raw.until("Reject"))
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Fiber.join(reject)).reason, "operator")
        assert.deepStrictEqual(node.of("Down").map(({ reason }) => DisconnectReason.label(reason)), ["operator"])
        assert.isFalse(yield* node.manager.disconnect(ip("10.0.0.9")), "it is down already")
        const [row] = yield* node.state.peers
        assert.deepStrictEqual([row?.isStopped, row?.connection], [true, undefined])
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(node.of("Dialling"), [])
      })))

  it.effect("connects to an address that is new or was stopped, not to a banned one or an own one", () =>
    onMesh(5, ({ network, start: another }) =>
      Effect.gen(function*() {
        yield* another("10.0.0.9")
        const node = yield* start(network.host(ip(us)))
        assert.deepStrictEqual(node.of("NoPeersKnown").length, 1)
        const at = (text: string) => ({ ip: ip(text), port })
        yield* node.manager.connect(at("10.0.0.9"))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual((yield* node.state.connected).length, 1)
        assert.isTrue(yield* node.manager.disconnect(ip("10.0.0.9")))
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual((yield* node.state.connected).length, 0)
        yield* node.manager.connect(at("10.0.0.9"))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual((yield* node.state.connected).length, 1)
        yield* node.manager.ban(Subnet.ofOne(ip("10.0.0.8")))
        const before = (yield* node.state.peers).length
        for (const [text, problem] of [[us, "this node itself"], ["10.0.0.8", "banned"]] as const) {
          const error = yield* Effect.flip(node.manager.connect(at(text)))
          assert.include([error._tag, error.message].join(" "), problem)
        }
        assert.strictEqual((yield* node.state.peers).length, before)
        assert.deepStrictEqual(node.manager.address, { ip: ip(us), port })
      })))

  it.effect("with configured peers says what it dials, and nothing of having none", () =>
    onMesh(5, ({ network }) =>
      Effect.gen(function*() {
        const node = yield* start(network.host(ip(us)), ["10.0.0.9"])
        assert.deepStrictEqual([node.of("NoPeersKnown"), node.of("Listening").map(({ address }) => address)], [
          [],
          [`${us}:${port}`]
        ])
        assert.deepStrictEqual((yield* node.state.peers).map((row) => [row.ip, row.source]), [[
          ip("10.0.0.9"),
          "configured"
        ]])
      })))

  it.effect("tells every peer that the node stops, and dials none meanwhile", () =>
    onMesh(5, ({ network }) =>
      Effect.gen(function*() {
        const { node, raw } = yield* withPeer(network)
        const reject = yield* Effect.forkChild(raw.until("Reject"))
        yield* node.stop
        assert.strictEqual((yield* Fiber.join(reject)).reason, "shutdown")
        assert.strictEqual(node.of("Stopping").length, 1)
        assert.deepStrictEqual(node.of("Down").map(({ reason }) => DisconnectReason.label(reason)), ["shutdown"])
      })))
})

describe("the node's own protocols", () => {
  it.effect("send on the connection that is meant, and on no later one of the peer", () =>
    onMesh(5, ({ network }) =>
      Effect.gen(function*() {
        const { node: { messages }, origin, raw, stale } = yield* withPeer(network)
        const tip = { _tag: "Tip", height: 5, hash: new Uint8Array(32) } as const
        for (const none of [stale, { ...origin, ip: ip("10.0.0.77") }]) {
          assert.isFalse(messages.send(none, tip))
          assert.isFalse(messages.sendTime(none, { _tag: "GetPeers" }))
          assert.strictEqual(messages.timeWaitMs(none, "GetPeers"), 0)
          yield* messages.whenLow(none, 0)
          messages.pauseReading(none)
          messages.resumeReading(none)
        }
        assert.isTrue(messages.send(origin, tip))
        assert.isFalse(messages.sendTime(origin, { _tag: "GetPeers" }), "it does not speak that wire")
        yield* messages.whenLow(origin, 0)
        const got = yield* Effect.forkChild(raw.until("Tip"))
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* Fiber.join(got)).height, 5)
      })))

  it.effect("pause reading until they resume it", () =>
    onMesh(5, ({ network }) =>
      Effect.gen(function*() {
        const { node, origin, raw, stale } = yield* withPeer(network)
        const pings = () => node.of("PingReceived").length
        node.messages.pauseReading(origin)
        node.messages.resumeReading(stale)
        yield* raw.say({ _tag: "Ping", nonce: 5n })
        yield* TestClock.adjust("1 second")
        assert.strictEqual(pings(), 0)
        node.messages.resumeReading(origin)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(pings(), 1)
      })))

  it.effect("end a connection with the reason, and report an offence to the gate", () =>
    onMesh(5, ({ network }) =>
      Effect.gen(function*() {
        const { node, origin, stale } = yield* withPeer(network)
        node.messages.drop(stale, "not this one")
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(node.of("Down"), [])
        node.messages.report(origin.ip, Offence.make("protocol", "it lied"))
        assert.deepStrictEqual(node.of("Offence").map((event) => [event.ip, event.kind, event.detail]), [[
          origin.ip,
          "protocol",
          "it lied"
        ]])
        node.messages.drop(origin, "it lied")
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(node.of("Down").map(({ reason }) => [reason.kind, reason.by, reason.detail]), [[
          "protocol",
          "local",
          "it lied"
        ]])
      })))
})

describe("a node that ends", () => {
  it.effect("waits for peers that do not read for a bounded time", () =>
    onMesh(5, ({ network }) =>
      Effect.gen(function*() {
        const { node } = yield* withPeer(network)
        const began = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
        yield* node.stop
        const took = (yield* Effect.clockWith((clock) => clock.currentTimeMillis)) - began
        assert.isAtMost(took, Limits.lingerMs + Limits.closeGraceMs + 1_000)
      })))
})
