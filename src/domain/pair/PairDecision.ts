/**
 * What the pair protocol decided, and by which rule: the reducer says it while it decides (`Pair.Step`'s `note`), so that no second
 * piece of code has to guess. Rules are those of docs/PROTOCOL.md section 4, or a section's number.
 */
import type { EndId, Role } from "./PairState.ts"

/** A rule that has one name, or one for each role at that end. */
type RuleOf = string | { readonly lower: string; readonly higher: string }

const L2H2 = { lower: "L2", higher: "H2" } as const

/** Every decision and its rule. `PairStory` has the words. */
const rules = {
  dial: { lower: "L6", higher: "H4" },
  "wait-to-dial": { lower: "L6", higher: "H4" },
  "hold-for-own-dial": "L1",
  "keep-dial": "L1",
  "keep-challenger": "L2",
  "keep-commit": "H2",
  commit: "L1",
  "commit-blindly": "L2",
  "hold-challenger": "L2",
  challenge: L2H2,
  "challenge-later": "L2",
  "refuse-older": L2H2,
  "refuse-known-process": "3.2",
  "refuse-conflict": "L2",
  "wait-for-commit": "H1",
  accept: "H2",
  "replace-older": "H2",
  "keep-incumbent": "H2",
  "obey-stranger": "H2",
  "refuse-crossed": "H2",
  "hold-commit": "H2",
  answered: { lower: "L3", higher: "H2" },
  refuse: { lower: "L3", higher: "H2" },
  unanswered: { lower: "L4", higher: "H2" },
  acked: "4",
  "no-ack": "L5",
  "no-commit": "H1",
  "no-hello": "5",
  "clear-way": "4",
  "make-room": "4",
  "reject-hello": "3.2",
  "reject-frame": "3",
  "told-to-close": { lower: "L5", higher: "H3" },
  merge: "4.1",
  "other-wire": "4",
  stop: "3.4"
} as const satisfies Readonly<Record<string, RuleOf>>

export type Code = keyof typeof rules

export const codes = Object.keys(rules) as ReadonlyArray<Code>

/** The name of a rule that a decision followed, and the value that this node's rules have for it. */
export interface Choice {
  /** Of `PairRules.Rules`; open, for another version may have more. */
  readonly name: string
  readonly value: string
}

export interface Decision {
  /** A `Code`; open, for another version may have more. */
  readonly code: string
  /** As docs/PROTOCOL.md names it: `L2`, or a section. */
  readonly rule: string
  /** The end decided on; 0: the pair. */
  readonly end: EndId
  /** The end that it was weighed against. */
  readonly other: EndId | undefined
  /** The value of `PairRules` that made the difference, where one did. */
  readonly choice: Choice | undefined
}

/** Hears every decision of a step, in order. */
export type Note = (decision: Decision) => void

/** The rule of a decision. A node that does not know its rank decides as the higher one: it lets the other begin. */
export const ruleOf = (code: Code, role: Role | undefined): string => {
  const rule = rules[code]
  return typeof rule === "string" ? rule : rule[role ?? "higher"]
}
