/** The wrong rules of the search's mutants do what their names say: a mutant that does nothing would prove nothing. */
import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Pair from "../../../src/domain/pair/Pair.ts"
import { production, type Rules } from "../../../src/domain/pair/PairRules.ts"
import { type Draw, empty, type PairEvent, type PairState } from "../../../src/domain/pair/PairState.ts"
import { a1, accepted, ack, commit, higherUp, lowerUp, welcomed } from "../../harness/PairDrive.ts"

const draw: Draw = { id: 500, nonce: 500n, backoffMs: 7, fallbackMs: 4_000 }

/** What is closed, and which ends live afterwards. */
const under = (rules: Partial<Rules>, from: PairState, events: ReadonlyArray<PairEvent>) => {
  const step = Pair.make({ ...production, ...rules })
  let state = from
  const closed: Array<string> = []
  for (const event of events) {
    const [next, actions] = step(state, event, draw)
    state = next
    for (const action of actions) {
      if (action._tag === "Close") closed.push(`${action.end} ${DisconnectReason.label(action.reason)}`)
    }
  }
  return { closed, live: state.ends.map(({ id, phase }) => `${id} ${phase}`) }
}

describe("wrong rules", () => {
  const lower = lowerUp().state()
  const [up] = lower.ends
  const again = [accepted(90), welcomed(90, "lower")]

  it("L replaces its connection without a challenge, or never challenges it", () => {
    assert.deepStrictEqual(under({ conflict: "replace" }, lower, again), {
      closed: [`${up?.id} replaced`],
      live: ["90 committing"]
    })
    assert.deepStrictEqual(under({ conflict: "refuse" }, lower, again), {
      closed: ["90 rejected: duplicate"],
      live: [`${up?.id} up`]
    })
    assert.deepStrictEqual(under({}, lower, again), { closed: [], live: [`${up?.id} up`, "90 candidate"] })
  })

  it("H keeps the end that it has", () => {
    const higher = higherUp().state()
    const [first] = higher.ends
    const later = [accepted(90), welcomed(90, "higher"), commit(90)]
    assert.deepStrictEqual(under({ chooser: "higher" }, higher, later), {
      closed: ["90 rejected: duplicate"],
      live: [`${first?.id} up`]
    })
    assert.deepStrictEqual(under({}, higher, later), { closed: [`${first?.id} replaced`], live: ["90 up"] })
  })

  it("L challenges for an older socket of the process that it is up with, and H gives its connection up for one", () => {
    const order = (end: number, role: "lower" | "higher", number: number) => [
      accepted(end),
      welcomed(end, role, "p", a1, "p", number)
    ]
    const asL = [...order(90, "lower", 2), ack(90), ...order(91, "lower", 1)]
    assert.deepStrictEqual(under({}, empty, asL), { closed: ["91 rejected: duplicate"], live: ["90 up"] })
    assert.deepStrictEqual(under({ older: "obey" }, empty, asL), { closed: [], live: ["90 up", "91 candidate"] })
    const asH = [...order(90, "higher", 2), commit(90), ...order(91, "higher", 1), commit(91)]
    assert.deepStrictEqual(under({}, empty, asH), { closed: ["91 rejected: duplicate"], live: ["90 up"] })
    assert.deepStrictEqual(under({ older: "obey" }, empty, asH), { closed: ["90 replaced"], live: ["91 up"] })
  })

  it("H takes the newest Commit to hold, whatever its place among the sockets of its process", () => {
    const held = [
      accepted(90),
      welcomed(90, "higher", "q", a1, "q", 2),
      commit(90),
      accepted(91),
      welcomed(91, "higher", "q", a1, "q", 1),
      commit(91)
    ]
    const higher = higherUp().state()
    assert.deepStrictEqual(under({}, higher, held).closed, ["91 rejected: duplicate"])
    assert.deepStrictEqual(under({ older: "obey" }, higher, held).closed, ["90 rejected: duplicate"])
  })
})
