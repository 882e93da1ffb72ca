/** Every recorded conversation with the daemon, replayed against a node of ours and against the twin of the daemon, frame by frame. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as TimeDecoder from "../../../../src/domain/wire/time/TimeDecoder.ts"
import * as TimeEncoder from "../../../../src/domain/wire/time/TimeEncoder.ts"
import type { TimeMessage } from "../../../../src/domain/wire/time/TimeMessage.ts"
import { downs } from "../../../harness/mesh.ts"
import * as rawTime from "../../../harness/timed/rawTime.ts"
import { recorded120, stored } from "../../../harness/timed/timeChain.ts"
import { onTimeMesh } from "../../../harness/timed/timeMesh.ts"
import { connections, type RecordedConnection, recordings } from "../../../harness/vectors.ts"

const daemonIp = "10.77.0.10"

const messageOf = (frame: Uint8Array) => {
  const message = TimeDecoder.decode(frame, 4, frame.length, 2_344)
  return message._tag === "Unknown" || message._tag === "BadBody" ? undefined : message
}

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("hex")

/** Whose dial it was. */
const daemonDials = (recording: string, { name }: RecordedConnection): boolean =>
  name === "" ? recording.startsWith("rec-daemon-dials-us") : !/\bwe dialled\b|dials too/.test(name)

/** What a good peer owes for what the daemon says. */
const owed: Readonly<Record<string, TimeMessage["_tag"]>> = {
  Ping: "Pong",
  GetPeers: "PeersResponse",
  GetMasternodes: "MasternodesResponse",
  GetGenesisHash: "GenesisHashResponse",
  GetChainTip: "ChainTipResponse",
  GetBlockHash: "BlockHashResponse",
  GetBlocks: "BlocksResponse"
}

/** Those whose bytes are what the recorded peer said: it had the same chain, and nothing else to tell. */
const asRecorded: ReadonlySet<string> = new Set([
  "PeersResponse",
  "GenesisHashResponse",
  "ChainTipResponse",
  "BlockHashResponse",
  "BlocksResponse"
])

describe("a recorded daemon, and our node", () => {
  for (const recording of recordings) {
    for (const connection of connections(recording)) {
      it.effect(`${recording}: ${connection.name || "one connection"}`, () =>
        onTimeMesh(1, ({ node }) =>
          Effect.gen(function*() {
            const inbound = daemonDials(recording, connection)
            const hadChain = recording !== "rec-we-sync-120"
            const ip = inbound ? "10.77.0.5" : "10.79.2.20"
            const dials = inbound ? [] : yield* rawTime.accept(daemonIp)
            const ours = yield* node(ip, {
              ...(inbound ? {} : { peers: [daemonIp] }),
              chain: hadChain ? stored(recorded120) : []
            })
            // First contact is made by the rules of the native wire: the higher waits a moment.
            yield* TestClock.adjust(inbound ? 20 : 3_000)
            const daemon = inbound ? yield* rawTime.dial(daemonIp, ip) : dials[0]
            assert(daemon !== undefined)
            if (!inbound) {
              yield* TestClock.adjust(20)
              // The node's first frame is the recorded peer's, byte for byte.
              const first = connection.frames.find(({ dir }) => dir === "to-daemon")
              const [said] = daemon.heard
              assert.strictEqual(hex(said && TimeEncoder.encode(said)), hex(first?.frame))
            }
            let now = 0
            for (const [at, { dir, frame, t, type }] of connection.frames.entries()) {
              if (dir !== "from-daemon") continue
              if (t * 1_000 > now) {
                yield* TestClock.adjust(t * 1_000 - now)
                now = t * 1_000
              }
              const before = daemon.heard.length
              yield* daemon.bytes(frame)
              yield* TestClock.adjust(10)
              now += 10
              const answer = owed[type]
              if (answer === undefined) continue
              const said = daemon.heard.slice(before).find(({ _tag }) => _tag === answer)
              assert(said !== undefined, `${type} at ${t} s is answered`)
              const asked = messageOf(frame)
              if (said._tag === "Pong" && asked?._tag === "Ping") {
                assert.strictEqual(said.nonce, asked.nonce)
                assert.strictEqual(said.height, hadChain ? 120 : 0)
              }
              const recorded = connection.frames.slice(at + 1).find((other) =>
                other.dir === "to-daemon" && other.type === answer
              )
              // The recorded peer said that it stayed at genesis; this node takes the blocks that it is given.
              const isSame = answer !== "ChainTipResponse" || hadChain
              if (asRecorded.has(answer) && isSame && recorded !== undefined) {
                assert.strictEqual(hex(TimeEncoder.encode(said)), hex(recorded.frame), `${answer} at ${t} s`)
              }
            }
            const asked = connection.frames.filter(({ dir, type }) =>
              dir === "from-daemon" && type === "MempoolSyncRequest"
            )
            assert.deepStrictEqual(daemon.others, asked.map(() => 41), "an empty list for each MempoolSyncRequest")
            assert.deepStrictEqual(downs(ours), [])
            assert.strictEqual(ours.of("Up").length, 1)
            assert.isFalse(daemon.isClosed())
          })))
    }
  }
})

