/** The numbers of each network's chain, and the first block of timemesh's own. */
import { assert, describe, it } from "@effect/vitest"
import * as Block from "../../../src/domain/chain/Block.ts"
import * as ChainParams from "../../../src/domain/chain/ChainParams.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import { networks } from "../../../src/domain/Network.ts"

/** What all networks have alike. */
const alike = {
  blockReward: 9_500_000_000,
  treasuryStep: 500_000_000,
  maxBlockBytes: 4_000_000,
  maxReorg: 100,
  futureSeconds: 5,
  aheadSeconds: 10,
  earlySeconds: 30,
  recentBlocks: 10,
  leaderFrom: 4
}

describe("the rules of a chain", () => {
  it("have these numbers on each network", () => {
    for (const name of ["testnet", "mainnet", "devnet"] as const) {
      const { genesis, genesisHash, genesisTime, intervalSeconds, network, ...rules } = ChainParams.chainParams[name]
      assert.deepStrictEqual(rules, alike, name)
      assert.strictEqual(network, name)
      assert.strictEqual(intervalSeconds, name === "devnet" ? 1 : 600)
      assert.strictEqual(genesisTime, genesis.header.timestamp)
      assert.strictEqual(Hash.toHex(genesisHash), networks[name].genesis)
    }
    assert.strictEqual(ChainParams.mainnet.genesisTime, Date.parse("2026-04-15T00:00:00Z") / 1_000)
  })

  it("begin on devnet with a block for one masternode at 127.0.0.1", () => {
    const { bytes, ...genesis } = ChainParams.devnet.genesis
    const none = new Uint8Array(0)
    assert.deepStrictEqual(genesis, {
      header: {
        version: 1,
        height: 0,
        previousHash: Hash.zero,
        merkleRoot: Hash.zero,
        timestamp: 1_764_547_200,
        blockReward: 10_000_000_000,
        leader: "127.0.0.1",
        attestationRoot: Hash.zero,
        masternodeTiers: { free: 1, bronze: 0, silver: 0, gold: 0 },
        vrfProof: none,
        vrfOutput: Hash.zero,
        vrfScore: 0,
        activeMasternodesBitmap: Uint8Array.of(0x80),
        livenessRecovery: false,
        producerSignature: none,
        totalFees: 0,
        treasuryBalance: 500_000_000
      },
      transactions: [],
      masternodeRewards: [{ address: "127.0.0.1", amount: 10_000_000_000 }],
      timeAttestations: [],
      consensusParticipantsBitmap: none,
      livenessRecovery: false
    })
    assert.deepStrictEqual([...bytes], [...Block.encode(genesis)])
  })
})
