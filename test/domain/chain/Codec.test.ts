import { assert, describe, it } from "@effect/vitest"
import * as Bincode from "../../../src/domain/chain/Bincode.ts"
import * as Block from "../../../src/domain/chain/Block.ts"
import * as BlockHeader from "../../../src/domain/chain/BlockHeader.ts"
import * as ChainParams from "../../../src/domain/chain/ChainParams.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import * as Merkle from "../../../src/domain/chain/Merkle.ts"
import * as Transaction from "../../../src/domain/chain/Transaction.ts"
import * as Txid from "../../../src/domain/chain/Txid.ts"
import type * as U64 from "../../../src/domain/chain/U64.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import { networks } from "../../../src/domain/Network.ts"
import { bytes } from "../../harness/arbitraries.ts"
import * as arb from "../../harness/chainArbitraries.ts"
import { hasher } from "../../harness/hasher.ts"
import { randomFrom } from "../../harness/random.ts"
import { vector, vectorText } from "../../harness/vectors.ts"

const decoded = (bytes: Uint8Array): Block.Block => {
  const block = Block.decode(bytes)
  if (Block.isMalformed(block)) throw new Error(`${block.reason} at ${block.at}`)
  return block
}
/** The fields alone, byte strings as plain arrays, so that views into different buffers compare. */
const plain = (value: unknown): unknown =>
  value instanceof Uint8Array
    ? [...value]
    : Array.isArray(value)
    ? value.map(plain)
    : typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).filter(([key]) => key !== "bytes").map(([k, v]) => [k, plain(v)]))
    : value

describe("vectors of the reference daemon", () => {
  for (const network of ["testnet", "mainnet"] as const) {
    it(`genesis of ${network}`, () => {
      const { genesis, genesisHash } = ChainParams.chainParams[network]
      assert.deepStrictEqual(Buffer.from(genesis.bytes), vector(`genesis_${network}`))
      assert.deepStrictEqual(plain(decoded(vector(`genesis_${network}`))), plain(genesis))
      assert.strictEqual(Hash.toHex(BlockHeader.hash(hasher, genesis.header)), networks[network].genesis)
      assert.isTrue(Hash.equals(genesisHash, Hash.fromHexUnsafe(networks[network].genesis)))
    })
  }

  it("genesis inside its announcement", () => {
    assert.deepStrictEqual(
      plain(decoded(vector("GenesisAnnouncement_testnet").subarray(8))),
      plain(ChainParams.testnet.genesis)
    )
  })

  it("genesis of devnet is its own", () => {
    const { genesis } = ChainParams.devnet
    assert.strictEqual(Hash.toHex(BlockHeader.hash(hasher, genesis.header)), networks.devnet.genesis)
    assert.strictEqual(genesis.header.timestamp, Date.parse("2025-12-01T00:00:00Z") / 1000)
    assert.notStrictEqual(networks.devnet.genesis, networks.testnet.genesis)
    assert.strictEqual(new Set(Object.values(networks).map((n) => n.genesis)).size, 3)
  })

  it("the sample block: bytes, fields, txids, merkle root, hash", () => {
    const block = decoded(vector("block bincode"))
    assert.deepStrictEqual(Buffer.from(Block.encode(block)), vector("block bincode"))
    assert.deepStrictEqual(plain(decoded(vector("BlockResponse").subarray(8))), plain(block))
    assert.strictEqual(block.header.version, 2)
    assert.strictEqual(block.header.leader, "10.0.0.2")
    assert.strictEqual(block.header.vrfScore, 42)
    assert.deepStrictEqual(block.header.masternodeTiers, { free: 3, bronze: 0, silver: 0, gold: 0 })
    assert.strictEqual(block.header.livenessRecovery, false)
    assert.strictEqual(block.livenessRecovery, undefined)
    assert.deepStrictEqual(block.masternodeRewards, [{ address: "TIME0aaa", amount: 9_500_000_000 }])
    const [coinbase, distribution] = block.transactions
    if (coinbase === undefined || distribution === undefined) return assert.fail("two transactions")
    assert.deepStrictEqual(distribution.specialData, {
      _tag: "MasternodePayoutUpdate",
      nodeAddress: "1.2.3.4:24100",
      newRewardAddress: "a\"b/é",
      pubkey: "p",
      signature: "s"
    })
    assert.deepStrictEqual(plain(distribution.encryptedMemo), [1, 2])
    assert.strictEqual(Txid.json(coinbase), vectorText("coinbase json"))
    assert.strictEqual(Txid.json(distribution), vectorText("dist json(for hash)"))
    const txids = Merkle.txids(hasher, block.transactions)
    assert.deepStrictEqual(txids.map(Hash.toHex), [vectorText("coinbase txid"), vectorText("dist txid")])
    assert.strictEqual(Hash.toHex(Merkle.root(hasher, txids)), vectorText("merkle"))
    assert.strictEqual(Hash.toHex(block.header.merkleRoot), vectorText("merkle"))
    assert.strictEqual(Hash.toHex(BlockHeader.hash(hasher, block.header)), vectorText("block hash"))
  })

  it("the distribution by itself", () => {
    const transaction = Transaction.decode(vector("dist bincode"))
    if (Block.isMalformed(transaction)) return assert.fail(transaction.reason)
    assert.deepStrictEqual(Buffer.from(Transaction.encode(transaction)), vector("dist bincode"))
    assert.strictEqual(Hash.toHex(Txid.of(hasher, transaction)), vectorText("dist txid"))
  })
})

