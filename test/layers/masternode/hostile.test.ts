/** What peers without scruples achieve with announcements of masternodes: nothing counts that is not so, and no honest peer pays for it. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { generateKeyPairSync } from "node:crypto"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Bytes from "../../../src/domain/masternode/AnnouncementBytes.ts"
import type { Announcement } from "../../../src/domain/masternode/Masternode.ts"
import { networks } from "../../../src/domain/Network.ts"
import { capabilities, Capability } from "../../../src/domain/pair/Handshake.ts"
import type { MasternodeMessage } from "../../../src/domain/wire/MasternodeMessage.ts"
import * as MasternodeKey from "../../../src/layers/masternode/MasternodeKey.ts"
import type { MemoryNetwork } from "../../../src/layers/socket/memory/MemoryNetwork.ts"
import { Masternodes } from "../../../src/services/Masternodes.ts"
import type { RawPeer, TestNode } from "../../../src/testing/index.ts"
import { longEffect } from "../../harness/long.ts"
import { announce, masternode } from "../../harness/masternodes.ts"
import { downs, ip, onMesh, type Running } from "../../harness/mesh.ts"
import { dial, hello } from "../../harness/rawPeer.ts"

const registry = (node: TestNode.TestNode) =>
  Context.getOption(node.services as unknown as Context.Context<Masternodes>, Masternodes).pipe(
    Effect.fromOption,
    Effect.orDie
  )
const reportOf = (node: TestNode.TestNode) => Effect.flatMap(registry(node), ({ report }) => report)
const states = (node: TestNode.TestNode) =>
  Effect.map(reportOf(node), ({ masternodes }) => masternodes.map(({ ip, state }) => `${ip} ${state}`))

const nonce = 77n

/** Connects from `from` as a peer that reads announcements. Gives the peer, and the nonce of the node's Hello. */
const join = (network: MemoryNetwork["Service"], from: string, to: string) =>
  Effect.gen(function*() {
    const raw = yield* dial(network.host(ip(from)), ip(to))
    const talk = yield* Effect.forkChild(Effect.gen(function*() {
      yield* raw.say(hello(ip(to), { nonce, capabilities: capabilities | Capability.masternodes }))
      const answer = yield* raw.until("Hello")
      yield* raw.until("Commit")
      yield* raw.say({ _tag: "Ack" })
      return answer.nonce
    }))
    yield* TestClock.adjust("1 second")
    return { raw, nodeNonce: yield* Fiber.join(talk) }
  })

const say = (raw: RawPeer.RawPeer, ...messages: ReadonlyArray<MasternodeMessage>) =>
  Effect.andThen(Effect.forEach(messages, raw.say, { discard: true }), TestClock.adjust("5 seconds"))

/** Two nodes, of which the first is what the hostile peers are connected to, and the second a masternode. */
const honest = (start: (ip: string, options: object) => Effect.Effect<Running>) =>
  Effect.gen(function*() {
    const node = yield* start("10.0.0.1", { masternodes: true })
    const good = yield* start("10.1.0.1", { peers: ["10.0.0.1"], masternode: masternode(1) })
    yield* TestClock.adjust("10 seconds")
    assert.deepStrictEqual(yield* states(node), ["10.1.0.1 live"])
    return { node, good }
  })

const now = Effect.clockWith((clock) => clock.currentTimeMillis)

