/** The networks a node can join. Peers of different networks, or with different genesis blocks, never connect. */

/** Network names as users type them. */
export type NetworkName = "testnet" | "mainnet" | "devnet"

export const networkNames: ReadonlyArray<NetworkName> = ["testnet", "mainnet", "devnet"]

/** What distinguishes one network from another on the wire. */
export interface Network {
  readonly name: NetworkName
  /** Default listening port. */
  readonly port: number
  /** Hash of block 0, 64 hex digits. */
  readonly genesis: string
  /** Seeds that its nodes ask for their first peers, in the format of `peer/Seed`. Absent: no seeds run yet, and operators name their own. */
  readonly seeds?: ReadonlyArray<string>
}

/** testnet and mainnet have the TIME network's ports and genesis hashes; devnet is timemesh's own. */
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
  // chain/ChainParams.ts builds block 0 the way the testnet's was built.
  devnet: {
    name: "devnet",
    port: 24200,
    genesis: "60972cd1099a72f4234f910c0b9870de0b6e74165f8382dc6bdea875f770328b"
  }
}
