/** The networks a node can belong to. Peers of different networks or genesis never connect. */

/** Network names as users type them. */
export type NetworkName = "testnet" | "mainnet" | "devnet"

export const networkNames: ReadonlyArray<NetworkName> = ["testnet", "mainnet", "devnet"]

/** What tells one network from another on the wire. */
export interface Network {
  readonly name: NetworkName
  /** Port a peer of this network listens on unless told otherwise. */
  readonly port: number
  /** Hash of block 0, 64 hex digits. */
  readonly genesis: string
}

/** Ports and genesis hashes of testnet and mainnet are those of the TIME network; devnet is ours. */
export const networks: Readonly<Record<NetworkName, Network>> = {
  testnet: {
    name: "testnet",
    port: 24100,
    genesis: "b9523431d4e59a1b41d757a8c0f01ed023c11123761b1455e4644ef9d5599ff6"
  },
  mainnet: {
    name: "mainnet",
    port: 24000,
    genesis: "45181d4c65a3a2bcc2215d037267bee4cc2248f21764466846d2b7218b601ce5"
  },
  // A network without blocks yet: the hash is a label (SHA-256 of "timemesh devnet 2025-12-01T00:00:00Z").
  devnet: {
    name: "devnet",
    port: 24200,
    genesis: "3db8018137d619f5fab5ca1ec7936bf492d397da978c5ddfcc5f403b7cea88e3"
  }
}
