/** Synthetic stored blocks for the stores' tests: what a block says can be checked from its bytes alone. */
import * as crypto from "node:crypto"
import type { ScannedBlock } from "../../src/layers/chain/tools/ChainScan.ts"
import type { StoredBlock } from "../../src/services/ChainStore.ts"

/**
 * Bytes: u32 height, u32 salt, 32 bytes hash of the block before, filling. Hash: SHA-256 of the bytes. Header: the first 40
 * bytes. Two transactions, whose ids are SHA-256 of the header and a number.
 */
export const block = (height: number, previous: string, salt = 0, size = 120): StoredBlock => {
  const bytes = Buffer.alloc(Math.max(40, size), height & 255)
  bytes.writeUInt32BE(height, 0)
  bytes.writeUInt32BE(salt, 4)
  bytes.write(previous, 8, 32, "hex")
  return { height, previous, hash: hashOf(bytes), bytes: new Uint8Array(bytes), ...indexOf(bytes) }
}

const indexOf = (bytes: Uint8Array) => {
  const header = Uint8Array.from(bytes.subarray(0, 40))
  const ids = [0, 1].map((i) => Buffer.from(hashOf(Buffer.concat([header, Uint8Array.of(i)])), "hex"))
  return { header, txids: new Uint8Array(Buffer.concat(ids)) }
}

/** Ids of the block's transactions, hex. */
export const txidsOf = ({ txids }: StoredBlock): ReadonlyArray<string> =>
  [0, 32].map((at) => Buffer.from(txids.subarray(at, at + 32)).toString("hex"))

/** What of a damaged database is a block, with what its index lost. */
export const restored = ({ bytes, hash, height, previous }: ScannedBlock): StoredBlock | undefined =>
  isTrue({ bytes, hash, height, previous })
    ? { height, hash, previous, bytes, ...indexOf(bytes) }
    : undefined

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
export const isTrue = ({ bytes, hash, height, previous }: ScannedBlock): boolean => {
  const view = Buffer.from(bytes)
  return hashOf(bytes) === hash && view.readUInt32BE(0) === height && view.toString("hex", 8, 40) === previous
}