/** Said on the daemon's own time, or of what the twin is not: a masternode that makes blocks. */
const ownTime: ReadonlySet<string> = new Set(["Ping", "GetChainTip"])
const notOfTwin = /^(Masternode(Announcement|Status|StartedAt|Inactive)|TimeLock|TimeVote)/

describe("a recorded peer, and the twin of the daemon", () => {
  for (const recording of recordings) {
    for (const connection of connections(recording)) {
      // It asks for masternodes every 30 s only as one itself.
      it.effect(`${recording}: ${connection.name || "one connection"}`, () =>
        onTimeMesh(1, ({ timed }) =>
          Effect.gen(function*() {
            const outbound = daemonDials(recording, connection)
            const peerIp = outbound ? "10.77.0.5" : "10.79.2.20"
            const dials = outbound ? yield* rawTime.accept(peerIp) : []
            const { timed: daemon } = yield* timed({
              ip: daemonIp,
              chain: recording === "rec-daemon-syncs-120" ? [] : recorded120,
              knows: outbound ? [peerIp] : []
            })
            // So that its own clock ticks when the recorded one's did.
            yield* TestClock.adjust(outbound ? 100 : 7_300)
            const peer = outbound ? dials[0] : yield* rawTime.dial(peerIp, daemonIp)
            assert(peer !== undefined)
            let now = 0
            for (const { dir, frame, t } of connection.frames) {
              if (dir !== "to-daemon") continue
              if (t * 1_000 > now) {
                yield* TestClock.adjust(t * 1_000 - now)
                now = t * 1_000
              }
              yield* peer.bytes(frame)
              yield* TestClock.adjust(5)
              now += 5
            }
            yield* TestClock.adjust(1_000)
            const compared = (type: string, at: number) =>
              // It knew the peer's genesis from the connection before.
              !(type === "GetBlockHash" && connection.name.startsWith("B2")) &&
              !ownTime.has(type) && !notOfTwin.test(type) && !(type === "GetMasternodes" && at > 5) &&
              !/^\d+$/.test(type)
            const expected = connection.frames.filter(({ dir, t, type }) => dir === "from-daemon" && compared(type, t))
            const conn = daemon.conns[0]
            assert(conn !== undefined)
            const said = conn.said.filter(({ message }) => compared(message._tag, 0))
            const known = said.filter(({ message }) => message._tag !== "BlockInventory")
            assert.deepStrictEqual(
              known.map(({ message }) => message._tag).toSorted(),
              expected.filter(({ type }) => type !== "BlockInventory").map(({ type }) => type).toSorted()
            )
            // What says the same each time says the recorded bytes, in the recorded order of its kind.
            for (const type of new Set(expected.map(({ type }) => type))) {
              if (type === "PeerExchange" || type === "MasternodesResponse" || type === "Pong") continue
              assert.deepStrictEqual(
                said.filter(({ message }) => message._tag === type).map(({ message }) =>
                  hex(TimeEncoder.encode(message))
                ),
                expected.filter((frame) => frame.type === type).map(({ frame }) => hex(frame)),
                type
              )
            }
            const pings = connection.frames.filter(({ dir, type }) => dir === "from-daemon" && type === "Ping").length
            const pinged = conn.said.filter(({ message }) => message._tag === "Ping").length
            assert.isAtMost(Math.abs(pings - pinged), 1)
            assert.deepStrictEqual(daemon.ledger.entries(peerIp), [])
          })))
    }
  }
})
