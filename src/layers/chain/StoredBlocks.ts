/** Blocks as stores keep them: how a block becomes one, what is found in one, and the first one of each network. */
import type { Block } from "../../domain/chain/Block.ts"
import * as BlockHeader from "../../domain/chain/BlockHeader.ts"
import type { ChainParams } from "../../domain/chain/ChainParams.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import type { NetworkName } from "../../domain/Network.ts"
import { networkNames, networks } from "../../domain/Network.ts"
import type { StoredBlock } from "../../services/ChainStore.ts"

/** The hashes end to end. */
const joined = (hashes: ReadonlyArray<Hash.Hash>): Uint8Array => {
  const bytes = new Uint8Array(Hash.length * hashes.length)
  for (const [i, hash] of hashes.entries()) bytes.set(hash, Hash.length * i)
  return bytes
}

/** `hash` and `txids`: those that validation computed. */
export const toStored = (
  { block, hash, txids }: { readonly block: Block; readonly hash: Hash.Hash; readonly txids: ReadonlyArray<Hash.Hash> }
): StoredBlock => ({
  height: block.header.height,
  hash: Hash.toHex(hash),
  previous: Hash.toHex(block.header.previousHash),
  bytes: block.bytes,
  header: BlockHeader.encode(block.header),
  txids: joined(txids)
})

/** Number of the transaction in the block whose ids are given; -1: it is not there. `txid`: 64 hex digits. */
export const placeOf = (txids: Uint8Array, txid: string): number => {
  const wanted = Hash.fromHex(txid)
  if (wanted === undefined) return -1
  for (let at = 0; at < txids.length; at += Hash.length) {
    if (Hash.equals(txids.subarray(at, at + Hash.length), wanted)) return at / Hash.length
  }
  return -1
}

/** Height 0 of the network's chain. */
export const genesisOf = (params: ChainParams): StoredBlock =>
  toStored({ block: params.genesis, hash: params.genesisHash, txids: [] })

/** The network whose genesis block has this hash. */
export const networkOfGenesis = (hash: string): NetworkName | undefined =>
  networkNames.find((name) => networks[name].genesis === hash)
