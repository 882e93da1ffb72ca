/** Messages of every kind, generated from their schemas, and the frames they make. */
import { Arbitrary, Effect } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import type { Message } from "../../../src/domain/wire/Message.ts"
import * as NativeEncoder from "../../../src/domain/wire/native/NativeEncoder.ts"
import * as arb from "../../harness/arbitraries.ts"

const sync = arb.syncMessage({ locator: 12, list: 80, block: 60, blocks: 6 })

const many = (count: number, bytes: number): ReadonlyArray<Uint8Array> =>
  Array.from({ length: count }, (_, i) => new Uint8Array(bytes).fill(i))

/** As much of everything as the bounds allow. */
const fullest: ReadonlyArray<Message> = [
  {
    _tag: "Peers",
    peers: Array.from({ length: Limits.peersPerMessage }, (_, i) => ({
      ip: PeerIp.fromStringUnsafe(`10.1.${i >> 4}.${i & 15}`),
      port: 65_535 - i
    }))
  },
  { _tag: "Reject", reason: "full", text: "é".repeat(Limits.rejectTextBytes / 2), retryAfterMs: 0xffff_ffff },
  { _tag: "GetHeaders", request: 1, locator: many(Limits.locatorHashes, 32) },
  { _tag: "GetBlocks", request: 2, from: 3, hashes: new Uint8Array(32 * Limits.blocksPerRequest) },
  { _tag: "Blocks", request: 2, blocks: many(Limits.blocksPerRequest, 1), done: true }
]

const sample = <A>(from: Arbitrary.Arbitrary<A>, count: number, seed: number): ReadonlyArray<A> =>
  Effect.runSync(Arbitrary.sampleEffect(from, { count, seed }))

/** The same for the same seed. */
export const messages = (seed: number): ReadonlyArray<Message> => [
  ...fullest,
  ...sample(arb.message, 120, seed),
  ...sample(sync, 80, seed)
]

const made = new Map<number, ReadonlyArray<Uint8Array>>()

export const frames = (seed: number): ReadonlyArray<Uint8Array> => {
  const known = made.get(seed) ??
    messages(seed).map((message) => Uint8Array.from(Buffer.concat(NativeEncoder.encode(message))))
  made.set(seed, known)
  return known
}