describe("Block codec", () => {
  it.prop("gives back every block, with its bytes as views of what was read", [arb.block], ([fields]) => {
    const encoded = Block.encode(fields)
    const block = decoded(encoded)
    assert.deepStrictEqual(plain(block), plain(fields))
    assert.deepStrictEqual(Block.encode(block), encoded)
    assert.deepStrictEqual(new Uint8Array(block.bytes), encoded)
    assert.strictEqual(block.bytes.buffer, encoded.buffer)
    assert.strictEqual(block.header.merkleRoot.buffer, encoded.buffer)
  })

  it.prop("refuses every truncation, and anything behind", [arb.block], ([fields]) => {
    const encoded = Block.encode(fields)
    for (let n = 0; n < encoded.length; n++) {
      const cut = Block.decode(encoded.subarray(0, n))
      assert.isTrue(Block.isMalformed(cut), `${n} of ${encoded.length} bytes`)
    }
    const longer = Block.decode(Uint8Array.of(...encoded, 0))
    assert.deepStrictEqual(longer, { _tag: "Malformed", reason: "trailing bytes", at: encoded.length })
  })

  it.prop("reads blocks one behind the other", [arb.block, arb.block, bytes(0, 9)], ([a, b, junk]) => {
    const both = Buffer.concat([junk, Block.encode(a), Block.encode(b)])
    const reader = new Bincode.Reader(both, junk.length)
    assert.deepStrictEqual(plain([Block.read(reader), Block.read(reader)]), plain([a, b]))
    assert.strictEqual(reader.left, 0)
    assert.strictEqual(reader.failed, undefined)
  })

  it("mutated bytes never throw, and what decodes is what encodes", () => {
    const random = randomFrom(20_261_124)
    const seeds = [vector("block bincode"), vector("genesis_testnet"), vector("genesis_mainnet")]
    let good = 0
    for (let round = 0; round < 30_000; round++) {
      const bytes = Uint8Array.from(seeds[random(seeds.length)] ?? [])
      for (let n = 1 + random(4); n > 0; n--) {
        bytes[random(bytes.length)] = random(3) === 0 ? 0xff : random(256)
      }
      const block = Block.decode(bytes)
      if (Block.isMalformed(block)) assert.isAtMost(block.at, bytes.length)
      else {
        good += 1
        assert.deepStrictEqual(Block.encode(block), bytes, `round ${round}`)
        BlockHeader.hash(hasher, block.header)
        Merkle.txids(hasher, block.transactions)
      }
    }
    assert.isAbove(good, 1_000)
  })

  it("refuses what Rust refuses: bool 2, Option 2, ill-formed UTF-8, an unknown variant; and counts beyond the bytes", () => {
    const good = vector("block bincode")
    const broken = (at: number, ...values: Array<number>) => {
      const bytes = Uint8Array.from(good)
      bytes.set(values, at)
      const block = Block.decode(bytes)
      return Block.isMalformed(block) ? block.reason : "decoded"
    }
    const last = good.length - 1
    assert.strictEqual(broken(last, 2), "an Option tag of 2")
    // Header: 92 bytes, leader (8 + 8), attestation root and tiers (48), empty proof (8), output and score (40), bitmap (9).
    const liveness = 92 + 16 + 48 + 8 + 40 + 9
    assert.strictEqual(good[liveness], 1)
    assert.strictEqual(broken(liveness, 2), "an Option tag of 2")
    assert.strictEqual(broken(liveness + 1, 2), "a bool of 2")
    assert.strictEqual(broken(100, 0xff), "ill-formed UTF-8")
    assert.strictEqual(broken(100, 0xc0, 0x80), "ill-formed UTF-8")
    assert.strictEqual(broken(92, 0, 0, 0, 0, 0, 0, 0, 0x80), "a count of more elements than bytes")
    const transactions = liveness + 2 + 8 + 16
    assert.strictEqual(good[transactions], 2)
    assert.strictEqual(broken(transactions, 200), "a count of more elements than bytes")
    const special = good.indexOf(Buffer.from("02000000 0d00000000000000".replace(" ", ""), "hex"))
    assert.strictEqual(broken(special, 3), "special data of kind 3")
    assert.strictEqual(broken(10, 0x20), "height 9007199254740993 is out of range")
  })
})

