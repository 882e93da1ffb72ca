/**
 * What `npm run hostile` does to a real node, in small and in virtual time: floods, lies about addresses, broken frames and silent connections at once. It
 * counts, and measures no time: no honest peer goes, none is blamed, newcomers come in, and what strangers make the node do stays within its bounds.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { concat } from "../../src/domain/bytes.ts"
import * as Limits from "../../src/domain/Limits.ts"
import type { PeerIp } from "../../src/domain/peer/PeerIp.ts"
import { NativeWire } from "../../src/domain/wire/native/NativeWire.ts"
import type { RawPeer } from "../../src/testing/RawPeer.ts"
import { assertConnected, downs, ip, onMesh, port } from "../harness/mesh.ts"
import { dial, hello, join } from "../harness/rawPeer.ts"

const node = "10.0.0.1"
const honest = ["10.0.0.2", "10.0.0.3", "10.0.0.4"]
const configured = "10.0.0.9"
/** Each of another netgroup than the next, above the node in rank. */
const stranger = (i: number): PeerIp => ip(`${11 + i % 90}.${(i * 7) & 255}.${(i >> 8) & 255}.${1 + (i & 127)}`)
const process = (i: number) => i.toString(16).padStart(16, "0")
/** s of virtual time. */
const seconds = 12

/** As a peer that ranks above the node: it waits for the Commit, and says its Hello late. */
const comeIn = (raw: RawPeer, as: number) =>
  Effect.gen(function*() {
    yield* Effect.sleep(200)
    yield* raw.say(hello(ip(node), { process: process(as), nonce: BigInt(as) }))
    yield* raw.until("Commit")
    yield* raw.say({ _tag: "Ack" })
    return yield* Effect.forever(raw.next)
  }).pipe(Effect.ignore, Effect.forkScoped)

describe("hostile programs, in small", () => {
  it.effect("floods, lies, broken frames and silent connections at once: no honest peer notices", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const n = yield* start(node, { peers: [configured], tuning: { maxPeers: 64 } })
        const peers = yield* Effect.forEach(honest, (at) => start(at, { peers: [node] }))
        yield* TestClock.adjust("5 seconds")
        const up = (i: number) =>
          join(network.host(stranger(i)), ip(node), [], { process: process(i), nonce: BigInt(1_000 + i) })
        const flooders = yield* Effect.forEach([0, 1, 2, 3], up)
        const liars = yield* Effect.forEach([4, 5, 6, 7], up)
        const began = n.of("Dialling").length
        const pings = concat(
          ...Array.from({ length: 2_000 }, () => concat(...NativeWire.encode({ _tag: "Ping", nonce: 7n })))
        )
        for (const raw of flooders) {
          yield* Effect.forkScoped(raw.bytes(pings))
          yield* Effect.forkScoped(Effect.ignore(Effect.forever(raw.next)))
        }
        for (const [i, raw] of liars.entries()) {
          yield* Effect.forEach(Array.from({ length: 10 }, (_, list) => list), (list) =>
            raw.say({
              _tag: "Peers",
              peers: Array.from(
                { length: 200 },
                (_, at) => ({ ip: ip(`${120 + 4 * i + list % 4}.${list}.9.${at + 1}`), port })
              )
            })).pipe(Effect.forkScoped)
        }
        const dials: Array<number> = []
        let known: PeerIp | undefined
        for (let second = 0; second < seconds; second++) {
          for (let part = 0; part < 5; part++) {
            for (let i = 0; i < 20; i++) {
              yield* dial(network.host(stranger(1_000 + second * 100 + part * 20 + i)), ip(node))
            }
            yield* TestClock.adjust(200)
          }
          if (second % 4 === 0) {
            const broken = yield* dial(network.host(stranger(900)), ip(node))
            yield* Effect.forkScoped(broken.bytes(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1)))
          }
          if (second === 5) {
            yield* comeIn(yield* dial(network.host(ip(configured)), ip(node)), 0xc0)
            known = stranger(901)
            yield* comeIn(yield* dial(network.host(known), ip(node)), 0xd0)
          }
          dials.push(n.of("Dialling").length)
        }
        const ups = (yield* n.state.connected).map((row) => row.ip)
        assert.includeMembers(ups, [ip(configured), known])
        for (const [i, peer] of peers.entries()) {
          const at = honest[i] ?? ""
          yield* assertConnected(n, node, peer, at)
          assert.deepStrictEqual([downs(n, at), downs(peer), n.of("Offence", at), n.of("Banned", at)], [[], [], [], []])
        }
        assert.deepStrictEqual(n.of("Evicted"), [])
        assert.isAtLeast(n.of("Offence", stranger(900)).length, 1, "broken frames are seen")
        // What a flooder gets done, and that it stays: it is read slowly, and not ended.
        const { burst, perSecond } = Limits.messageRates.ping
        for (const i of [0, 1, 2, 3]) {
          const row = yield* n.state.peer(stranger(i))
          const received = row._tag === "Some" ? row.value.connection?.messages.received ?? 0 : 0
          assert.isAtLeast(received, burst)
          assert.isAtMost(received, burst + perSecond * (seconds + 10) + 100)
        }
        // Dials on the word of strangers: in any second, and in all.
        const perSeconds = dials.map((count, i) => count - (dials[i - 1] ?? began))
        assert.isAtMost(Math.max(...perSeconds), 20, `dials by second: ${perSeconds.join(", ")}`)
        assert.isAtLeast(dials.at(-1) ?? 0, began + 20, "it tries what it is told")
        const told = n.of("Dialling").map((event) => event.ip).filter((at) => Number(at.split(".")[0]) >= 120)
        assert.strictEqual(new Set(told).size, told.length, "no address twice in a minute")
        // Rows: of what is told, of who is up, and of sockets that have not said who they are.
        assert.isAtMost((yield* n.state.peers).length, Limits.candidates + 64 + Limits.endsWithoutHello)
      })))
})
