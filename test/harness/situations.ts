/** The table of situations: asks a node of the memory network about a peer, and compares what `why`, `peers` and `status` say. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Scope } from "effect"
import { TestClock } from "effect/testing"
import type * as Explanation from "../../src/domain/peer/Explanation.ts"
import * as PeerSummary from "../../src/domain/peer/PeerSummary.ts"
import type { Situation } from "../../src/domain/peer/Situation.ts"
import type { MemoryNetwork } from "../../src/layers/socket/memory/MemoryNetwork.ts"
import type { RawPeer } from "../../src/testing/RawPeer.ts"
import { ip, type make, onMesh, type Running } from "./mesh.ts"
import { acceptEach } from "./rawPeer.ts"

export const L = "10.0.0.1"

export const H = "10.0.0.2"

export const other = "10.0.0.3"

export type Mesh = Effect.Success<typeof make>

/** What an operator reads of an address. */
export interface Answers {
  readonly why: Explanation.Explanation
  readonly row: Explanation.Row | undefined
  readonly status: PeerSummary.PeerSummary
}

export const ask = Effect.fnUntraced(function*(node: Running, peer: string) {
  const rows = yield* node.state.explained()
  return {
    why: yield* node.state.why(ip(peer)),
    row: rows.find((row) => row.ip === peer),
    status: PeerSummary.of(rows)
  }
})

/** One row of the table. */
export interface Expected {
  readonly situation: Situation
  /** Of the cause, the fix and the whole text. */
  readonly cause: RegExp
  readonly fix: RegExp | undefined
  readonly text?: RegExp
  /** In `status`: connected, missing, or no peer of its own. */
  readonly status: "connected" | "missing" | "apart" | "none"
}

export const assertSays = ({ row, status, why }: Answers, expected: Expected): void => {
  const { situation } = expected
  assert.strictEqual(why.situation, situation, why.text)
  assert.match(why.cause, expected.cause)
  if (expected.fix === undefined) assert.notProperty(why, "fix")
  else assert.match(why.fix ?? "", expected.fix)
  if (expected.text !== undefined) assert.match(why.text, expected.text)
  assert.isTrue(why.text.toLowerCase().includes(why.cause.toLowerCase()) || situation === "connected", why.text)
  // `peers` and `status` never say anything else.
  if (expected.status === "none") return assert.isUndefined(row)
  assert.deepStrictEqual([row?.situation, row?.cause, row?.fix], [situation, why.cause, why.fix])
  const missing = status.missing.find((group) => group.situation === situation)
  assert.strictEqual(missing !== undefined, expected.status === "missing", JSON.stringify(status))
  const isTrouble = expected.status === "connected" && situation !== "connected"
  assert.deepStrictEqual(status.troubled, isTrouble ? { [situation]: 1 } : {})
  if (isTrouble) assert.include(status.sentence, `; of the connections, 1 ${situation}`)
  if (missing !== undefined) assert.deepStrictEqual([missing.cause, missing.fix], [why.cause, why.fix])
  assert.strictEqual((status.apart[situation] ?? 0) > 0, expected.status === "apart", JSON.stringify(status))
  assert.strictEqual(status.known, status.connected + status.missing.reduce((sum, { peers }) => sum + peers, 0))
}

export const row = (
  name: string,
  expected: Expected,
  made: (mesh: Mesh) => Effect.Effect<readonly [node: Running, peer: string], unknown, Scope.Scope | MemoryNetwork>
) =>
  it.effect(name, () =>
    onMesh(20, (mesh) =>
      Effect.gen(function*() {
        const [node, peer] = yield* made(mesh)
        assertSays(yield* ask(node, peer), expected)
      })))

/** A node that dials a peer written by hand. */
export const dialsRaw = (
  body: (raw: RawPeer) => Effect.Effect<void, unknown>,
  wait: "10 seconds" | "40 seconds" = "10 seconds"
) =>
  Effect.fnUntraced(function*({ network, start }: Mesh) {
    yield* acceptEach(network.host(ip(H)), ip(H), body)
    const node = yield* start(L, { peers: [H] })
    yield* TestClock.adjust(wait)
    return [node, H] as const
  })
