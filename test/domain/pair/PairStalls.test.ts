/**
 * A node stands still at every moment of a pair's life, at either side, for 2.3 s (longer than the shortest probe) and for 5.6 s (longer
 * than the other side's commit, hello and probe times): nodes with the real reducer, its timers, and a network with latency. A node that
 * resumes reads first what arrived meanwhile, as the rule of own lag wants it (docs/PROTOCOL.md section 5).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import type { Role } from "../../../src/domain/pair/PairState.ts"
import { PairNetwork } from "../../fuzz/targets/pairNetwork.ts"
import type { NodeSpec } from "../../fuzz/targets/pairWorld.ts"

const node = (role: Role, targets: ReadonlyArray<number>, knows = true): NodeSpec => ({
  role,
  knows,
  reaches: true,
  deadMs: Limits.deadMs,
  targets
})

const L = 0
const H = 1

const pairs: ReadonlyArray<readonly [name: string, specs: ReadonlyArray<NodeSpec>]> = [
  ["both dial", [node("lower", [H]), node("higher", [L])]],
  ["only L dials", [node("lower", [H]), node("higher", [L], false)]],
  ["only H dials", [node("lower", [H], false), node("higher", [L])]]
]

/** Two processes want the place, so the node that has it, the last one, is challenged for it again and again. */
const rivals: ReadonlyArray<readonly [name: string, specs: ReadonlyArray<NodeSpec>]> = [
  ["behind the higher address", [node("higher", [2]), node("higher", [2]), node("lower", [0, 1])]],
  ["behind the lower address", [node("lower", [2]), node("lower", [2]), node("higher", [0, 1])]]
]

const stalls = [2_300, 5_600]
const latencies = [1, 40, 400]

/** Runs some steps without a fault. */
const begin = (specs: ReadonlyArray<NodeSpec>, latency: number, steps: number): PairNetwork => {
  const network = new PairNetwork(specs)
  network.latency = latency
  for (let i = 0; i < steps; i++) if (!network.next(120_000)) break
  return network
}

/** Runs for a minute; what is up at both ends must stay. The time at which they agreed, ms. */
const watch = (network: PairNetwork, context: string): number | undefined => {
  const end = network.now + 60_000
  let agreed = network.agrees() ? network.now : undefined
  let { downs } = network
  while (network.next(end)) {
    assert.isTrue(agreed === undefined || network.downs === downs, `${context}: a live connection ended`)
    downs = network.downs
    if (agreed === undefined && network.agrees()) agreed = network.now
  }
  return agreed
}

/** The other side gives up a handshake after `waitMs` at most; then both dial again, after a fallback at most. */
const recoveryMs = Limits.waitMs + Limits.dialMs + Limits.fallbackMs + Limits.fallbackJitterMs

describe("a node stands still, in every phase of the pair", () => {
  for (const [name, specs] of pairs) {
    for (const latency of latencies) {
      it(`${name}, ${latency} ms away: a live connection stays, any other attempt comes up soon`, () => {
        let live = 0
        for (const ms of stalls) {
          for (const which of [L, H]) {
            for (let steps = 0; steps < 30; steps++) {
              const context = `${which === L ? "L" : "H"} for ${ms} ms after ${steps} steps`
              const network = begin(specs, latency, steps)
              if (network.agrees()) live += 1
              network.pause(which, ms)
              const from = network.now
              const agreed = watch(network, context)
              assert.isDefined(agreed, `${context}: ${network.describe()}`)
              assert.isAtMost((agreed ?? 0) - from, ms + recoveryMs, context)
              // L's commit time ends while H stands still, and H then reads the Commit before the FIN.
              assert.isAtMost(network.downs, which === L ? 0 : 1, context)
            }
          }
        }
        assert.isAbove(live, 0)
      })
    }
  }

  for (const [name, specs] of rivals) {
    for (const latency of latencies) {
      it(`two processes ${name}, ${latency} ms away: the node they want does not blame its own stall on them`, () => {
        for (const ms of stalls) {
          for (let steps = 0; steps < 80; steps++) {
            const network = begin(specs, latency, steps)
            network.pause(2, ms)
            watch(network, `${ms} ms after ${steps} steps`)
          }
        }
      })
    }
  }
})
