/**
 * What the pair protocol decided, and by which rule. The reducer reports it while it decides (`Pair.Step`'s `note`), so that no second
 * piece of code has to guess. Rules are named as in docs/PROTOCOL.md section 4, or by a section number.
 */
import type { EndId, Role } from "./PairState.ts"

/** A rule with one name, or with one per role at that end. */
type RuleOf = string | { readonly lower: string; readonly higher: string }

const L2H2 = { lower: "L2", higher: "H2" } as const

/** Every decision and its rule. `PairStory` has the wording. */
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

/** The name of a rule value that a decision followed, and its value at this node. */
export interface Choice {
  /** A key of `PairRules.Rules`; an open type, because another version may have more. */
  readonly name: string
  readonly value: string
}

export interface Decision {
  /** A `Code`; an open type, because another version may have more. */
  readonly code: string
  /** As docs/PROTOCOL.md names it: `L2`, or a section. */
  readonly rule: string
  /** The end decided on; 0 means the pair. */
  readonly end: EndId
  /** The end it was weighed against. */
  readonly other: EndId | undefined
  /** The value of `PairRules` that made the difference, if any. */
  readonly choice: Choice | undefined
}

/** Called with every decision of a step, in order. */
export type Note = (decision: Decision) => void

/** The rule of a decision. A node that does not know its rank decides as the higher one: it lets the other dial first. */
export const ruleOf = (code: Code, role: Role | undefined): string => {
  const rule = rules[code]
  return typeof rule === "string" ? rule : rule[role ?? "higher"]
}
