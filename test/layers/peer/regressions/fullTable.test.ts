/** Named regressions of a peer table whose rows for hearsay strangers have filled together: who gets a row, who loses one, and who is dialled. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../../src/domain/Limits.ts"
import type { Hello } from "../../../../src/domain/wire/Message.ts"
import type { MemoryNetwork } from "../../../../src/layers/socket/memory/MemoryNetwork.ts"
import { longEffect } from "../../../harness/long.ts"
import { assertConnected, ip, onMesh, port, type Running } from "../../../harness/mesh.ts"
import { join, nowhere } from "../../../harness/rawPeer.ts"

const us = "10.0.0.1"

/** What the Hello of stranger number `i` says of its process. */
const process = (i: number): Partial<Hello> => ({
  nonce: BigInt(i + 1),
  process: i.toString(16).padStart(16, "0"),
  tag: i.toString(16).padStart(32, "0")
})

/** So many strangers together tell of as many addresses as each may. */
const spam = (network: MemoryNetwork["Service"], strangers: number) =>
  Effect.forEach(Array.from({ length: strangers }, (_, i) => i), (i) =>
    join(
      network.host(ip(`10.8.0.${i + 1}`)),
      ip(us),
      [{ _tag: "Peers", peers: nowhere(Limits.newAddresses, i * Limits.newAddresses) }],
      process(i)
    ))

const strangersToFill = 8
/** Rows of what they tell, and their own. */
const rowsOf = (strangers: number) => Limits.candidates + strangers

const known = (node: Running) => Effect.map(node.state.peers, (rows) => new Map(rows.map((row) => [row.ip, row])))

describe("a full peer table", () => {
  it.effect("has a row for whoever comes, although every other row waits for its first dial", () =>
    onMesh(20, ({ network, start }) =>
      Effect.gen(function*() {
        const node = yield* start(us)
        yield* spam(network, strangersToFill)
        const before = yield* known(node)
        assert.strictEqual(before.size, rowsOf(strangersToFill))
        const unused = [...before.values()].filter(({ attempts, connection }) => attempts + (connection ? 1 : 0) === 0)
        // Dials that came to nothing by now, and no more.
        assert.isBelow(unused.length, 100)
        const newcomer = yield* start("10.0.0.2", { peers: [us] })
        // The port of a named one is known at once: it is dialled before all hearsay.
        const named = yield* start("10.0.0.3")
        yield* node.manager.connect({ ip: ip("10.0.0.3"), port })
        yield* TestClock.adjust("5 seconds")
        yield* assertConnected(node, us, newcomer, "10.0.0.2")
        yield* assertConnected(node, us, named, "10.0.0.3", us)
        assert.isAtMost((yield* known(node)).size, rowsOf(strangersToFill) + 2)
      })))

  longEffect(
    "keeps a peer that is away, and lies that were told later take the place of lies",
    () =>
      onMesh(20, ({ network, start }) =>
        Effect.gen(function*() {
          const node = yield* start(us)
          const friend = yield* start("10.0.0.2", { peers: [us] })
          yield* TestClock.adjust("5 seconds")
          yield* assertConnected(node, us, friend, "10.0.0.2")
          yield* network.crash(ip("10.0.0.2"))
          yield* TestClock.adjust("30 minutes")
          yield* spam(network, strangersToFill + 1)
          const full = yield* known(node)
          assert.isAtMost(full.size, rowsOf(strangersToFill + 2))
          const late = nowhere(Limits.newAddresses, strangersToFill * Limits.newAddresses).filter(({ ip }) =>
            full.has(ip)
          )
          assert.isBelow(late.length, 100, "what nobody has tried yet is kept")
          const dead = full.get(ip("10.0.0.2"))
          assert.isAbove(dead?.failures ?? 0, 5, "it has failed more often than anybody")
          // By now many were tried in vain: what is told now has a place.
          yield* TestClock.adjust("3 minutes")
          yield* join(network.host(ip("10.9.0.1")), ip(us), [{
            _tag: "Peers",
            peers: Array.from({ length: 200 }, (_, i) => ({ ip: ip(`10.6.0.${i}`), port }))
          }], process(99))
          const later = yield* known(node)
          assert.isAtMost(later.size, rowsOf(strangersToFill + 3))
          assert.strictEqual([...later.keys()].filter((ip) => ip.startsWith("10.6.0.")).length, 200)
          assert.isTrue(later.has(ip("10.0.0.2")))
          // It is back, under the address we know, and knows nobody.
          const back = yield* start("10.0.0.2")
          yield* TestClock.adjust(Limits.backoffMaxMs + Limits.dialMs)
          yield* assertConnected(node, us, back, "10.0.0.2", us)
        }))
  )

  longEffect(
    "what was not tried yet is dialled before what was tried in vain",
    () =>
      onMesh(20, ({ network, start }) =>
        Effect.gen(function*() {
          const maxDials = 8
          const node = yield* start(us, { tuning: { maxDials } })
          const strangers = strangersToFill - 1
          yield* spam(network, strangers)
          // Every one was tried, some again, and more of them are due than there are places.
          yield* TestClock.adjust("40 minutes")
          const rows = [...(yield* known(node)).values()].filter(({ ip }) => ip.startsWith("10.7."))
          assert.isAbove(rows.length, Limits.candidates - 50)
          assert.isAbove(rows.filter(({ attempts }) => attempts > 0).length, maxDials * (1 + Limits.needyDials))
          const newcomer = yield* start("10.0.0.2")
          yield* join(
            network.host(ip("10.9.0.1")),
            ip(us),
            [{ _tag: "Peers", peers: [{ ip: ip("10.0.0.2"), port }] }],
            process(99)
          )
          yield* TestClock.adjust(2 * Limits.dialMs)
          yield* assertConnected(node, us, newcomer, "10.0.0.2", us)
        }))
  )
})