describe("Transaction codec", () => {
  it.prop("gives back every transaction", [arb.transaction], ([transaction]) => {
    const back = Transaction.decode(Transaction.encode(transaction))
    assert.deepStrictEqual(plain(back), plain(transaction))
  })
})

describe("Txid", () => {
  /** The same text by way of JSON.stringify: numbers beyond 2^53 are put in afterwards. */
  const reference = (t: Transaction.Transaction, memo: Uint8Array | undefined): string => {
    const exact: Array<string> = []
    const number = (n: U64.U64) => `#${exact.push(`${n}`) - 1}#`
    const { specialData: s } = t
    const special = s === undefined ? null : {
      [s._tag]: Object.fromEntries(
        Object.entries(s).filter(([key]) => key !== "_tag").map((
          [key, value]
        ) => [key.replaceAll(/[A-Z]/g, (c) => `_${c.toLowerCase()}`), value])
      )
    }
    return JSON.stringify({
      version: t.version,
      inputs: t.inputs.map((input) => ({
        previous_output: { txid: [...input.previousOutput.txid], vout: input.previousOutput.vout },
        script_sig: [...input.scriptSig],
        sequence: input.sequence
      })),
      outputs: t.outputs.map((output) => ({ value: number(output.value), script_pubkey: [...output.scriptPubkey] })),
      lock_time: t.lockTime,
      timestamp: number(t.timestamp),
      special_data: special,
      encrypted_memo: memo === undefined ? null : [...memo]
    }).replaceAll(/"#(\d+)#"/g, (_, i: string) => exact[Number(i)] ?? "")
  }

  it.prop("hashes the JSON text", [arb.transaction], ([transaction]) => {
    assert.strictEqual(Txid.json(transaction), reference(transaction, undefined))
    const sha = (text: string) => Hash.toHex(hasher.sha256(Buffer.from(text)))
    assert.strictEqual(Hash.toHex(Txid.of(hasher, transaction)), sha(reference(transaction, undefined)))
    assert.strictEqual(
      Hash.toHex(Txid.withMemo(hasher, transaction)),
      sha(reference(transaction, transaction.encryptedMemo))
    )
  })
})

