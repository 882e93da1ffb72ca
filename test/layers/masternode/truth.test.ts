/** Masternodes that restart, and change ports and addresses, as a seed draws it: every count equals the number of those that run. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as MasternodeReport from "../../../src/domain/masternode/MasternodeReport.ts"
import { Masternodes } from "../../../src/services/Masternodes.ts"
import type { TestNode } from "../../../src/testing/index.ts"
import { masternode } from "../../harness/masternodes.ts"
import { onMesh, type Running } from "../../harness/mesh.ts"
import { randomFrom } from "../../harness/random.ts"

const reportOf = (node: TestNode.TestNode) =>
  Context.getUnsafe(node.services as unknown as Context.Context<Masternodes>, Masternodes).report

const count = 5
const steps = 7

describe("masternodes whose hosts change", () => {
  for (const seed of [1, 2, 3]) {
    it.effect(`are counted one each, where they are (seed ${seed})`, () =>
      onMesh(5, ({ start }) =>
        Effect.gen(function*() {
          const random = randomFrom(seed)
          const watchers = [
            yield* start("10.0.0.1", { masternodes: true }),
            yield* start("10.99.0.1", { masternodes: true, peers: ["10.0.0.1"] })
          ]
          const running = new Map<number, { readonly node: Running; readonly ip: string; readonly port: number }>()
          /** No two masternodes are at one address, at no time. */
          const places = Array.from({ length: count }, () => 0)
          const begin = Effect.fnUntraced(function*(n: number, ip: string, port: number) {
            const node = yield* start(ip, {
              listen: `${ip}:${port}`,
              peers: ["10.0.0.1"],
              masternodes: true,
              masternode: masternode(n + 1)
            })
            running.set(n, { node, ip, port })
          })
          const address = (n: number) => `10.${n + 1}.${places[n]}.1`
          for (let n = 0; n < count; n++) yield* begin(n, address(n), 24_200)
          for (let step = 0; step < steps; step++) {
            const n = random(count)
            const before = running.get(n)
            const what = before === undefined ? "begins" : ["restarts", "changes its port", "moves", "stops"][random(4)]
            yield* before?.node.stop ?? Effect.void
            running.delete(n)
            if (what === "moves") places[n] = (places[n] ?? 0) + 1
            if (what !== "stops") {
              yield* begin(n, address(n), what === "changes its port" ? 24_300 + step : before?.port ?? 24_200)
            }
            yield* TestClock.adjust(`${10 + random(20)} seconds`)
            const truth = [...running.values()].map(({ ip, port }) => `${ip}:${port}`).toSorted()
            for (const watcher of watchers) {
              const { counts, masternodes } = yield* reportOf(watcher)
              const live = masternodes.filter(({ state }) => state === "live").map(({ ip, port }) => `${ip}:${port}`)
              const where = `seed ${seed}, step ${step}: masternode ${n} ${what}`
              assert.deepStrictEqual(live.toSorted(), truth, where)
              assert.strictEqual(MasternodeReport.total(counts, "live"), running.size, where)
              assert.isAtMost(masternodes.length, count, `${where}: one per key`)
              const peers = (yield* watcher.state.connected).length
              assert.strictEqual(peers, running.size + 1, `${where}: peers`)
            }
          }
        })))
  }
})
