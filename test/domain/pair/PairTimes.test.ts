/**
 * How long one side keeps the other waiting, measured on the reducer with its timers, and that the other waits longer
 * (docs/PROTOCOL.md section 5).
 */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Pair from "../../../src/domain/pair/Pair.ts"
import type { EndId, PairAction, PairEvent, PairState, Timer } from "../../../src/domain/pair/PairState.ts"
import { empty } from "../../../src/domain/pair/PairState.ts"
import { a1, a2, accepted, ack, closed, commit, pong, welcomed } from "../../harness/PairDrive.ts"

/** One node under a clock: its timers fire when they are due, and every wait of a peer for its verdict is measured. */
const timed = () => {
  let now = 0
  let ids = 0
  let state: PairState = empty
  const due = new Map<string, readonly [at: number, timer: Timer]>()
  /** Since when an end waits as challenger, or with its Commit held. */
  const since = new Map<EndId, number>()
  const longest = { challenger: 0, commit: 0 }

  const note = (actions: ReadonlyArray<PairAction>): void => {
    for (const action of actions) {
      if (action._tag === "Arm") due.set(`${action.timer.kind} ${action.timer.end}`, [now + action.ms, action.timer])
      if (action._tag === "Disarm") due.delete(`${action.timer.kind} ${action.timer.end}`)
    }
    const waiting = new Set<EndId>()
    for (const end of state.ends) {
      if (end.phase !== "candidate" || (end.role === "higher" && !end.commitHeld)) continue
      waiting.add(end.id)
      const began = since.get(end.id) ?? now
      since.set(end.id, began)
      const kind = end.commitHeld ? "commit" : "challenger"
      longest[kind] = Math.max(longest[kind], now - began)
    }
    for (const [id, began] of since) {
      if (waiting.has(id)) continue
      since.delete(id)
      const kind = state.ends.find((end) => end.id === id)?.role === "higher" ? "commit" : "challenger"
      longest[kind] = Math.max(longest[kind], now - began)
    }
  }

  const send = (event: PairEvent): void => {
    ids += 1
    const draw = { id: 1_000 + ids, nonce: BigInt(ids), backoffMs: 0, fallbackMs: 0 }
    const [next, actions] = Pair.step(state, event, draw)
    state = next
    note(actions)
  }

  const pass = (ms: number): void => {
    const end = now + ms
    for (;;) {
      let next: readonly [number, Timer] | undefined
      for (const entry of due.values()) if (entry[0] <= end && (next === undefined || entry[0] < next[0])) next = entry
      if (next === undefined) break
      now = next[0]
      due.delete(`${next[1].kind} ${next[1].end}`)
      send({ _tag: "Fired", timer: next[1] })
    }
    now = end
    note([])
  }

  return { send, pass, longest, state: () => state, end: () => ++ids }
}

const connected = (role: "lower" | "higher") => {
  const node = timed()
  const end = node.end()
  node.send(accepted(end))
  node.send(welcomed(end, role))
  node.send(role === "lower" ? ack(end) : commit(end))
  return node
}

const comes = (node: ReturnType<typeof timed>, role: "lower" | "higher", tag: string, self = a1): EndId => {
  const end = node.end()
  node.send(accepted(end))
  node.send(welcomed(end, role, tag, self, `${tag} ${self}`))
  return end
}

describe("one side's wait exceeds the other's hold", () => {
  it("the longest hold of a challenger: it comes right after a challenge, and the next ping does not leave", () => {
    const node = connected("lower")
    comes(node, "lower", "p")
    const { probe } = node.state()
    node.send(pong(probe?.end ?? 0, probe?.nonce ?? 0n))
    comes(node, "lower", "p")
    node.pass(60_000)
    assert.strictEqual(node.longest.challenger, Limits.holdMs)
    assert.strictEqual(Limits.holdMs, 15_000)
  })

  it("the longest hold of a Commit: another process's, and the ping does not leave", () => {
    const node = connected("higher")
    node.send(commit(comes(node, "higher", "q")))
    node.pass(60_000)
    assert.strictEqual(node.longest.commit, Limits.holdHigherMs)
  })

  it("leaves time for the ways there and back", () => {
    assert.isAtLeast(Limits.waitMs - Limits.holdMs, 2_000)
    assert.isAtLeast(Limits.commitMs - Limits.holdHigherMs, 1_000)
  })

  const steps = Schema.Array(Schema.Struct({
    what: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 7 })),
    ms: Schema.Literals([0, 1, 400, 999, 1_000, 2_500, 4_999, 5_000])
  })).check(Schema.isMaxLength(40))

  it.prop("no order of events holds anyone longer", [Schema.Literals(["lower", "higher"]), Arbitrary.schema(steps)], (
    [role, sequence]
  ) => {
    const node = connected(role)
    for (const { ms, what } of sequence) {
      const { ends, probe } = node.state()
      const waiting = ends.find((end) => end.phase === "candidate")
      switch (what) {
        case 0:
        case 1:
          comes(node, "lower", what === 0 ? "p" : "q")
          break
        case 2:
          node.send(commit(comes(node, "higher", "q")))
          break
        case 3:
          comes(node, "lower", "p", a2)
          break
        case 4:
          if (probe !== undefined) {
            node.send({ _tag: "Flushed", end: probe.end, nonce: probe.nonce, rttMs: ms < 500 ? ms : undefined })
          }
          break
        case 5:
          if (probe !== undefined) node.send(pong(probe.end, probe.nonce))
          break
        case 6:
          if (waiting !== undefined) node.send(closed(waiting.id))
          break
        default: {
          const committing = ends.find((end) => end.phase === "committing")
          if (committing !== undefined) node.send(ack(committing.id))
        }
      }
      node.pass(ms)
    }
    node.pass(60_000)
    assert.isAtMost(node.longest.challenger, Limits.holdMs)
    assert.isAtMost(node.longest.commit, Limits.holdHigherMs)
  }, { arbitrary: { runs: 1000, size: 40 } })
})