describe("BlockHeader", () => {
  it.prop("a header message alone gives the block's hash", [arb.block], ([{ header }]) => {
    const bytes = BlockHeader.encode(header)
    const back = BlockHeader.decode(hasher, bytes)
    if (Block.isMalformed(back)) return assert.fail(back.reason)
    assert.isTrue(Hash.equals(back.hash, BlockHeader.hash(hasher, header)))
    const uncovered = Object.keys(header).filter((key) => !(key in back.header))
    assert.sameMembers(uncovered, [
      "attestationRoot",
      "livenessRecovery",
      "masternodeTiers",
      "producerSignature",
      "totalFees",
      "vrfProof"
    ])
    for (const [key, value] of Object.entries(back.header)) {
      assert.deepStrictEqual(plain(value), plain(new Map(Object.entries(header)).get(key)))
    }
    for (let n = 0; n < bytes.length; n++) {
      assert.isTrue(Block.isMalformed(BlockHeader.decode(hasher, bytes.subarray(0, n))))
    }
    assert.isTrue(Block.isMalformed(BlockHeader.decode(hasher, Uint8Array.of(...bytes, 0))))
  })

  it("2,000 headers fit a message many times over; never more than 2,000, never more than the bytes allow", () => {
    const header = decoded(vector("block bincode")).header
    const usual = BlockHeader.encodeList(Array.from({ length: 3_000 }, () => header))
    assert.strictEqual(usual.count, Limits.headersPerMessage)
    assert.isBelow(usual.bytes.length, 400_000)
    const list = BlockHeader.decodeList(hasher, usual.bytes)
    assert.isFalse(Block.isMalformed(list))
    const big = { ...header, leader: "x".repeat(1_000_000) }
    const few = BlockHeader.encodeList([big, big, big, big, big, big])
    assert.strictEqual(few.count, 4)
    assert.isAtMost(few.bytes.length, Limits.headersBytes)
    const huge = BlockHeader.encodeList([{ ...header, leader: "x".repeat(3_999_000 + 500_000) }, header])
    assert.strictEqual(huge.count, 1)
    assert.isBelow(huge.bytes.length, Limits.frameBytes)
    const many = new Bincode.Writer()
    many.u32(2_001)
    many.raw(new Uint8Array(2_001 * BlockHeader.fixedBytes))
    assert.deepStrictEqual(BlockHeader.decodeList(hasher, many.done()), {
      _tag: "Malformed",
      reason: "2001 headers, over 2000",
      at: 4
    })
  })

  it("covers exactly the eleven fields", () => {
    const { header } = decoded(vector("block bincode"))
    const hash = (h: BlockHeader.BlockHeader) => Hash.toHex(BlockHeader.hash(hasher, h))
    const other = new Uint8Array(32).fill(9)
    const covered: ReadonlyArray<Partial<Block.FullHeader>> = [
      { version: 3 },
      { height: 2 },
      { previousHash: other },
      { merkleRoot: other },
      { timestamp: 0 },
      { blockReward: 0 },
      { leader: "x" },
      { vrfOutput: other },
      { vrfScore: 0 },
      { activeMasternodesBitmap: Uint8Array.of(1) },
      { treasuryBalance: 0 }
    ]
    const free: ReadonlyArray<Partial<Block.FullHeader>> = [
      { attestationRoot: other },
      { masternodeTiers: { free: 9, bronze: 9, silver: 9, gold: 9 } },
      { vrfProof: other },
      { livenessRecovery: true },
      { producerSignature: other },
      { totalFees: 9 }
    ]
    assert.strictEqual(new Set([{}, ...covered].map((change) => hash({ ...header, ...change }))).size, 12)
    assert.strictEqual(new Set([{}, ...free].map((change) => hash({ ...header, ...change }))).size, 1)
  })
})

describe("U64", () => {
  it.prop("survives its bytes", [arb.u64, arb.i64], ([u, i]) => {
    const writer = new Bincode.Writer(1)
    writer.u64(u)
    writer.u64(i)
    const reader = new Bincode.Reader(writer.done())
    assert.strictEqual(reader.u64(), u)
    assert.strictEqual(reader.i64(), i)
  })
})
