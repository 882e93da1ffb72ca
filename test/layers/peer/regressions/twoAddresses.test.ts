/** Two nodes with two addresses each, IPv4 and IPv6: connected twice, each from its one address to the other's second. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import type { NodeEvent } from "../../../../src/domain/NodeEvent.ts"
import * as PeerAddress from "../../../../src/domain/peer/PeerAddress.ts"
import * as TieBreak from "../../../../src/domain/peer/TieBreak.ts"
import type { SameProcess } from "../../../../src/domain/wire/Message.ts"
import type { make as makeMesh } from "../../../harness/mesh.ts"
import { assertConnected, downs, ip, onMesh, port, type Running } from "../../../harness/mesh.ts"
import { dial, hello, join } from "../../../harness/rawPeer.ts"

type Two = readonly [v4: string, v6: string]

/** The first node is the lower one by both addresses, or by the first and the higher one by the second. */
const places: ReadonlyArray<readonly [Two, Two]> = [
  [["10.0.0.1", "fd00::1"], ["10.0.0.2", "fd00::2"]],
  [["10.0.0.1", "fd00::2"], ["10.0.0.2", "fd00::1"]]
]

/** Who does not have its IPv4 address itself. */
type Inside = { readonly [node in "a" | "b"]?: { readonly inside: string } }

const routers: ReadonlyArray<Inside> = [
  {},
  { a: { inside: "192.168.1.2" } },
  { b: { inside: "192.168.1.3" } },
  { a: { inside: "192.168.1.2" }, b: { inside: "192.168.1.3" } }
]

type Mesh = Effect.Success<typeof makeMesh>

/** Each is told of one address of the other, and that of another family: neither sees that it dials who dials it. */
const startBoth = Effect.fnUntraced(function*({ start }: Mesh, gapMs: number, place = places[0], inside: Inside = {}) {
  const [atA, atB] = place ?? assert.fail()
  const a = yield* start(atA, { listen: "any", peers: [`[${atB[1]}]:24200`], ...inside.a })
  yield* TestClock.adjust(gapMs)
  const b = yield* start(atB, { listen: "any", peers: [atA[0]], ...inside.b })
  return [a, b] as const
})

const assertOne = (a: Running, b: Running, when: string) =>
  Effect.gen(function*() {
    const [atA, atB] = [yield* a.up, yield* b.up]
    assert.deepStrictEqual([atA.length, atB.length], [1, 1], when)
    assert.strictEqual(atA[0]?.[1], atB[0]?.[1], when)
    return atA[0]?.[1]
  })

/** What two nodes have been through, without times and ports: alike for gaps that lead the same way. */
const history = (...nodes: ReadonlyArray<Running>): string =>
  JSON.stringify(
    nodes.map(({ events }) =>
      events.flatMap((event): ReadonlyArray<ReadonlyArray<unknown>> => {
        switch (event._tag) {
          case "Up":
            return [["Up", event.ip, event.direction, event.role]]
          case "Down":
          case "Refused":
            return [[event._tag, event.ip, event.reason]]
          case "Dialling":
          case "DialFailed":
          case "Aliased":
            return [[event._tag, event.ip]]
          default:
            return []
        }
      })
    )
  )

const first = (node: Running): Extract<NodeEvent, { readonly _tag: "Up" }> =>
  node.of("Up")[0] ?? assert.fail("nothing came up")

