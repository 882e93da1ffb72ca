/** Blocks as stores keep them: how a block becomes one, what is found in one, and the first one of each network. */
import { type Block, decode, isMalformed } from "../../domain/chain/Block.ts"
import * as BlockHeader from "../../domain/chain/BlockHeader.ts"
import type { ChainParams } from "../../domain/chain/ChainParams.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import type { Hasher } from "../../domain/chain/Hasher.ts"
import * as Merkle from "../../domain/chain/Merkle.ts"
import type { NetworkName } from "../../domain/Network.ts"
import { networkNames, networks } from "../../domain/Network.ts"
import type { StoredBlock, TransactionPlace } from "../../services/ChainStore.ts"

/** What validation found of a block, or what made it: its hash and the ids of its transactions. */
export interface KnownBlock {
  readonly block: Block
  readonly hash: Hash.Hash
  readonly txids: ReadonlyArray<Hash.Hash>
}

export const toStored = ({ block, hash, txids }: KnownBlock): StoredBlock => ({
  height: block.header.height,
  hash: Hash.toHex(hash),
  previous: Hash.toHex(block.header.previousHash),
  bytes: block.bytes,
  txids: txids.length > plainTransactions ? txids : undefined
})

/** Coinbase and reward distribution. */
export const plainTransactions = 2

/** Ids of the block's transactions. */
export const txidsOf = (
  hasher: Hasher,
  { bytes, txids }: Pick<StoredBlock, "bytes" | "txids">
): ReadonlyArray<Hash.Hash> => {
  if (txids !== undefined) return txids
  const block = decode(bytes)
  return isMalformed(block) ? [] : Merkle.txids(hasher, block.transactions)
}

/** The same of a block that was not validated. */
export const knownOf = (hasher: Hasher, block: Block): KnownBlock => ({
  block,
  hash: BlockHeader.hash(hasher, block.header),
  txids: Merkle.txids(hasher, block.transactions)
})

/** Which of the wanted transactions are in the block whose ids are given, and where; the first of equal ones. */
export const placesOf = (
  txids: ReadonlyArray<Hash.Hash>,
  wanted: ReadonlySet<string>
): ReadonlyArray<TransactionPlace> => {
  const places: Array<TransactionPlace> = []
  const seen = new Set<string>()
  for (const [index, bytes] of txids.entries()) {
    const txid = Hash.toHex(bytes)
    if (!wanted.has(txid) || seen.has(txid)) continue
    seen.add(txid)
    places.push({ txid, index })
  }
  return places
}

/** Height 0 of the network's chain. */
export const genesisOf = (params: ChainParams): StoredBlock =>
  toStored({ block: params.genesis, hash: params.genesisHash, txids: [] })

/** The network whose genesis block has this hash. */
export const networkOfGenesis = (hash: string): NetworkName | undefined =>
  networkNames.find((name) => networks[name].genesis === hash)
