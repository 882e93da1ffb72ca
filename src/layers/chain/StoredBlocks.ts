/** Stored blocks: how to make one, how to find transactions in one, and each network's genesis. */
import { type Block, decode, isMalformed } from "../../domain/chain/Block.ts"
import * as BlockHeader from "../../domain/chain/BlockHeader.ts"
import type { ChainParams } from "../../domain/chain/ChainParams.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import type { Hasher } from "../../domain/chain/Hasher.ts"
import * as Merkle from "../../domain/chain/Merkle.ts"
import type { NetworkName } from "../../domain/Network.ts"
import { networkNames, networks } from "../../domain/Network.ts"
import type { StoredBlock, TransactionPlace } from "../../services/ChainStore.ts"

/** A block with its hash and transaction ids, as validation or the block's maker computed them. */
export interface KnownBlock {
  readonly block: Block
  readonly hash: Hash.Hash
  readonly txids: ReadonlyArray<Hash.Hash>
}

export const toStored = (known: KnownBlock): StoredBlock =>
  toStoredAfter(known, Hash.toHex(known.block.header.previousHash))

/** The same where the caller has the hash of the block before as text. */
export const toStoredAfter = ({ block, hash, txids }: KnownBlock, previous: string): StoredBlock => ({
  height: block.header.height,
  hash: Hash.toHex(hash),
  previous,
  bytes: block.bytes,
  txids: txids.length > plainTransactions ? txids : undefined
})

/** Transactions of a plain block: coinbase and reward distribution. */
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

/** Computes the same for a block that was not validated. */
export const knownOf = (hasher: Hasher, block: Block): KnownBlock => ({
  block,
  hash: BlockHeader.hash(hasher, block.header),
  txids: Merkle.txids(hasher, block.transactions)
})

/** Which wanted transactions the block with these ids has, and where. Of equal ids the first counts. */
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

/** The block at height 0 of the network's chain. */
export const genesisOf = (params: ChainParams): StoredBlock =>
  toStored({ block: params.genesis, hash: params.genesisHash, txids: [] })

/** The network whose genesis block has this hash. */
export const networkOfGenesis = (hash: string): NetworkName | undefined =>
  networkNames.find((name) => networks[name].genesis === hash)
