/** Messages by type: both ends count the same, and together they are all that the sockets carried. */
import { assert, describe, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { Way } from "../../../src/domain/metrics/Counts.ts"
import { tags } from "../../../src/domain/wire/time/TimeMessage.ts"
import { FlightRecorder } from "../../../src/layers/peer/FlightRecorder.ts"
import { TypeCounts } from "../../../src/layers/peer/MessageTally.ts"
import { ip, onMesh, type Running } from "../../harness/mesh.ts"
import * as synthetic from "../../harness/syntheticChain.ts"
import { recorded120 } from "../../harness/timed/timeChain.ts"
import { onTimeMesh } from "../../harness/timed/timeMesh.ts"

const [a, b] = ["10.0.0.1", "10.0.0.2"]

/** Of one way: messages and bytes by type. */
const counted = (node: Running, way: Way) =>
  Effect.map(node.state.messages, (counts) =>
    Object.fromEntries(
      counts.filter((count) => count.way === way)
        .map(({ bytes, messages, type, wire }) => [`${wire} ${type}`, { messages, bytes }] as const)
        .toSorted(([one], [other]) => one < other ? -1 : 1)
    ))

const sumOf = (counts: Readonly<Record<string, { readonly messages: number; readonly bytes: number }>>) => ({
  messages: Object.values(counts).reduce((sum, { messages }) => sum + messages, 0),
  bytes: Object.values(counts).reduce((sum, { bytes }) => sum + bytes, 0)
})

/** What its one connection carried, frames and all. */
const carried = Effect.fnUntraced(function*(node: Running, way: Way) {
  const [record] = yield* node.state.connected
  return { messages: record?.connection?.messages[way], bytes: record?.connection?.bytes[way] }
})

describe("messages by type", () => {
  it.effect("cost a count for a run of messages, not for each, and no step of a trace", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        const one = yield* start(a)
        const other = yield* start(b, { peers: [a] })
        yield* TestClock.adjust("20 seconds")
        const got: Array<number> = []
        yield* other.manager.receive(7, (_, payloads) => void got.push(...payloads.map(({ length }) => length)))
        const [added, traced] = [vi.spyOn(TypeCounts.prototype, "add"), vi.spyOn(FlightRecorder.prototype, "record")]
        yield* one.manager.sendAll(ip(b), 7, Array.from({ length: 256 }, () => new Uint8Array(100)))
        // Less than a beat: no ping is among them.
        yield* TestClock.adjust("100 millis")
        const counts = [
          got.length,
          added.mock.calls.map(([type, , messages]) => [type, messages]),
          traced.mock.calls.length
        ]
        vi.restoreAllMocks()
        assert.deepStrictEqual(counts, [256, [["Data", 256], ["Data", 256]], 0])
      })))

  it.effect("are the same at both ends, and all that the socket carried: handshake, chain, runs of Data, Reject", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(synthetic.startOfTime)
        const one = yield* start(a, { chain: yield* synthetic.make(40) })
        const other = yield* start(b, { peers: [a], chain: [] })
        yield* TestClock.adjust("20 seconds")
        assert.strictEqual((yield* other.sync.report).tip.height, 40)
        yield* other.manager.receive(7, () => {})
        yield* other.manager.receive(8, () => {})
        // Empty ones, short ones that share a frame's buffer, long ones that span chunks, and another channel between them.
        const of = (length: number) => new Uint8Array(length)
        yield* one.manager.sendAll(ip(b), 7, [0, 0, 1, 100, 70_000, 3, 3].map(of))
        yield* one.manager.send(ip(b), 8, of(5_000))
        yield* one.manager.sendAll(ip(b), 7, Array.from({ length: 500 }, () => of(11)))
        // Between two beats: nothing is on its way.
        yield* TestClock.adjust("17 seconds")
        for (const [from, to] of [[one, other], [other, one]] as const) {
          const [sent, received] = [yield* counted(from, "sent"), yield* counted(to, "received")]
          assert.deepStrictEqual(sent, received)
          assert.deepStrictEqual(sumOf(sent), yield* carried(from, "sent"))
          assert.deepStrictEqual(sumOf(received), yield* carried(to, "received"))
        }
        const sent = yield* counted(one, "sent")
        assert.deepStrictEqual(sent["native Data"], {
          messages: 508,
          bytes: 508 * 7 + 107 + 70_000 + 5_000 + 5_500
        })
        assert.isAbove(sent["native Blocks"]?.bytes ?? 0, 40 * 100)
        for (const type of ["Hello", "Ping", "Pong", "Headers"]) {
          assert.isAbove(sent[`native ${type}`]?.messages ?? 0, 0, type)
        }

        yield* one.manager.disconnect(ip(b))
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* counted(one, "sent"))["native Reject"]?.messages, 1)
        assert.deepStrictEqual(yield* counted(one, "sent"), yield* counted(other, "received"))
      })))

  it.effect("of the TIME wire are all that the socket carried, by the names of its messages", () =>
    onTimeMesh(5, ({ node, timed }) =>
      Effect.gen(function*() {
        yield* timed({ ip: b, chain: recorded120 })
        const ours = yield* node("10.0.0.9", { peers: [b], chain: [] })
        yield* TestClock.adjust("2 minutes")
        const names: ReadonlyArray<string> = [...tags, "MempoolSyncResponse", "Unknown", "BadBody"]
        for (const way of ["sent", "received"] as const) {
          const counts = yield* counted(ours, way)
          assert.deepStrictEqual(sumOf(counts), yield* carried(ours, way))
          for (const type of Object.keys(counts)) assert.include(names, type.replace(/^time /, ""))
          assert.isAbove(counts["time Ping"]?.messages ?? 0, 0)
        }
        assert.isAbove((yield* counted(ours, "received"))["time BlocksResponse"]?.bytes ?? 0, 120 * 100)
      })))
})