describe("hostile peers and masternodes", () => {
  const wrong: ReadonlyArray<readonly [string, (at: number) => Announcement]> = [
    ["a forged signature", (at) => ({ ...announce(2, "10.2.0.1", at), signature: new Uint8Array(64) })],
    ["another's key", (at) => {
      const { claim, signature } = announce(2, "10.2.0.1", at)
      return { claim: { ...claim, key: masternode(1).key }, signature }
    }],
    ["an IP that was not signed", (at) => {
      const { claim, signature } = announce(2, "10.2.0.1", at)
      return { claim: { ...claim, ip: ip("10.3.0.1") }, signature }
    }],
    ["a time that was not signed", (at) => {
      const { claim, signature } = announce(2, "10.2.0.1", at)
      return { claim: { ...claim, at: at + 1 }, signature }
    }],
    ["a signature for another network", (at) => announce(2, "10.2.0.1", at, {}, networks.testnet)],
    ["a key of small order", (at) => {
      const { claim } = announce(2, "10.2.0.1", at)
      const key = `01${"00".repeat(31)}` as typeof claim.key
      // Verifies anything, where such keys are let in.
      return { claim: { ...claim, key }, signature: Uint8Array.from(Buffer.from(key + "00".repeat(32), "hex")) }
    }]
  ]
  for (const [name, make] of wrong) {
    it.effect(`that send ${name} lose their connection, and nothing of it is known`, () =>
      onMesh(5, ({ network, start }) =>
        Effect.gen(function*() {
          const { good, node } = yield* honest(start as never)
          const { raw } = yield* join(network, "10.66.0.1", "10.0.0.1")
          const at = yield* now
          yield* say(raw, { _tag: "Masternodes", announcements: [make(at)] })
          assert.deepStrictEqual(downs(node, "10.66.0.1"), ["protocol"])
          assert.deepStrictEqual(yield* states(node), ["10.1.0.1 live"])
          assert.deepStrictEqual(downs(good), [])
        })))
  }

  it.effect("that repeat what a masternode said make it no more than known, from whatever address", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const { good, node } = yield* honest(start as never)
        const listener = yield* join(network, "10.66.0.1", "10.1.0.1")
        const heard = yield* listener.raw.until("OwnMasternode")
        // While it runs: under its own address that a replay comes from another changes nothing.
        const { raw } = yield* join(network, "10.67.0.1", "10.0.0.1")
        yield* say(raw, heard, { _tag: "Masternodes", announcements: [heard.announcement] })
        assert.deepStrictEqual(downs(node), [])
        yield* good.stop
        yield* TestClock.adjust("10 seconds")
        yield* say(raw, heard, { _tag: "Masternodes", announcements: [heard.announcement] })
        assert.deepStrictEqual(yield* states(node), ["10.1.0.1 known"])
        // A squatter at its very address has its announcement and its proof for another, and not its key.
        const squatter = yield* join(network, "10.1.0.1", "10.0.0.1")
        yield* say(squatter.raw, { _tag: "Masternodes", announcements: [heard.announcement] })
        assert.deepStrictEqual(yield* states(node), ["10.1.0.1 known"])
        yield* say(squatter.raw, heard)
        assert.deepStrictEqual(yield* states(node), ["10.1.0.1 known"])
        assert.deepStrictEqual(downs(node, "10.1.0.1").at(-1), "protocol")
      })))

  it.effect("that hold the key of their own address are live, and a proof made for one peer is none for another", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const { node } = yield* honest(start as never)
        const { nodeNonce, raw } = yield* join(network, "10.66.0.1", "10.0.0.1")
        const announcement = announce(9, "10.66.0.1", yield* now)
        const proof = (peerIp: string, peer: bigint) =>
          masternode(9).sign(
            Bytes.signedOnConnection(networks.devnet, announcement.claim, {
              masternode: nonce,
              peer,
              peerIp: ip(peerIp)
            })
          )
        yield* say(raw, { _tag: "OwnMasternode", announcement, proof: proof("10.0.0.1", nodeNonce) })
        assert.deepStrictEqual(yield* states(node), ["10.1.0.1 live", "10.66.0.1 live"])
        const other = yield* join(network, "10.67.0.1", "10.1.0.1")
        const elsewhere = announce(8, "10.67.0.1", yield* now)
        yield* say(other.raw, {
          _tag: "OwnMasternode",
          announcement: elsewhere,
          proof: masternode(8).sign(
            Bytes.signedOnConnection(networks.devnet, elsewhere.claim, {
              masternode: nonce,
              peer: other.nodeNonce,
              peerIp: ip("10.0.0.1")
            })
          )
        })
        assert.deepStrictEqual((yield* states(node)).filter((text) => text.startsWith("10.67")), [])
      })))

  it.effect("that bear false witness, two netgroups of them, make nothing live", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const { node } = yield* honest(start as never)
        const announcement = announce(2, "10.2.0.1", yield* now)
        for (const from of ["10.66.0.1", "10.66.0.2", "10.66.0.3", "10.67.0.1", "10.67.0.2"]) {
          const { raw } = yield* join(network, from, "10.0.0.1")
          yield* say(
            raw,
            { _tag: "Masternodes", announcements: [announcement] },
            { _tag: "SeenMasternodes", seen: [{ ip: ip("10.2.0.1"), key: masternode(2).key }] }
          )
        }
        assert.deepStrictEqual(yield* states(node), ["10.1.0.1 live", "10.2.0.1 known"])
        assert.strictEqual((yield* reportOf(node)).masternodes[1]?.witnesses, 2)
      })))

  longEffect(
    "that flood a node with masternodes take no more than their share, and nobody else loses anything",
    () =>
      onMesh(5, ({ network, start }) =>
        Effect.gen(function*() {
          const { good, node } = yield* honest(start as never)
          const { raw } = yield* join(network, "10.66.0.1", "10.0.0.1")
          const at = yield* now
          const made = Array.from({ length: 1_280 }, (_, i) => {
            const own = MasternodeKey.identity(generateKeyPairSync("ed25519").privateKey, "free")
            const { claim } = announce(2, `10.${100 + (i >> 8)}.${i & 255}.1`, at)
            const mine = { ...claim, key: own.key }
            return { claim: mine, signature: own.sign(Bytes.signed(networks.devnet, mine)) }
          })
          const frames = Array.from({ length: made.length / Limits.announcementsPerMessage }, (_, i) => ({
            _tag: "Masternodes" as const,
            announcements: made.slice(i * Limits.announcementsPerMessage, (i + 1) * Limits.announcementsPerMessage)
          }))
          const seconds = 5
          yield* say(raw, ...frames)
          const known = (yield* reportOf(node)).masternodes.length
          const { burst, perSecond } = Limits.announcementsIn
          assert.isAtLeast(known, burst / 2)
          assert.isAtMost(known, burst + (seconds + 1) * perSecond + 1)
          // Reports and proofs without end, with nothing in them.
          const seen: MasternodeMessage = { _tag: "SeenMasternodes", seen: [] }
          yield* say(raw, ...Array.from({ length: 2_000 }, () => seen))
          yield* TestClock.adjust("2 minutes")
          assert.include(yield* states(node), "10.1.0.1 live")
          assert.deepStrictEqual([...downs(node, "10.1.0.1"), ...downs(good)], [])
          // What is passed on to a peer keeps to its pace.
          assert.isAtMost((yield* reportOf(good)).masternodes.length, Limits.announcementsOut.burst + 140 * 8)
          const record = (yield* good.state.connected).find((peer) => peer.ip === "10.0.0.1")
          assert.isBelow(record?.connection?.bytes.received ?? 0, 2 * made.length * Bytes.announcementBytes)
        }))
  )

  it.effect("that only speak another version send what is malformed, and are told so", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const { node } = yield* honest(start as never)
        const { raw } = yield* join(network, "10.66.0.1", "10.0.0.1")
        yield* raw.bytes(Uint8Array.of(0, 0, 0, 3, 49, 1, 2))
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(downs(node, "10.66.0.1"), ["bad-frame"])
      })))
})
