/** `crawl` on a network of nodes of ours and daemons of the TIME network: what it finds, how fast it goes, and that it is held against nobody. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import { networks } from "../../../src/domain/Network.ts"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import * as Crawl from "../../../src/layers/crawl/Crawl.ts"
import { MemoryNetwork } from "../../../src/layers/socket/memory/MemoryNetwork.ts"
import { ip } from "../../harness/mesh.ts"
import { grow, stored } from "../../harness/timed/timeChain.ts"
import { onTimeMesh, port } from "../../harness/timed/timeMesh.ts"

const crawler = "10.0.0.7"
const nodes = ["10.0.0.3", "10.0.0.12"]
const daemon = "10.0.0.14"
const chain = grow([], 20)

const crawl = (change: Partial<Crawl.Options> = {}) =>
  Effect.gen(function*() {
    const network = yield* MemoryNetwork
    yield* network.secure(ip(crawler), { protocol: "timemesh/1", key: crawler })
    const running = yield* Effect.forkChild(
      Crawl.run(network.host(ip(crawler)), {
        network: networks.testnet,
        software: "crawler",
        from: [PeerAddress.make(ip(nodes[0] ?? ""), port)],
        most: 100,
        perSecond: Limits.crawlPerSecond,
        ...change
      })
    )
    yield* TestClock.adjust("2 minutes")
    return yield* Fiber.join(running)
  })

describe("crawl", () => {
  it.effect("finds nodes of both wires from one of them on, and those that cannot be reached, and no daemon minds", () =>
    onTimeMesh(20, ({ node, timed }) =>
      Effect.gen(function*() {
        const { timed: twin } = yield* timed({ ip: daemon, chain, knows: [] })
        yield* Effect.forEach(nodes, (at) =>
          node(at, { peers: [daemon, ...nodes.filter((other) => other !== at)], chain: stored(chain) }))
        yield* TestClock.adjust("10 minutes")
        const { left, nodes: found } = yield* crawl({
          from: [nodes[0] ?? "", "10.0.0.99"].map((at) =>
            PeerAddress.make(ip(at), port)
          )
        })
        assert.deepStrictEqual(
          found.map(({ height, ip, isReachable, problem, wire }) => ({ ip, isReachable, wire, height, problem })),
          [
            { ip: ip("10.0.0.3"), isReachable: true, wire: "native", height: 20, problem: undefined },
            { ip: ip("10.0.0.12"), isReachable: true, wire: "native", height: 20, problem: undefined },
            { ip: ip("10.0.0.14"), isReachable: true, wire: "time", height: 20, problem: undefined },
            { ip: ip("10.0.0.99"), isReachable: false, wire: undefined, height: undefined, problem: found[3]?.problem }
          ]
        )
        assert.isDefined(found[3]?.problem)
        assert.strictEqual(found[2]?.software, "timed/2344")
        assert.strictEqual(left, 0)
        assert.deepStrictEqual(twin.ledger.entries(crawler), [])
        assert.deepStrictEqual(twin.live(crawler), [])
      })))

  it.effect("asks no more than it may, and says that more were named", () =>
    onTimeMesh(20, ({ node }) =>
      Effect.gen(function*() {
        yield* Effect.forEach(nodes, (at) => node(at, { peers: nodes.filter((other) => other !== at) }))
        yield* TestClock.adjust("5 minutes")
        const { left, nodes: found } = yield* crawl({ most: 1 })
        assert.deepStrictEqual(found.map(({ ip }) => ip), [ip("10.0.0.3")])
        assert.isAbove(left, 0)
      })))
})
