/**
 * The table of situations: each is made on the memory network, and what `why`, `peers` and `status` say of it is compared. Where the kernel's
 * network is the cause, test/e2e/situations.test.ts makes them on real hosts. The words stand in docs/OPERATIONS.md.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { RejectReason } from "../../../src/domain/DisconnectReason.ts"
import { networks } from "../../../src/domain/Network.ts"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import type { RawPeer } from "../../../src/testing/RawPeer.ts"
import { ip, onMesh, port } from "../../harness/mesh.ts"
import { ask, assertSays, dialsRaw, H, L, other, row } from "../../harness/situations.ts"

const rejects = (reason: RejectReason, text: string) => (raw: RawPeer) =>
  Effect.andThen(
    raw.say({ _tag: "Reject", reason, text, retryAfterMs: 3_600_000 }),
    Effect.andThen(Effect.sleep("200 millis"), raw.close)
  )

describe("a peer that another decision keeps away", () => {
  row(
    "a second node behind this node's public address",
    {
      situation: "second-node-here",
      cause: /another node behind this node's public address is connected to the peer/,
      fix: /one node per public IP/,
      text: /Last attempt: (in|out)bound, .* \(rejected: in-use, remote\)/,
      status: "missing"
    },
    Effect.fnUntraced(function*({ start }) {
      yield* start(L)
      yield* start(H, { peers: [L] })
      yield* TestClock.adjust("5 seconds")
      const second = yield* start(H, { listen: `${H}:9999`, peers: [L] })
      yield* TestClock.adjust("1 minute")
      return [second, L]
    })
  )
  row(
    "a second node behind a peer's address, seen from the peer's peer",
    {
      situation: "connected",
      cause: /up/,
      fix: undefined,
      text: /second process came from this address.*\d×/,
      status: "connected"
    },
    Effect.fnUntraced(function*({ start }) {
      const l = yield* start(L)
      yield* start(H, { peers: [L] })
      yield* TestClock.adjust("5 seconds")
      yield* start(H, { listen: `${H}:9999`, peers: [L] })
      yield* TestClock.adjust("1 minute")
      return [l, H]
    })
  )
  row(
    "full there",
    { situation: "full-there", cause: /peer's places are all taken/, fix: /--max-peers/, status: "missing" },
    Effect.fnUntraced(function*({ start }) {
      yield* start(H, { tuning: { maxPeers: 1 }, peers: [other] })
      yield* start(other, { peers: [H] })
      yield* TestClock.adjust("10 seconds")
      const node = yield* start(L, { peers: [H] })
      yield* TestClock.adjust("10 seconds")
      return [node, H]
    })
  )
  row(
    "full here",
    {
      situation: "full-here",
      cause: /all 1 places for peers of this node are taken/,
      fix: /--max-peers/,
      status: "missing"
    },
    Effect.fnUntraced(function*({ start }) {
      const node = yield* start(L, { tuning: { maxPeers: 1 } })
      yield* start(other, { peers: [L] })
      yield* TestClock.adjust("10 seconds")
      // Told of by the other. Peers that the operator of this node names always get in.
      yield* start(H, { peers: [other] })
      yield* TestClock.adjust("10 seconds")
      return [node, H]
    })
  )
  row(
    "another network",
    {
      situation: "incompatible",
      cause: /another network.*devnet.*testnet|another network.*testnet.*devnet/,
      fix: /same --network/,
      status: "missing"
    },
    Effect.fnUntraced(function*({ start }) {
      yield* start(H, { network: { ...networks.testnet, port } })
      const node = yield* start(L, { peers: [H] })
      yield* TestClock.adjust("10 seconds")
      return [node, H]
    })
  )
  row(
    "banned by the peer",
    { situation: "banned-there", cause: /has banned this node \("spam"\)/, fix: /ask its operator/, status: "missing" },
    dialsRaw(rejects("banned", "spam"))
  )
  row(
    "evicted by the peer",
    { situation: "evicted", cause: /gave this node's place/, fix: /dials again/, status: "missing" },
    dialsRaw(rejects("evicted", ""))
  )
  row(
    "the peer says that it has this node's address",
    { situation: "self-claimed", cause: /one address \("mirror"\)/, fix: /--advertise/, status: "missing" },
    dialsRaw(rejects("self", "mirror"))
  )
  row(
    "the peer was stopped",
    { situation: "stopped", cause: /stopped or is restarting/, fix: /start it again/, status: "missing" },
    Effect.fnUntraced(function*({ start }) {
      const peer = yield* start(H)
      const node = yield* start(L, { peers: [H] })
      yield* TestClock.adjust("2 minutes")
      yield* peer.stop
      return [node, H]
    })
  )
  row(
    "isolated, for a drill",
    { situation: "isolated", cause: /isolated/, fix: /empty list/, status: "missing" },
    Effect.fnUntraced(function*({ start }) {
      yield* start(H)
      const node = yield* start(L, { peers: [H] })
      yield* TestClock.adjust("2 minutes")
      yield* node.manager.isolate([ip(H)])
      yield* TestClock.adjust("2 minutes")
      return [node, H]
    })
  )

  for (const [by, peer] of [[L, H], [H, L]] as const) {
    it.effect(`disconnected by the operator of ${by}: both ends name the one that will dial`, () =>
      onMesh(20, ({ start }) =>
        Effect.gen(function*() {
          const nodes = new Map([[L, yield* start(L, { peers: [H] })], [H, yield* start(H, { peers: [L] })]])
          const [here, there] = [nodes.get(by) ?? assert.fail(), nodes.get(peer) ?? assert.fail()]
          yield* TestClock.adjust("2 minutes")
          assert.isTrue(yield* here.manager.disconnect(ip(peer)))
          yield* TestClock.adjust("1 minute")
          const own = yield* ask(here, peer)
          assertSays(own, {
            situation: "operator-here",
            cause: /disconnected by hand here/,
            fix: /connect/,
            text: /Now: the peer dials\. Last connection: up for .* ended 1 min \d s ago \(operator, local\)/,
            status: "missing"
          })
          const theirs = yield* ask(there, by)
          assertSays(theirs, {
            situation: "operator-there",
            cause: /peer's operator disconnected/,
            fix: /ask the peer's operator/,
            text: /Now: this node dials; our next dial is in/,
            status: "missing"
          })
          assert.deepStrictEqual([own.why.record?.expected, theirs.why.record?.expected], ["them", "us"])
          // What was said comes true.
          yield* TestClock.adjust("7 minutes")
          assert.strictEqual((yield* ask(here, peer)).why.situation, "connected")
          assert.strictEqual(here.of("Dialling", peer).length, by === L ? 1 : here.of("Dialling", peer).length)
        })))
  }

  it.effect("a peer that is disconnected by hand while it is not connected", () =>
    onMesh(20, ({ start }) =>
      Effect.gen(function*() {
        const node = yield* start(L, { peers: [H] })
        yield* TestClock.adjust("1 minute")
        assert.isFalse(yield* node.manager.disconnect(ip(H)))
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* ask(node, H)).why.situation, "operator-here")
        yield* node.manager.connect(PeerAddress.make(ip(H), port))
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* ask(node, H)).why.situation, "no-answer")
      })))
})
