/**
 * The entry point `timemesh`: a node and its parts for embedders.
 *
 * A node is `Node.layer(setup)` over a `PeerSocket` and a `PeerStore`; use it through `ConnectionManager`, `PeerState` and
 * `NodeEvents`. With a chain it is `ChainNode.layer(setup)`, over a `ChainStore` too, and `Sync` reports its state.
 * For tests, give it a host of `MemoryNetwork` and a `TestClock`.
 *
 * Further entry points: `timemesh/simulation` (whole networks in virtual time), `timemesh/postgres` (the chain in
 * PostgreSQL, for applications that install `@effect/sql-pg`), and each module below by its name (`timemesh/Node`).
 */
export type * as Bincode from "./domain/chain/Bincode.ts"
export * as Block from "./domain/chain/Block.ts"
export type * as BlockHeader from "./domain/chain/BlockHeader.ts"
export * as ChainParams from "./domain/chain/ChainParams.ts"
export * as Hash from "./domain/chain/Hash.ts"
export type * as Transaction from "./domain/chain/Transaction.ts"
export type * as U64 from "./domain/chain/U64.ts"
export * as DisconnectReason from "./domain/DisconnectReason.ts"
export * as Limits from "./domain/Limits.ts"
export * as Network from "./domain/Network.ts"
export type * as NodeEvent from "./domain/NodeEvent.ts"
export * as NodeSetup from "./domain/NodeSetup.ts"
export * as Pair from "./domain/pair/Pair.ts"
export type * as PairRules from "./domain/pair/PairRules.ts"
export type * as PairState from "./domain/pair/PairState.ts"
export * as PeerAddress from "./domain/peer/PeerAddress.ts"
export * as PeerIp from "./domain/peer/PeerIp.ts"
export type * as PeerRecord from "./domain/peer/PeerRecord.ts"
export * as TieBreak from "./domain/peer/TieBreak.ts"
export type * as Ranges from "./domain/sync/Ranges.ts"
export type * as SyncState from "./domain/sync/SyncState.ts"
export * as Tuning from "./domain/Tuning.ts"
export * as Frame from "./domain/wire/Frame.ts"
export * as Message from "./domain/wire/Message.ts"
export * as ChainStoreMemory from "./layers/chain/ChainStoreMemory.ts"
export * as ChainStoreSql from "./layers/chain/ChainStoreSql.ts"
export * as NodeLog from "./layers/log/NodeLog.ts"
export * as ChainNode from "./layers/node/ChainNode.ts"
export * as Node from "./layers/node/Node.ts"
export * as MemoryNetwork from "./layers/socket/memory/MemoryNetwork.ts"
export * as TcpSocket from "./layers/socket/TcpSocket.ts"
export type * as SqliteOptions from "./layers/sql/SqliteOptions.ts"
export * as PeerStoreFile from "./layers/store/PeerStoreFile.ts"
export * as PeerStoreMemory from "./layers/store/PeerStoreMemory.ts"
export * as Producer from "./layers/sync/Producer.ts"
export * as Cadence from "./services/Cadence.ts"
export * as ChainStore from "./services/ChainStore.ts"
export * as ConnectionManager from "./services/ConnectionManager.ts"
export * as NodeConfig from "./services/NodeConfig.ts"
export * as NodeEvents from "./services/NodeEvents.ts"
export * as PeerSocket from "./services/PeerSocket.ts"
export * as PeerState from "./services/PeerState.ts"
export * as PeerStore from "./services/PeerStore.ts"
export * as Sync from "./services/Sync.ts"
