/** Networks of our nodes and of twins of the daemon, through faults: every pair comes together again, and nobody is ever banned. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { Timed } from "../../../../src/simulation/timed/Timed.ts"
import { downs, ip, type Running } from "../../../harness/mesh.ts"
import { randomFrom } from "../../../harness/random.ts"
import { grow, stored } from "../../../harness/timed/timeChain.ts"
import { onTimeMesh, type RunningTimed } from "../../../harness/timed/timeMesh.ts"

const nodeIps = ["10.0.0.3", "10.0.0.12"]
const daemonIps = ["10.0.0.5", "10.0.0.14"]
const chain = grow([], 60)

/** Each node has one connection with each daemon, which the daemon uses, and no other is alive. */
const problems = (nodes: ReadonlyArray<Running>, daemons: ReadonlyArray<Timed>) =>
  Effect.gen(function*() {
    const found: Array<string> = []
    for (const node of nodes) {
      const up = new Set((yield* node.up).map(([peer]) => peer))
      for (const daemon of daemons) {
        const pair = `${node.ip} and ${daemon.ip}`
        if (!up.has(daemon.ip)) found.push(`${pair}: not up at the node`)
        const live = daemon.live(node.ip)
        if (live.length !== 1 || live[0] !== daemon.uses(node.ip)) {
          found.push(`${pair}: ${live.length} alive at the daemon`)
        }
      }
    }
    return found
  })

const held = (ledgers: ReadonlyArray<Timed["ledger"]>) =>
  ledgers.flatMap((ledger) =>
    nodeIps.flatMap((node) => [
      ...ledger.bans(node).map(({ why }) => `${node} banned: ${why}`),
      ...ledger.entries(node).map(({ why }) => `${node}: ${why}`)
    ])
  )

describe("a mixed network", () => {
  it.effect("lives for half an hour without faults, without a Down and without a violation", () =>
    onTimeMesh(20, ({ node, timed }) =>
      Effect.gen(function*() {
        const daemons = yield* Effect.forEach(daemonIps, (at) => timed({ ip: at, chain, knows: nodeIps }))
        const nodes = yield* Effect.forEach(nodeIps, (at) =>
          node(at, { peers: [...daemonIps, ...nodeIps.filter((other) => other !== at)], chain: stored(chain) }))
        const twins = daemons.map(({ timed }) =>
          timed
        )
        yield* TestClock.adjust("10 minutes")
        const before = nodes.map((each) => each.of("Down").length)
        yield* TestClock.adjust("30 minutes")
        assert.deepStrictEqual(yield* problems(nodes, twins), [])
        assert.deepStrictEqual(nodes.map((each) => each.of("Down").length), before)
        assert.deepStrictEqual(nodes.flatMap((each) => downs(each)).filter((reason) => reason !== "replaced"), [])
        assert.deepStrictEqual(held(twins.map(({ ledger }) => ledger)), [])
        for (const each of nodes) assert.strictEqual((yield* each.up).length, 3)
      })))

  for (const seed of [1, 2]) {
    it.effect(`comes together again after restarts, resets and cuts (seed ${seed})`, () =>
      onTimeMesh(20, ({ mesh, node, timed }) =>
        Effect.gen(function*() {
          const random = randomFrom(seed)
          const pick = <A>(all: ReadonlyArray<A>): A => all[random(all.length)] ?? assert.fail("nothing to pick")
          const daemons = new Map<string, RunningTimed>()
          const ledgers = new Map<string, Timed["ledger"]>()
          const startDaemon = (at: string) =>
            Effect.gen(function*() {
              const ledger = ledgers.get(at)
              const running = yield* timed({
                ip: at,
                chain,
                knows: nodeIps,
                ...(ledger === undefined ? {} : { ledger })
              })
              daemons.set(at, running)
              ledgers.set(at, running.timed.ledger)
            })
          const nodes = new Map<string, Running>()
          const startNode = (at: string) =>
            Effect.map(node(at, { peers: daemonIps, chain: stored(chain) }), (running) => nodes.set(at, running))
          yield* Effect.forEach(daemonIps, startDaemon)
          yield* Effect.forEach(nodeIps, startNode)
          yield* TestClock.adjust("5 minutes")
          for (let fault = 0; fault < 8; fault++) {
            const at = pick(daemonIps)
            const of = pick(nodeIps)
            switch (random(4)) {
              case 0: {
                yield* mesh.network.crash(ip(at))
                yield* daemons.get(at)?.stop ?? Effect.void
                yield* TestClock.adjust(random(60_000))
                yield* startDaemon(at)
                break
              }
              case 1: {
                yield* mesh.network.crash(ip(of))
                yield* TestClock.adjust(random(60_000))
                yield* startNode(of)
                break
              }
              case 2:
                yield* mesh.network.reset(ip(at), ip(of))
                break
              default:
                yield* mesh.network.cut(ip(at), ip(of))
                yield* TestClock.adjust(random(180_000))
                yield* mesh.network.heal(ip(at), ip(of))
            }
            yield* TestClock.adjust(random(120_000))
          }
          const twins = [...daemons.values()].map(({ timed }) => timed)
          const wrong = problems([...nodes.values()], twins)
          // The longest wait that may be due is a quiet hour; most are seconds.
          for (let minutes = 0; minutes < 75 && (yield* wrong).length > 0; minutes++) {
            yield* TestClock.adjust("1 minute")
          }
          assert.deepStrictEqual(yield* wrong, [])
          const bans = held([...ledgers.values()]).filter((line) => line.includes("banned"))
          assert.deepStrictEqual(bans, [])
        })))
  }
})
