/**
 * Where addresses go in the peer book: two tables of buckets, 64 slots each, with slots assigned by a keyed hash.
 *
 * **Why**: an attacker may have any number of addresses, and gossip any number, but it has few netgroups. Gossip from one netgroup reaches
 * 64 of the 1,024 new buckets; the addresses of one netgroup reach 8 of the 256 tried ones. An attacker without the key cannot choose
 * addresses that evict a particular other one.
 *
 * **Groups**: `PeerIp.netgroup` for routable addresses. On private and loopback networks each address is its own group: all belong to one
 * operator, and a test network has hundreds of nodes in one /16.
 */
import * as Limits from "../Limits.ts"
import * as PeerIp from "./PeerIp.ts"
import * as SipHash from "./SipHash.ts"

/** The bytes of an address's group, equal for all addresses of one group. */
export const groupOf = (ip: PeerIp.PeerIp): Uint8Array => {
  const bytes = PeerIp.toBytes(ip)
  if (PeerIp.classOf(ip) !== "routable") return bytes
  // The first 16 bits after ::ffff:, or the first 32 bits.
  return ip.includes(":") ? bytes.slice(0, 4) : bytes.slice(10, 14)
}

/** Where an address was learned: from a peer, or from a seed by its name. */
export type Source = PeerIp.PeerIp | { readonly seed: string }

/** The bytes of a source's group. A seed name is its own group, because a seed's operator may return any address. */
const groupOfSource = (key: SipHash.Key, source: Source): Uint8Array => {
  if (typeof source === "string") return groupOf(source)
  const name = new TextEncoder().encode(source.seed)
  const hash = SipHash.hash(key, name, name.length)
  return Uint8Array.of(Use.seed, hash, hash >>> 8, hash >>> 16, hash >>> 24)
}

/** Hash inputs that keep different uses of the key apart. */
const Use = {
  newBucket: 1,
  newShare: 2,
  triedBucket: 3,
  triedShare: 4,
  newSlot: 5,
  triedSlot: 6,
  operator: 7,
  eviction: 8,
  seed: 9
} as const

const input = new Uint8Array(64)

/** Hash of a use, a number and some byte strings, each with a length prefix. */
const hashOf = (key: SipHash.Key, use: number, n: number, ...parts: ReadonlyArray<Uint8Array>): number => {
  input[0] = use
  input[1] = n
  input[2] = n >>> 8
  let at = 3
  for (const part of parts) {
    input[at++] = part.length
    input.set(part, at)
    at += part.length
  }
  return SipHash.hash(key, input, at)
}

/** The new buckets that one source can reach, each computed on first use: a source gossips hundreds of addresses. */
export class SourceBuckets {
  readonly source: Source
  private readonly key: SipHash.Key
  private readonly told: Uint8Array
  private readonly byShare = new Map<number, number>()

  constructor(key: SipHash.Key, source: Source) {
    this.key = key
    this.source = source
    this.told = groupOfSource(key, source)
  }

  /** The new bucket of an address learned from the source. */
  of(ip: PeerIp.PeerIp): number {
    const { byShare, key, told } = this
    const share = hashOf(key, Use.newShare, 0, told, groupOf(ip)) % Limits.bookBucketsPerSource
    let bucket = byShare.get(share)
    if (bucket === undefined) {
      bucket = hashOf(key, Use.newBucket, share, told) % Limits.bookNewBuckets
      byShare.set(share, bucket)
    }
    return bucket
  }
}

/** The new bucket of an address learned from `source`. */
export const newBucket = (key: SipHash.Key, ip: PeerIp.PeerIp, source: Source): number =>
  new SourceBuckets(key, source).of(ip)

/** The `i`-th new bucket, from 0, that an address of the operator's own list may take. */
export const operatorBucket = (key: SipHash.Key, ip: PeerIp.PeerIp, i: number): number =>
  hashOf(key, Use.operator, i, PeerIp.toBytes(ip)) % Limits.bookNewBuckets

/** The tried bucket of an address. */
export const triedBucket = (key: SipHash.Key, ip: PeerIp.PeerIp): number => {
  const share = hashOf(key, Use.triedShare, 0, PeerIp.toBytes(ip)) % Limits.bookBucketsPerGroup
  return hashOf(key, Use.triedBucket, share, groupOf(ip)) % Limits.bookTriedBuckets
}

/** Position of the address's group in the secret order of groups. */
export const groupOrder = (key: SipHash.Key, ip: PeerIp.PeerIp): number => hashOf(key, Use.eviction, 0, groupOf(ip))

const slotUse = { new: Use.newSlot, tried: Use.triedSlot } as const

/** The slot of an address in a bucket. */
export const slotOf = (key: SipHash.Key, table: "new" | "tried", bucket: number, ip: PeerIp.PeerIp): number =>
  hashOf(key, slotUse[table], bucket, PeerIp.toBytes(ip)) % Limits.bookBucketSlots

/** The only place of an address in the tried table. */
export const triedPlace = (key: SipHash.Key, ip: PeerIp.PeerIp): { readonly bucket: number; readonly slot: number } => {
  const bucket = triedBucket(key, ip)
  return { bucket, slot: slotOf(key, "tried", bucket, ip) }
}
