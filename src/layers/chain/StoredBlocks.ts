/** Blocks as stores keep them: how a block becomes one, and the first one of each network. */
import type { Block } from "../../domain/chain/Block.ts"
import type { ChainParams } from "../../domain/chain/ChainParams.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import type { NetworkName } from "../../domain/Network.ts"
import { networkNames, networks } from "../../domain/Network.ts"
import type { StoredBlock } from "../../services/ChainStore.ts"

/** `hash`: the block's own. */
export const toStored = (block: Block, hash: Hash.Hash): StoredBlock => ({
  height: block.header.height,
  hash: Hash.toHex(hash),
  previous: Hash.toHex(block.header.previousHash),
  bytes: block.bytes
})

/** Height 0 of the network's chain. */
export const genesisOf = (params: ChainParams): StoredBlock => toStored(params.genesis, params.genesisHash)

/** The network whose genesis block has this hash. */
export const networkOfGenesis = (hash: string): NetworkName | undefined =>
  networkNames.find((name) => networks[name].genesis === hash)
