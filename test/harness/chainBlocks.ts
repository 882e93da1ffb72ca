/** Synthetic stored blocks for the stores' tests: what a block says can be checked from its bytes alone. */
import * as crypto from "node:crypto"
import type { StoredBlock } from "../../src/services/ChainStore.ts"

/** Bytes: u32 height, u32 salt, 32 bytes hash of the block before, filling. Hash: SHA-256 of the bytes. */
export const block = (height: number, previous: string, salt = 0, size = 120): StoredBlock => {
  const bytes = Buffer.alloc(Math.max(40, size), height & 255)
  bytes.writeUInt32BE(height, 0)
  bytes.writeUInt32BE(salt, 4)
  bytes.write(previous, 8, 32, "hex")
  return { height, previous, hash: hashOf(bytes), bytes: new Uint8Array(bytes) }
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
export const isTrue = ({ bytes, hash, height, previous }: StoredBlock): boolean => {
  const view = Buffer.from(bytes)
  return hashOf(bytes) === hash && view.readUInt32BE(0) === height && view.toString("hex", 8, 40) === previous
}
