/**
 * Where addresses go in the peer book: two tables of buckets, 64 slots each, and a keyed hash that says which slot is whose.
 *
 * **Why**: an attacker may have any number of addresses, and send any number, but it has few netgroups. What one netgroup sends
 * reaches 64 of the 1,024 new buckets; the addresses of one netgroup reach 8 of the 256 tried ones. Whoever does not know the key cannot
 * choose addresses that push out a certain other one.
 *
 * **Groups**: `PeerIp.netgroup` of what is routable. On private and loopback networks each address is a group of its own: all are one
 * operator's, and a test network has hundreds of nodes in one /16.
 */
import * as Limits from "../Limits.ts"
import * as PeerIp from "./PeerIp.ts"
import * as SipHash from "./SipHash.ts"

/** The bytes of an address's group; two addresses of one group give the same. */
export const groupOf = (ip: PeerIp.PeerIp): Uint8Array => {
  const bytes = PeerIp.toBytes(ip)
  if (PeerIp.classOf(ip) !== "routable") return bytes
  // The first 16 bits behind ::ffff:, or the first 32 bits.
  return ip.includes(":") ? bytes.slice(0, 4) : bytes.slice(10, 14)
}

/** Who tells of an address: a peer, or a seed by its name. */
export type Source = PeerIp.PeerIp | { readonly seed: string }

/** The bytes of a source's group. A name is a group of its own: the operator of a seed may tell of any address. */
const groupOfSource = (key: SipHash.Key, source: Source): Uint8Array => {
  if (typeof source === "string") return groupOf(source)
  const name = new TextEncoder().encode(source.seed)
  const hash = SipHash.hash(key, name, name.length)
  return Uint8Array.of(Use.seed, hash, hash >>> 8, hash >>> 16, hash >>> 24)
}

/** What is hashed, so that no two uses of the key meet. */
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

/** Hash of a use, a number and some bytes, each with its length in front. */
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

/** The new buckets that one source's word reaches, each reckoned when it is first needed: a source tells of hundreds of addresses. */
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

  /** The new bucket of an address that the source told of. */
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

/** The new bucket of an address that `source` told of. */
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

/** Where the address's group stands in the secret order of groups. */
export const groupOrder = (key: SipHash.Key, ip: PeerIp.PeerIp): number => hashOf(key, Use.eviction, 0, groupOf(ip))

/** The slot of an address in a bucket. */
export const slotOf = (key: SipHash.Key, table: "new" | "tried", bucket: number, ip: PeerIp.PeerIp): number =>
  hashOf(key, table === "new" ? Use.newSlot : Use.triedSlot, bucket, PeerIp.toBytes(ip)) % Limits.bookBucketSlots
