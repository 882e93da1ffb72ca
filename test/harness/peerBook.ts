/** Addresses for tests of the peer book, and the pairs of them that want one slot. */
import * as BookPlaces from "../../src/domain/peer/BookPlaces.ts"
import * as KnownAddress from "../../src/domain/peer/KnownAddress.ts"
import type * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import type { Key } from "../../src/domain/peer/SipHash.ts"

export const key: Key = [1, 2, 3, 4]
export const port = 24_100
export const start = 1_800_000_000_000
export const minute = 60_000
export const handshaken = { port, wire: "native", direction: "outbound" } as const

/** The i-th address of a netgroup, both from 0: routable, any number of groups. */
export const at = (group: number, i: number): PeerIp.PeerIp =>
  `${20 + (group >> 8)}.${group & 255}.${i >> 8}.${i & 255}` as PeerIp.PeerIp

export const told = (i: number) => ({ ip: at(i % 200, Math.floor(i / 200)), port })

/** Addresses to look through: some hundreds would do. */
const most = 5_000

type Pair = readonly [PeerIp.PeerIp, PeerIp.PeerIp]

/** Pairs of addresses that want the same tried slot, each pair another one. */
export const rivalPairs = (count: number): ReadonlyArray<Pair> => {
  const seen = new Map<string, PeerIp.PeerIp | "paired">()
  const pairs: Array<Pair> = []
  for (let i = 0; i < most && pairs.length < count; i++) {
    const one = told(i).ip
    const { bucket, slot } = BookPlaces.triedPlace(key, one)
    const place = `${bucket}/${slot}`
    const other = seen.get(place)
    if (other !== undefined && other !== "paired") pairs.push([other, one])
    seen.set(place, other === undefined ? one : "paired")
  }
  if (pairs.length < count) throw new Error("no such pairs")
  return pairs
}

/** Two addresses that want the same tried slot. */
export const rivals = (): Pair => {
  const [pair] = rivalPairs(1)
  if (pair === undefined) throw new Error("no such pair")
  return pair
}

/** Another address that has this slot in the new bucket, as it is stored; one for each bucket. */
export const inNew = (bucket: number, slot: number, seenAt = start): KnownAddress.Placed => {
  const first = most * (1 + bucket)
  for (let i = first; i < first + most; i++) {
    const { ip } = told(i)
    if (BookPlaces.slotOf(key, "new", bucket, ip) === slot) {
      return { known: KnownAddress.make({ ip, port }, seenAt), table: "new", bucket }
    }
  }
  throw new Error("no such address")
}

/** Gives these numbers, one after the other, and fails when asked for more. */
export const draws = (...numbers: ReadonlyArray<number>) => {
  const left = [...numbers]
  return () => {
    const next = left.shift()
    if (next === undefined) throw new Error("one draw too many")
    return next
  }
}
