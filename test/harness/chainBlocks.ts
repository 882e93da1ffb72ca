/** Synthetic stored blocks for the stores' tests: what a block says can be checked from its bytes alone. */
import * as crypto from "node:crypto"
import { type BlockFields, decode, encode, isMalformed } from "../../src/domain/chain/Block.ts"
import * as Hash from "../../src/domain/chain/Hash.ts"
import * as Merkle from "../../src/domain/chain/Merkle.ts"
import type { Transaction } from "../../src/domain/chain/Transaction.ts"
import type { ScannedBlock } from "../../src/layers/chain/tools/ChainScan.ts"
import type { StoredBlock } from "../../src/services/ChainStore.ts"
import { hasher } from "./hasher.ts"

const none = new Uint8Array(0)

/** Says height, salt and parent, so that no two blocks have a transaction in common. */
const transaction = (height: number, salt: number, previous: Uint8Array, n: number): Transaction => ({
  version: n,
  inputs: [],
  outputs: [{ value: height, scriptPubkey: previous.subarray(0, 8) }],
  lockTime: salt,
  timestamp: 0,
  specialData: undefined,
  encryptedMemo: undefined
})

const fieldsOf = (
  height: number,
  previousHash: Uint8Array,
  salt: number,
  filling: number,
  transactions = [0, 1].map((n) => transaction(height, salt, previousHash, n))
): BlockFields => ({
  header: {
    version: salt,
    height,
    previousHash,
    merkleRoot: Hash.zero,
    timestamp: 0,
    blockReward: 0,
    leader: "",
    attestationRoot: Hash.zero,
    masternodeTiers: { free: 0, bronze: 0, silver: 0, gold: 0 },
    vrfProof: none,
    vrfOutput: Hash.zero,
    vrfScore: 0,
    activeMasternodesBitmap: none,
    livenessRecovery: undefined,
    producerSignature: filling === 0 ? none : new Uint8Array(filling).fill(height & 255),
    totalFees: 0,
    treasuryBalance: 0
  },
  transactions,
  masternodeRewards: [],
  timeAttestations: [],
  consensusParticipantsBitmap: none,
  livenessRecovery: undefined
})

/** bytes. The shortest block. */
export const leastBytes = encode(fieldsOf(0, Hash.zero, 0, 0)).length

/**
 * A block's bincode as far as a store reads it: its version is `salt`, a signature fills it up. It breaks every rule. Hash: SHA-256 of
 * the bytes.
 */
export const block = (height: number, previous: string, salt = 0, size = leastBytes): StoredBlock => {
  const fields = fieldsOf(height, Hash.fromHexUnsafe(previous), salt, Math.max(0, size - leastBytes))
  const bytes = encode(fields)
  return { height, previous, hash: hashOf(bytes), bytes, txids: undefined }
}

const transactionsOf = ({ bytes }: StoredBlock): ReadonlyArray<Transaction> => {
  const decoded = decode(bytes)
  if (isMalformed(decoded)) throw new Error(decoded.reason)
  return decoded.transactions
}

/** A block that has its own two transactions, those of another block, and its own again. */
export const including = (own: StoredBlock, other: StoredBlock, size = leastBytes): StoredBlock => {
  const [mine, theirs] = [transactionsOf(own), transactionsOf(other)]
  const filling = Math.max(0, size - leastBytes)
  const all = [...mine, ...theirs, ...mine]
  const bytes = encode(fieldsOf(own.height, Hash.fromHexUnsafe(own.previous), saltIn(own.bytes), filling, all))
  return { ...own, hash: hashOf(bytes), bytes, txids: Merkle.txids(hasher, all) }
}

/** What the bytes say of themselves: the header begins with version, height and hash of the block before. */
export const saltIn = (bytes: Uint8Array): number => Buffer.from(bytes).readUInt32LE(0)
export const heightIn = (bytes: Uint8Array): number => Buffer.from(bytes).readUInt32LE(4)
const previousIn = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex", 12, 44)

/** Ids of the block's transactions, hex. */
export const txidsOf = (block: StoredBlock): ReadonlyArray<string> =>
  Merkle.txids(hasher, transactionsOf(block)).map((txid) => Buffer.from(txid).toString("hex"))

/** What of a damaged database is a block, as it was stored. */
export const restored = ({ bytes, hash, height, previous }: ScannedBlock): StoredBlock | undefined => {
  const decoded = isTrue({ bytes, hash, height, previous }) ? decode(bytes) : undefined
  return decoded === undefined || isMalformed(decoded)
    ? undefined
    : { height, hash, previous, bytes, txids: undefined }
}

export const hashOf = (bytes: Uint8Array): string => crypto.hash("sha256", bytes, "hex")

export const genesis = block(0, "00".repeat(32))
export const network = "devnet"

/** `count` blocks on top of one; another `salt` makes another fork. */
export const after = (parent: StoredBlock, count: number, salt = 0, size?: number): ReadonlyArray<StoredBlock> => {
  const made: Array<StoredBlock> = []
  let last = parent
  for (let i = 0; i < count; i++) {
    last = block(last.height + 1, last.hash, salt, size)
    made.push(last)
  }
  return made
}

/** Whether the bytes are those of a block of that height, hash and link. */
export const isTrue = ({ bytes, hash, height, previous }: ScannedBlock): boolean =>
  hashOf(bytes) === hash && heightIn(bytes) === height && previousIn(bytes) === previous
