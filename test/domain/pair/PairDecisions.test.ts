/**
 * Which rule decides when, against which other end, and by which choice: what the reducer tells while it decides. The words are in
 * `PairStory.test.ts`.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Pair from "../../../src/domain/pair/Pair.ts"
import * as PairRules from "../../../src/domain/pair/PairRules.ts"
import { empty, type PairEvent, type PairState } from "../../../src/domain/pair/PairState.ts"
import {
  a1,
  a2,
  accepted,
  ack,
  commit,
  crossing,
  drive,
  fired,
  foreign,
  higherUp,
  learned,
  lowerUp,
  merged,
  pong,
  rejectReceived,
  stop,
  welcomed
} from "../../harness/PairDrive.ts"

/** What the last of the events decides: `code end against other [rule] choice`. */
const told = (
  from: PairState,
  events: ReadonlyArray<PairEvent>,
  rules: Partial<PairRules.Rules> = {}
): ReadonlyArray<string> => {
  const step = Pair.make({ ...PairRules.production, ...rules })
  let state = from
  let notes: Array<string> = []
  events.forEach((event, at) => {
    notes = []
    const draw = { id: 500 + at, nonce: 500n, backoffMs: 7, fallbackMs: 4_000 }
    const [next] = step(state, event, draw, ({ choice, code, end, other, rule }) =>
      notes.push(
        `${code} ${end}${other === undefined ? "" : ` against ${other}`} [${rule}]` +
          (choice === undefined ? "" : ` ${choice.name}=${choice.value}`)
      ))
    state = next
  })
  return notes
}

/** A socket of the peer as far as its Hello. */
const comes = (end: number, ...hello: Parameters<typeof welcomed> extends [number, ...infer Rest] ? Rest : never) => [
  accepted(end),
  welcomed(end, ...hello)
]
const lower = lowerUp().state()
const higher = higherUp().state()
const held = (() => {
  const pair = lowerUp()
  for (const event of comes(2, "lower")) pair.send(event)
  return pair.state()
})()
/** The connection has answered a challenge less than 5 s ago. */
const spaced = (() => {
  const pair = lowerUp()
  for (const event of comes(2, "lower")) pair.send(event)
  pair.send(pong(1, pair.state().probe?.nonce ?? 0n))
  return pair.state()
})()

const cases: ReadonlyArray<
  readonly [
    what: string,
    from: PairState,
    events: ReadonlyArray<PairEvent>,
    told: ReadonlyArray<string>,
    rules?: Partial<PairRules.Rules>
  ]
