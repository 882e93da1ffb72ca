/**
 * Whether peers can reach this node: an inbound peer shows it, and others are asked to dial back. Immutable; times are monotonic ms.
 *
 * **Votes.** Each netgroup's latest answer counts. One netgroup that reached this node suffices, unless more did not. A negative verdict
 * takes two netgroups, because a firewall may block one.
 */
import { putLatest } from "../latest.ts"
import * as Limits from "../Limits.ts"

/** Result of a dial to the asker. `another-node`: another process answered. `not-a-node`: something that is not a node answered. */
export const dialBackResults = ["reached", "another-node", "refused", "no-answer", "not-a-node"] as const
export type DialBackResult = typeof dialBackResults[number]

export type Reachable = "yes" | "no" | "unknown"

export interface Answer {
  readonly result: DialBackResult
  readonly at: number
}

/** The latest answer of each netgroup, the oldest first. */
export type Reach = ReadonlyMap<string, Answer>

export const none: Reach = new Map()

/** A peer of that netgroup answered. At most `Limits.dialBackAnswers` are kept. */
export const answered = (reach: Reach, group: string, answer: Answer): Reach => {
  const all = new Map(reach)
  putLatest(all, group, answer, Limits.dialBackAnswers)
  return all
}

const fresh = (reach: Reach, now: number): ReadonlyArray<Answer> =>
  [...reach.values()].filter(({ at }) => now - at <= Limits.dialBackFreshMs)

/** `cameIn`: a peer from outside is connected to this node's own listener, or recently was. */
export const verdict = (reach: Reach, cameIn: boolean, now: number): Reachable => {
  if (cameIn) return "yes"
  const answers = fresh(reach, now)
  const reached = answers.filter(({ result }) => result === "reached").length
  const failed = answers.length - reached
  if (reached > failed) return "yes"
  return failed > reached && failed >= 2 ? "no" : "unknown"
}

/** The most common result of the netgroups that could not reach this node; `undefined` if there are none. */
export const commonFailure = (reach: Reach, now: number): DialBackResult | undefined => {
  const counts = new Map<DialBackResult, number>()
  for (const { result } of fresh(reach, now)) {
    if (result !== "reached") counts.set(result, (counts.get(result) ?? 0) + 1)
  }
  return [...counts].toSorted(([, a], [, b]) => b - a)[0]?.[0]
}

/** Whether a peer found another process behind this node's address. */
export const foundAnother = (reach: Reach, now: number): boolean =>
  fresh(reach, now).some(({ result }) => result === "another-node")
