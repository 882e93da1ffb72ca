/** Frames that are not whole, from many peers at once: one budget of the node, and pauses that no peer is blamed for. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import type { RawPeer } from "../../../src/testing/RawPeer.ts"
import { downs, ip, onMesh } from "../../harness/mesh.ts"
import { join } from "../../harness/rawPeer.ts"

const node = "10.0.0.1"
const MiB = 1024 * 1024

/** The head of a Data frame of so many bytes, and none of its body. */
const head = (bytes: number): Uint8Array => {
  const frame = new Uint8Array(7)
  new DataView(frame.buffer).setUint32(0, bytes)
  frame[4] = 16
  frame[6] = 1
  return frame
}

describe("long frames", () => {
  it.effect("40 unfinished ones of 8 MiB take no more than the budget, and their peers make room for an honest one", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const n = yield* start(node)
        const piece = new Uint8Array(MiB / 4)
        const liars: Array<RawPeer> = []
        for (let i = 0; i < 40; i++) {
          liars.push(
            yield* join(network.host(ip(`10.0.1.${i + 1}`)), ip(node), [], { process: `${i}`.padStart(16, "0") })
          )
        }
        const honest = yield* join(network.host(ip("10.0.2.1")), ip(node), [], { process: "ab".repeat(8) })
        yield* Effect.forkScoped(Effect.ignore(Effect.forever(
          Effect.flatMap(honest.until("Ping"), ({ nonce }) => honest.say({ _tag: "Pong", nonce }))
        )))
        const received: Array<number> = []
        yield* n.manager.receive(1, (_, payloads) => {
          for (const { length } of payloads) received.push(length)
        })
        for (const raw of liars) {
          yield* Effect.forkScoped(Effect.andThen(
            raw.bytes(head(8 * MiB)),
            Effect.forEach(Array.from({ length: 31 }), () => raw.bytes(piece), { discard: true })
          ))
        }
        yield* TestClock.adjust("2 seconds")
        // Whatever the memory network itself holds: what the node holds is bounded, and short frames of the same peers still come.
        const held = (yield* n.state.connected).reduce(
          (sum, { connection }) => sum + (connection?.bytes.received ?? 0),
          0
        )
        assert.isAtMost(held, Limits.arrivingBytes + 41 * (Limits.arrivingFreeBytes + MiB))
        assert.isAtLeast(held, Limits.arrivingBytes / 2)
        // A frame of the honest peer, longer than what is free, gets its turn.
        yield* Effect.forkScoped(honest.say({ _tag: "Data", channel: 1, payload: new Uint8Array(4 * MiB) }))
        yield* TestClock.adjust("2 minutes")
        assert.deepStrictEqual(received, [4 * MiB])
        assert.deepStrictEqual(downs(n, "10.0.2.1"), [])
        const ends = n.of("Down").filter((event) => event.ip !== "10.0.2.1").map((event) => event.reason)
        assert.isAbove(ends.length, 0)
        assert.isTrue(
          ends.every(({ detail, kind }) => kind === "silent" && detail?.includes("frame") === true),
          JSON.stringify(ends)
        )
      })))
})