> = [
  ["an address as the lower", empty, [learned("lower")], ["wait-to-dial 0 [L6]"]],
  ["an address as the higher", empty, [learned("higher")], ["wait-to-dial 0 [H4]"]],
  ["time to dial as the lower", empty, [learned("lower"), fired("redial")], ["dial 501 [L6]"]],
  ["time to dial, rank unknown", empty, [learned(), fired("redial")], ["dial 501 [H4]"]],
  ["the first Hello, as the lower", empty, comes(1, "lower"), ["commit 1 [L1]"]],
  ["the first Hello, as the higher", empty, comes(1, "higher"), ["wait-for-commit 1 [H1]"]],
  ["a Commit", empty, [...comes(1, "higher"), commit(1)], ["accept 1 [H2]"]],
  ["an Ack", empty, [...comes(1, "lower"), ack(1)], ["acked 1 [4]"]],
  [
    "a second dial of the peer beside ours",
    crossing().state(),
    comes(3, "lower"),
    ["keep-dial 2 against 3 [L1] keep=newest"]
  ],
  [
    "the same, where the oldest is kept",
    crossing().state(),
    comes(3, "lower"),
    ["keep-dial 3 against 2 [L1] keep=oldest"],
    { keep: "oldest" }
  ],
  [
    "our own dial that is over before the peer's is held no longer",
    crossing().state(),
    [fired("grace")],
    ["commit 2 [L1]", "clear-way 1 against 2 [4]"]
  ],
  ["a challenger", lower, comes(2, "lower"), ["hold-challenger 2 against 1 [L2]", "challenge 1 [L2]"]],
  [
    "a second challenger",
    held,
    comes(3, "lower"),
    ["keep-challenger 2 against 3 [L2] keep=newest", "hold-challenger 3 against 1 [L2]"]
  ],
  [
    "the same, where the oldest is kept",
    held,
    comes(3, "lower"),
    ["keep-challenger 3 against 2 [L2] keep=oldest"],
    { keep: "oldest" }
  ],
  [
    "a challenger soon after a challenge",
    spaced,
    comes(3, "lower"),
    ["hold-challenger 3 against 1 [L2]", "challenge-later 3 against 1 [L2]"]
  ],
  [
    "a second challenger while a challenge runs",
    spaced,
    [...comes(3, "lower"), fired("spacing"), ...comes(4, "lower")],
    ["keep-challenger 3 against 4 [L2] keep=newest", "hold-challenger 4 against 1 [L2]"]
  ],
  ["its answer", held, [pong(1, held.probe?.nonce ?? 0n)], ["answered 1 [L3]", "refuse 2 against 1 [L3]"]],
  [
    "no answer",
    held,
    [{ _tag: "Flushed", end: 1, nonce: held.probe?.nonce ?? 0n, rttMs: undefined }, fired("probe")],
    ["unanswered 1 [L4]", "commit 2 [L1]"]
  ],
  [
    "an Ack while another socket is held",
    empty,
    [...comes(1, "lower"), ...comes(2, "lower"), ack(1)],
    ["acked 1 [4]", "refuse 2 against 1 [L3]"]
  ],
  [
    "the process of the connection at another address of ours, as the lower",
    lower,
    comes(2, "lower", "q", a2, "p"),
    ["refuse-known-process 2 against 1 [3.2]"]
  ],
  [
    "the same, as the higher",
    higher,
    [...comes(2, "higher", "q", a2, "p"), commit(2)],
    ["refuse-known-process 2 against 1 [3.2]"]
  ],
  [
    "an older socket of the process that is up, as the lower",
    empty,
    [...comes(1, "lower", "p", a1, "p", 7), ack(1), ...comes(2, "lower", "p", a1, "p", 6)],
    ["refuse-older 2 against 1 [L2] older=refuse"]
  ],
  [
    "the same, as the higher",
    empty,
    [...comes(1, "higher", "p", a1, "p", 7), commit(1), ...comes(2, "higher", "p", a1, "p", 6), commit(2)],
    ["refuse-older 2 against 1 [H2] older=refuse"]
  ],
  [
    "a challenger, where conflicts are refused",
    lower,
    comes(2, "lower"),
    ["refuse-conflict 2 against 1 [L2] conflict=refuse"],
    { conflict: "refuse" }
  ],
  [
    "a challenger soon after a challenge, where early ones are refused",
    spaced,
    comes(3, "lower"),
    ["refuse-conflict 3 against 1 [L2] early=reject"],
    { early: "reject" }
  ],
  [
    "a challenger long after a challenge, where early ones are refused",
    lower,
    comes(2, "lower"),
    ["hold-challenger 2 against 1 [L2]", "challenge 1 [L2]"],
    { early: "reject" }
  ],
  [
    "a challenger, where conflicts replace",
    lower,
    comes(2, "lower"),
    ["commit-blindly 1 against 2 [L2] conflict=replace", "commit 2 [L1]"],
    { conflict: "replace" }
  ],
  [
    "a Commit of the same process",
    higher,
    [...comes(2, "higher"), commit(2)],
    ["replace-older 1 against 2 [H2] chooser=lower", "accept 2 [H2]"]
  ],
  [
    "the same, where the higher chooses",
    higher,
    [...comes(2, "higher"), commit(2)],
    ["keep-incumbent 2 against 1 [H2] chooser=higher"],
    { chooser: "higher" }
  ],
  [
    "a Commit of another process",
    higher,
    [...comes(2, "higher", "q"), commit(2)],
    ["hold-commit 2 against 1 [H2]", "challenge 1 [H2]"]
  ],
  [
    "the same, where it is obeyed",
    higher,
    [...comes(2, "higher", "q"), commit(2)],
    ["obey-stranger 1 against 2 [H2] foreignCommit=obey", "accept 2 [H2]"],
    { foreignCommit: "obey" }
  ],
  [
    "a second Commit to hold",
    foreign().state(),
    [...comes(3, "higher", "r"), commit(3)],
    ["keep-commit 2 against 3 [H2] older=refuse", "hold-commit 3 against 1 [H2]"]
  ],
  [
    "a Commit while our own choice is under way",
    empty,
    [...comes(1, "lower"), ...comes(2, "higher", "q", a2), commit(2)],
    ["refuse-crossed 2 against 1 [H2]"]
  ],
  ["no Hello in time", empty, [accepted(1), fired("hello", 1)], ["no-hello 1 [5]"]],
  ["no Ack in time", empty, [...comes(1, "lower"), fired("commit", 1)], ["no-ack 1 [L5]", "wait-to-dial 0 [L6]"]],
  ["no Commit in time", empty, [...comes(1, "higher"), fired("wait", 1)], ["no-commit 1 [H1]", "wait-to-dial 0 [H4]"]],
  [
    "a fifth end",
    empty,
    [accepted(1), accepted(2), accepted(3), accepted(4), accepted(5)],
    ["make-room 1 [4]"]
  ],
  [
    "a Hello that does not pass",
    empty,
    [accepted(1), { _tag: "Refused", end: 1, reject: "full", detail: "", retryMs: 1 }],
    ["reject-hello 1 [3.2]"]
  ],
  ["a frame out of place", lower, [commit(1)], ["reject-frame 1 [3]", "wait-to-dial 0 [L6]"]],
  ["a Reject, as the lower", lower, [rejectReceived(1, "full")], ["told-to-close 1 [L5]", "wait-to-dial 0 [L6]"]],
  ["a Reject, as the higher", higher, [rejectReceived(1, "full")], ["told-to-close 1 [H3]", "wait-to-dial 0 [H4]"]],
  ["another connection to the same process", lower, [merged(1)], ["merge 1 [4.1]"]],
  ["another wire", lower, [{ _tag: "HandedOver", end: undefined }], ["other-wire 1 [4]"]],
  ["an operator", lower, [stop(undefined)], ["stop 1 [3.4]"]],
  // What is not decided is not told.
  ["a socket that comes in", lower, [accepted(2)], []],
  [
    "the end of a socket that was not the connection",
    lower,
    [accepted(2), { _tag: "DialFailed", end: 2, detail: "" }],
    []
  ]
]

describe("the reducer tells", () => {
  for (const [what, from, events, expected, rules] of cases) {
    it(`${what}: ${expected.length === 0 ? "nothing" : expected.join(", then ")}`, () =>
      assert.deepStrictEqual(told(from, events, rules), expected))
  }

  it("a dial of the peer that it holds beside its own", () => {
    const pair = drive()
    pair.send(learned("lower"))
    pair.send(fired("redial"), { id: 1 })
    assert.deepStrictEqual(told(pair.state(), comes(2, "lower")), ["hold-for-own-dial 2 against 1 [L1]"])
  })
})
