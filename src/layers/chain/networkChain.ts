/** The first block of a network's chain as stores keep it, and how a block becomes one that they keep. */
import type { Block } from "../../domain/chain/Block.ts"
import type { ChainParams } from "../../domain/chain/ChainParams.ts"
import { chainParams } from "../../domain/chain/ChainParams.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import type { NetworkName } from "../../domain/Network.ts"
import { networkNames, networks } from "../../domain/Network.ts"
import type { StoredBlock } from "../../services/ChainStore.ts"

export const stored = (block: Block, hash: Hash.Hash): StoredBlock => ({
  height: block.header.height,
  hash: Hash.toHex(hash),
  previous: Hash.toHex(block.header.previousHash),
  bytes: block.bytes
})

export const genesisOf = (params: ChainParams): StoredBlock => stored(params.genesis, params.genesisHash)

/** What a store of that network's chain is opened with, beside the file. */
export const storeOptions = (network: NetworkName) => ({ network, genesis: genesisOf(chainParams[network]) })

/** The network that begins with the block of this hash. */
export const networkOfGenesis = (hash: string): NetworkName | undefined =>
  networkNames.find((name) => networks[name].genesis === hash)

/** The chain of a node, within its data directory. */
export const fileIn = (dataDir: string): string => `${dataDir}/chain.db`
