/**
 * Liars that try to hold up sync. Whatever they claim and show, a node with one honest peer is never more than two blocks, or two
 * seconds, behind it (docs/decisions/0025), and the liars are dropped with the reason. The figures: `harness/measured`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import { SyncKind } from "../../../src/domain/wire/SyncMessage.ts"
import type { Liar } from "../../harness/chainLiars.ts"
import { measured } from "../../harness/measured.ts"
import { downs, onMesh } from "../../harness/mesh.ts"
import { type Attack, type Chain, honestIp, run, type Seen } from "../../harness/syncAttack.ts"
import { make, startOfTime } from "../../harness/syntheticChain.ts"

/** The honest chain up to some blocks below its tip, and made-up blocks above, other ones for each liar. */
const madeUp = (more: number, below = 0) => (n: number, honest: Chain) => {
  const shared = honest.slice(0, honest.length - below)
  return Effect.map(make(more + below, `10.6.6.${n + 1}`, shared), (blocks) => [...shared, ...blocks])
}

/** One long made-up chain, which all liars show: 20,000 blocks take a second to make. */
const longMadeUp = (more: number, below = 0) => {
  let made: ReturnType<ReturnType<typeof madeUp>> | undefined
  return (_: number, honest: Chain) => made ??= Effect.runSync(Effect.cached(madeUp(more, below)(0, honest)))
}

const noBlocks: Liar["lie"] = (message) => message._tag === "GetBlocks" ? [] : undefined
const drip = { lie: noBlocks, trickle: SyncKind.Blocks } as const
const silent = { lie: noBlocks } as const

/** Gives the first block that it is asked for, and then none. */
const firstOnly = (): Attack["liar"] => {
  let given = 0
  return {
    lie: (message, chain) => {
      if (message._tag === "GetHeaders") return undefined
      const block = chain[message.from - 1]
      given += 1
      return given > 1 || block === undefined
        ? []
        : [{ _tag: "Blocks", request: message.request, blocks: [block.bytes], done: false }]
    }
  }
}

const report = (name: string, { behind, connections, cpuMs, longest, read }: Seen) => {
  const words = new Set(read)
  const all = behind.filter((blocks) => blocks > 0).length
  return `${name}: behind in ${all} of ${behind.length} s, ${longest} s in a row, at most ${
    Math.max(...behind)
  } blocks; ` +
    `${cpuMs.toFixed(0)} ms CPU/s; ${connections} connections of liars; they read ${
      [...words].slice(0, 3).join(" | ") || "nothing"
    }`
}

const attacks: Readonly<Record<string, Attack>> = {
  "3 that show 100 made-up headers and drip": { liars: 3, liar: drip, chain: madeUp(100), seconds: 100 },
  "20 that show 100 made-up headers and drip": { liars: 20, liar: drip, chain: madeUp(100), seconds: 100 },
  "20 silent ones with 20,000 headers": { liars: 20, liar: silent, chain: longMadeUp(20_000), seconds: 100 },
  "20 that drip and return for ever": { liars: 20, liar: drip, chain: madeUp(100), seconds: 300, returnMs: 1_000 },
  "20 that claim, show headers and leave, for ever": {
    liars: 20,
    liar: silent,
    chain: madeUp(100),
    seconds: 100,
    leaveMs: 500,
    returnMs: 500
  },
  "10 that give one block and then none": { liars: 10, liar: firstOnly(), chain: madeUp(100), seconds: 100 },
  "10 whose made-up chain leaves the honest one below the tip": {
    liars: 10,
    liar: drip,
    chain: madeUp(100, 30),
    seconds: 100
  }
}

describe("sync under attack", () => {
  for (const [name, attack] of Object.entries(attacks)) {
    for (const byTip of [false, true]) {
      it.effect(
        `${name}${byTip ? ", while blocks come by their headers" : ""}`,
        () =>
          onMesh(20, (mesh) =>
            Effect.gen(function*() {
              yield* TestClock.setTime(startOfTime)
              const seen = yield* run(mesh, { ...attack, byTip })
              measured(report(`${name}${byTip ? " (by headers)" : ""}`, seen))
              assert.isAtMost(seen.longest, Limits.liarsHoldUpMs / 1_000)
              assert.isAtMost(Math.max(...seen.behind), Limits.liarsHoldUpBlocks)
              assert.deepStrictEqual(seen.node.of("SyncBlamed", honestIp), [])
              assert.deepStrictEqual(downs(seen.node, honestIp), [])
            })),
        60_000
      )
    }
  }

  const honestly: Attack["chain"] = (_, honest) => Effect.succeed(honest)
  for (
    const [liars, liar, whose] of [
      [3, drip, "longer chains"],
      [20, drip, "longer chains"],
      [20, silent, "longer chains"],
      [20, silent, "the honest chain"]
    ] as const
  ) {
    it.effect(
      `a node that starts empty among ${liars} ${liar === drip ? "dripping" : "silent"} ones with ${whose}`,
      () =>
        onMesh(20, (mesh) =>
          Effect.gen(function*() {
            yield* TestClock.setTime(startOfTime)
            const attack: Attack = {
              liars,
              liar,
              chain: whose === "longer chains" ? longMadeUp(20_000, 1_500) : honestly,
              seconds: 30,
              from: 0,
              liarsFirst: true,
              height: 2_000
            }
            const seen = yield* run(mesh, attack)
            measured(report(`from height 0, ${liars} with ${whose}`, seen))
            assert.isAbove(seen.behind[0] ?? 0, 500, "nothing was synced before")
            // One wait, and the time in which 2,000 blocks come.
            const synced = seen.behind.indexOf(0)
            assert.isAbove(synced, 0)
            assert.isAtMost(synced, Limits.liarsHoldUpMs / 1_000 + 2)
            assert.deepStrictEqual(seen.node.of("SyncBlamed", honestIp), [])
          })),
      60_000
    )
  }
})