describe("two addresses at both ends", () => {
  for (const inside of routers) {
    const who = Object.keys(inside).join(" and ")
    it.effect(`one connection stays, whoever comes when${who === "" ? "" : `, IPv4 of ${who} is translated`}`, () =>
      Effect.gen(function*() {
        const gaps = Array.from({ length: 31 }, (_, i) => 10 * i)
        const seen = new Set<string>()
        for (const [place, gapMs] of places.flatMap((place) => gaps.map((gapMs) => [place, gapMs] as const))) {
          yield* onMesh(20, (mesh) =>
            Effect.gen(function*() {
              const [a, b] = yield* startBoth(mesh, gapMs, place, inside)
              yield* TestClock.adjust("20 seconds")
              const ids = () => [a, b].map((node) => node.of("Up").at(-1)?.connection)
              const counts = () => [a, b].map((node) => [node.of("Up").length, node.of("Down").length])
              const [before, kept] = [counts(), ids()]
              for (const [ups = 0, downs = 0] of before) assert.strictEqual(ups - downs, 1, `${gapMs} ms`)
              // Of pairs with one history, one is followed for long.
              const past = JSON.stringify(place) + history(a, b)
              const isNew = !seen.has(past)
              seen.add(past)
              yield* TestClock.adjust(isNew ? "20 minutes" : "10 seconds")
              assert.deepStrictEqual([counts(), ids()], [before, kept], "nothing comes and goes")
            }))
        }
      }))
  }

  it.effect("the one that was there stays, the reason is told, and a lost connection is made again", () =>
    onMesh(20, (mesh) =>
      Effect.gen(function*() {
        const { network } = mesh
        const [a, b] = yield* startBoth(mesh, 5_000)
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual([a.of("Up").length, b.of("Up").length], [2, 2], "they were connected twice")
        assert.strictEqual(yield* assertOne(a, b, "then"), first(a).socket)
        for (const node of [a, b]) {
          assert.deepStrictEqual(downs(node), ["rejected: alias"])
          const gone = node.of("Down")[0]?.ip ?? assert.fail()
          assert.isAtLeast(node.of("Aliased", gone).length, 1)
          assert.strictEqual((yield* node.state.why(gone)).state, "alias")
        }
        const [own, peer] = [first(b).ip, first(a).ip]
        assert.strictEqual(yield* network.reset(own, peer), 1)
        yield* TestClock.adjust("1 minute")
        yield* assertOne(a, b, "after a reset")
      })))

  it.effect("who copies process ids, and passes on what it is told, parts nobody", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const [x, y] = [yield* start("10.0.0.1"), yield* start("10.0.0.2")]
        const spy = network.host(ip("10.0.9.8"))
        const helloOf = Effect.fnUntraced(function*(node: string) {
          const talk = yield* Effect.forkChild(Effect.gen(function*() {
            const raw = yield* dial(spy, ip(node))
            yield* raw.say(hello(ip(node)))
            return yield* raw.until("Hello")
          }))
          yield* TestClock.adjust("1 second")
          return yield* Fiber.join(talk)
        })
        const [ofX, ofY] = [yield* helloOf("10.0.0.1"), yield* helloOf("10.0.0.2")]
        // Each copies the other node's process id. Some lie about where the node is: a proof for another stranger would fit them.
        const strangers: ReadonlyArray<readonly [at: string, says?: string]> = [
          ["10.0.9.5"],
          ["10.0.9.9"],
          ["10.0.9.11", "10.0.9.5"],
          ["10.0.9.13", "10.0.9.9"],
          // Two that lie to both, each that the node is where the other is.
          ["10.0.9.21", "10.0.9.20"],
          ["10.0.9.20", "10.0.9.21"]
        ]
        const gather = Effect.fnUntraced(function*(node: string, process: string) {
          const proofs: Array<SameProcess> = []
          const raws = yield* Effect.forEach(strangers, ([at, says = node]) =>
            join(
              network.host(ip(at)),
              ip(node),
              [],
              { process, peer: ip(says) },
              TieBreak.rank(ip(at), ip(says)) === "lower" ? ip(at) : undefined
            ))
          for (const raw of raws) {
            yield* Effect.forkScoped(
              Effect.ignore(Effect.forever(Effect.map(raw.until("SameProcess"), (also) => proofs.push(also))))
            )
          }
          return { proofs, raws }
        })
        const atX = yield* gather("10.0.0.1", ofY.process)
        const atY = yield* gather("10.0.0.2", ofX.process)
        yield* x.manager.connect(PeerAddress.make(ip("10.0.0.2"), port))
        yield* TestClock.adjust("10 seconds")
        yield* assertConnected(x, "10.0.0.1", y, "10.0.0.2")
        // Each has proven to every stranger that it is at the other end of their connection, which no stranger is.
        for (const [{ proofs }, { raws }] of [[atX, atY], [atY, atX]] as const) {
          assert.isAtLeast(proofs.length, strangers.length)
          for (const raw of raws) {
            yield* Effect.forEach([...proofs], raw.say, { discard: true })
          }
        }
        yield* TestClock.adjust("10 seconds")
        yield* assertConnected(x, "10.0.0.1", y, "10.0.0.2")
        assert.deepStrictEqual(
          [x, y].map((node) => node.of("Up").length),
          [strangers.length + 1, strangers.length + 1]
        )
        assert.deepStrictEqual([downs(x), downs(y)], [[], []])
      })))
})
