/**
 * A node never bans itself into isolation. A score alone bans nobody whom the operator named, while the node itself is in trouble, or when too few
 * good peers would be left: if all that one hears from are liars, it may be the one that is wrong. Pure.
 */
import * as Limits from "../Limits.ts"
import type { Trouble } from "./OwnTrouble.ts"

export interface Standing {
  readonly isConfigured: boolean
  /** Peers that are up, the offender aside, whose own score is good. */
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

/** To be read after "not banned: ". */
export const describe = (why: Spared): string => words[why]

/** ms. How long a ban by score lasts, the `nth` of the address, counted from 1. */
export const banMs = (nth: number): number =>
  Math.min(Limits.scoreBanMs * 2 ** Math.max(0, nth - 1), Limits.scoreBanMaxMs)
