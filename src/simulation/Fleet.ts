/**
 * The masternodes of a simulated network: which nodes are masternodes, with which key, and what each node must count.
 *
 * Every second node that knows its own address is a masternode, of each tier in turn. In some runs two share a key, as when an operator
 * copies a machine: they count once and are shown as a conflict.
 */
import { createPrivateKey } from "node:crypto"
import { type Key, type Outpoint, type Tier, tiers } from "../domain/masternode/Masternode.ts"
import * as MasternodeKey from "../layers/masternode/MasternodeKey.ts"
import type { OwnMasternode } from "../services/Masternodes.ts"
import * as Seeds from "./machine/Seeds.ts"
import { isUnaware } from "./plan/Fault.ts"
import * as SimulationLimits from "./plan/Limits.ts"

/** The DER of an Ed25519 private key before its 32-byte seed (RFC 8410). */
const pkcs8Head = Buffer.from("302e020100300506032b657004220420", "hex")

const identityOf = (index: number, tier: Tier): OwnMasternode => {
  const seed = Buffer.alloc(32)
  seed.writeUInt32BE(index + 1)
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: "der", type: "pkcs8" })
  const collateral: Outpoint | undefined = tier === "free"
    ? undefined
    : { txid: (index + 1).toString(16).padStart(64, "0"), vout: index }
  return MasternodeKey.identity(key, tier, collateral)
}

const isMasternode = (index: number): boolean => index % 2 === 0 && !isUnaware(index)

export interface Fleet {
  /** By node. */
  readonly identities: ReadonlyMap<number, OwnMasternode>
  /** Two nodes that share a key; empty if no key is shared. */
  readonly sharing: ReadonlyArray<number>
}

/** The masternodes of a network of this many planned nodes. */
export const make = (seed: string, planned: number): Fleet => {
  const indexes = Array.from({ length: planned }, (_, i) => i).filter(isMasternode)
  const all = new Map(indexes.map((index, i) => [index, identityOf(index, tiers[i % tiers.length] ?? "free")]))
  const sharing = indexes.length > 3 && Seeds.below(`${seed}/shared key`)(SimulationLimits.sharedKeyRuns) === 0
    ? indexes.slice(-2)
    : []
  const [first, second] = sharing
  const shared = first === undefined ? undefined : all.get(first)
  if (second !== undefined && shared !== undefined) all.set(second, shared)
  return { identities: all, sharing }
}

/** No masternodes. */
export const none: Fleet = { identities: new Map(), sharing: [] }

/** Keys of these nodes, without duplicates, with their tiers. */
export const keysOf = ({ identities }: Fleet, nodes: Iterable<number>): ReadonlyMap<Key, Tier> => {
  const keys = new Map<Key, Tier>()
  for (const node of nodes) {
    const identity = identities.get(node)
    if (identity !== undefined) keys.set(identity.key, identity.tier)
  }
  return keys
}
