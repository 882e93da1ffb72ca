/** Blocks as stores keep them: how a block becomes one, what is found in one, and the first one of each network. */
import type { Block } from "../../domain/chain/Block.ts"
import * as BlockHeader from "../../domain/chain/BlockHeader.ts"
import type { ChainParams } from "../../domain/chain/ChainParams.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import type { NetworkName } from "../../domain/Network.ts"
import { networkNames, networks } from "../../domain/Network.ts"
import type { StoredBlock, TransactionPlace } from "../../services/ChainStore.ts"

/** The hashes end to end. */
export const joinHashes = (hashes: ReadonlyArray<Hash.Hash>): Uint8Array => {
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
  txids: joinHashes(txids)
})

/** Which of the wanted transactions are in the block whose ids are given, and where; the first of equal ones. */
export const placesOf = (txids: Uint8Array, wanted: ReadonlySet<string>): ReadonlyArray<TransactionPlace> => {
  const places: Array<TransactionPlace> = []
  const seen = new Set<string>()
  for (let at = 0; at < txids.length; at += Hash.length) {
    const txid = Hash.toHex(txids.subarray(at, at + Hash.length))
    if (!wanted.has(txid) || seen.has(txid)) continue
    seen.add(txid)
    places.push({ txid, index: at / Hash.length })
  }
  return places
}

/** Height 0 of the network's chain. */
export const genesisOf = (params: ChainParams): StoredBlock =>
  toStored({ block: params.genesis, hash: params.genesisHash, txids: [] })

/** The network whose genesis block has this hash. */
export const networkOfGenesis = (hash: string): NetworkName | undefined =>
  networkNames.find((name) => networks[name].genesis === hash)
