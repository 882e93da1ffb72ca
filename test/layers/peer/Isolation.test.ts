/** Isolation on the in-memory network: the cable is out, and in again. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { assertConnected, downs, ip, onMesh, type Running } from "../../harness/mesh.ts"

const ips = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"] as const

describe("isolation", () => {
  it.effect("cuts the named peers off without a word, dials nobody behind the cut, and heals at once", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const nodes: Array<Running> = []
        for (const own of ips) nodes.push(yield* start(own, { peers: own === ips[1] ? [] : [ips[1]] }))
        const [a, b, c, d] = nodes
        assert(a !== undefined && b !== undefined && c !== undefined && d !== undefined)
        yield* TestClock.adjust("20 seconds")
        const [left, right] = [[ip(ips[0]), ip(ips[1])], [ip(ips[2]), ip(ips[3])]]
        for (const node of [a, b]) yield* node.manager.isolate(right)
        for (const node of [c, d]) yield* node.manager.isolate(left)
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* network.connections).length, 2)
        yield* assertConnected(a, ips[0], b, ips[1])
        yield* assertConnected(c, ips[2], d, ips[3])
        assert.isTrue(nodes.every((node) => downs(node).every((reason) => !reason.startsWith("rejected"))))
        assert.deepStrictEqual(downs(a, ips[2]), ["reset"])
        const dials = () => nodes.reduce((sum, node) => sum + node.of("Dialling").length, 0)
        const before = dials()
        yield* TestClock.adjust("2 minutes")
        assert.strictEqual(dials(), before)

        for (const node of nodes) yield* node.manager.isolate([])
        yield* TestClock.adjust("2 seconds")
        for (const [i, one] of nodes.entries()) {
          for (const [j, other] of nodes.entries()) {
            if (i < j) yield* assertConnected(one, ips[i] ?? "", other, ips[j] ?? "")
          }
        }
        assert.strictEqual((yield* network.connections).length, 6)
      })))

  it.effect("refuses whoever it is isolated from, though that one knows of nothing", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const a = yield* start(ips[0])
        yield* a.manager.isolate([ip(ips[1])])
        const b = yield* start(ips[1], { peers: [ips[0]] })
        yield* TestClock.adjust("10 seconds")
        assert.isAtLeast(b.of("Dialling").length, 2)
        assert.deepStrictEqual([a.of("Up"), b.of("Up"), yield* network.connections], [[], [], []])
        yield* a.manager.isolate([])
        yield* TestClock.adjust("1 minute")
        yield* assertConnected(a, ips[0], b, ips[1])
      })))
})
