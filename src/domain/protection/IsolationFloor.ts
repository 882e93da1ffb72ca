/**
 * A node never bans itself into isolation. A score alone never bans a peer that the operator named. Nor does it ban while the node itself
 * is in trouble, or when too few good peers would remain: a node that hears only liars may itself be wrong. Pure.
 */
import * as Limits from "../Limits.ts"
import type { Trouble } from "./OwnTrouble.ts"

export interface Standing {
  readonly isConfigured: boolean
  /** Peers that are up and have a good score, not counting the offender. */
  readonly goodPeersLeft: number
  readonly trouble: Trouble | undefined
}

/** Why an address with enough points is not banned. */
export type Spared = "configured" | "few-peers" | Trouble

export const spared = ({ goodPeersLeft, isConfigured, trouble }: Standing): Spared | undefined =>
  isConfigured ? "configured" : trouble ?? (goodPeersLeft < Limits.goodPeersLeast ? "few-peers" : undefined)

const words: Readonly<Record<Spared, string>> = {
  configured: "the operator named it",
  "few-peers": `fewer than ${Limits.goodPeersLeast} good peers would be left`,
  lag: "this node's event loop stood still",
  network: "this node's own network failed",
  store: "this node's chain store failed",
  clock: "this node's clock was set",
  timeouts: "many peers were silent at once"
}

/** Reads on after "not banned: ". */
export const describe = (why: Spared): string => words[why]

/** ms. Duration of an address's `nth` ban by score, counted from 1. */
export const banMs = (nth: number): number =>
  Math.min(Limits.scoreBanMs * 2 ** Math.max(0, nth - 1), Limits.scoreBanMaxMs)
