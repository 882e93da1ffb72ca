/**
 * The TIME network's bincode: blocks, transactions, headers and lists of headers. Bytes are malformed, or a value whose
 * encoding is exactly these bytes: the format has one encoding per value (fixed-width integers and lengths, tags 0 and 1
 * only, strict UTF-8), so there is no other rule. The rules of validation never throw on what decodes.
 *
 * An input is one byte that chooses the decoder, one that chooses what validation is told, then the bytes.
 */
import { Arbitrary, Effect } from "effect"
import * as Block from "../../../src/domain/chain/Block.ts"
import * as BlockHeader from "../../../src/domain/chain/BlockHeader.ts"
import * as ChainParams from "../../../src/domain/chain/ChainParams.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import type { Parent } from "../../../src/domain/chain/HeaderRules.ts"
import * as Merkle from "../../../src/domain/chain/Merkle.ts"
import * as Synthetic from "../../../src/domain/chain/Synthetic.ts"
import * as Transaction from "../../../src/domain/chain/Transaction.ts"
import * as Txid from "../../../src/domain/chain/Txid.ts"
import * as Validation from "../../../src/domain/chain/Validation.ts"
import * as arb from "../../harness/chainArbitraries.ts"
import { hasher } from "../../harness/hasher.ts"
import { blocksOf, payloads, vector } from "../../harness/vectors.ts"
import * as Mutator from "../Mutator.ts"
import { ensure, sameBytes, type Target, utf8 } from "../Target.ts"

const decoders = ["block", "transaction", "header", "headers"] as const

const checkMalformed = (malformed: Transaction.Malformed, bytes: Uint8Array): void => {
  ensure(malformed.at >= 0 && malformed.at <= bytes.length, () => `malformed at ${malformed.at} of ${bytes.length}`)
  ensure(malformed.reason !== "", "malformed without a reason")
}

/** A fault has words; what is valid was given its hash and ids. */
const checkVerdict = (verdict: Validation.Valid | Validation.BlockFault, block: Block.Block): void => {
  if (verdict._tag !== "Valid") return ensure(Validation.describe(verdict) !== "", "a fault without words")
  ensure(Hash.equals(verdict.hash, BlockHeader.hash(hasher, block.header)), "the hash of a valid block")
  ensure(verdict.txids.length === block.transactions.length, "the ids of a valid block")
}

/** The given block, then one with parent and merkle root as they should be, so that later rules are reached. */
const validate = (block: Block.Block, option: number): void => {
  const params = [ChainParams.testnet, ChainParams.devnet, ChainParams.mainnet][option % 3] ?? ChainParams.testnet
  const { header } = block
  const parent: Parent = {
    height: header.height - 1,
    hash: header.previousHash,
    treasuryBalance: header.treasuryBalance
  }
  const now = 1_000 * (ChainParams.dueAt(params, header.height) + 60 * (option & 64))
  checkVerdict(Validation.block(params, hasher, parent, block, now), block)
  if ((option & 8) !== 0) return
  const mended = {
    ...block,
    header: {
      ...header,
      merkleRoot: Merkle.root(hasher, Merkle.txids(hasher, block.transactions)),
      timestamp: (option & 16) === 0 ? ChainParams.dueAt(params, header.height) : header.timestamp,
      blockReward: (option & 32) === 0 ? params.blockReward : header.blockReward
    }
  }
  checkVerdict(Validation.block(params, hasher, parent, mended, now), mended)
  checkVerdict(Validation.body(params, hasher, BlockHeader.hash(hasher, mended.header), mended, now), mended)
}

const checkBlock = (bytes: Uint8Array, option: number): void => {
  const block = Block.decode(bytes)
  if (Block.isMalformed(block)) return checkMalformed(block, bytes)
  ensure(sameBytes(Block.encode(block), bytes), "a block has another encoding")
  ensure(sameBytes(block.bytes, bytes), "a block's bytes are not what was read")
  validate(block, option)
}

const checkTransaction = (bytes: Uint8Array): void => {
  const transaction = Transaction.decode(bytes)
  if (Block.isMalformed(transaction)) return checkMalformed(transaction, bytes)
  ensure(sameBytes(Transaction.encode(transaction), bytes), "a transaction has another encoding")
  // The text under the id must be JSON, whatever the strings in it are.
  JSON.parse(Txid.json(transaction))
  ensure(Txid.of(hasher, transaction).length === Hash.length, "the id of a transaction")
}

const checkHeader = (bytes: Uint8Array): void => {
  const hashed = BlockHeader.decode(hasher, bytes)
  if (Block.isMalformed(hashed)) return checkMalformed(hashed, bytes)
  ensure(sameBytes(BlockHeader.encode(hashed.header), bytes), "a header has another encoding")
  ensure(Hash.equals(hashed.hash, BlockHeader.hash(hasher, hashed.header)), "a header has another hash")
}

const checkHeaders = (bytes: Uint8Array): void => {
  const list = BlockHeader.decodeList(hasher, bytes)
  if (Block.isMalformed(list)) return checkMalformed(list, bytes)
  const again = BlockHeader.encodeList(list.map(({ header }) => header))
  ensure(again.count === list.length, "a list of headers is cut short")
  ensure(sameBytes(again.bytes, bytes), "a list of headers has another encoding")
}

const inputOf = (decoder: (typeof decoders)[number], bytes: Uint8Array, option = 0): Uint8Array =>
  Uint8Array.from(Buffer.concat([Uint8Array.of(decoders.indexOf(decoder), option), bytes]))

const sample = <A>(from: Arbitrary.Arbitrary<A>, count: number, seed: number): ReadonlyArray<A> =>
  Effect.runSync(Arbitrary.sampleEffect(from, { count, seed, size: 6 }))

/** A well-formed value with one place changed, encoded again. */
const mutate = (input: Uint8Array, random: Mutator.Random): Uint8Array | undefined => {
  const [decoder = 0, option = 0] = input
  if (random(10) === 0) return Uint8Array.of(decoder, random(256), ...input.subarray(2))
  const bytes = input.subarray(2)
  try {
    switch (decoders[decoder % decoders.length]) {
      case "block": {
        const block = Block.decode(bytes)
        if (Block.isMalformed(block)) return undefined
        const { bytes: _, ...fields } = block
        return inputOf("block", Block.encode(Mutator.value(fields, random) as Block.BlockFields), option)
      }
      case "transaction": {
        const transaction = Transaction.decode(bytes)
        if (Block.isMalformed(transaction)) return undefined
        return inputOf(
          "transaction",
          Transaction.encode(Mutator.value(transaction, random) as Transaction.Transaction),
          option
        )
      }
      default:
        return undefined
    }
  } catch {
    // No such value can be written.
    return undefined
  }
}

export const target: Target = {
  name: "block",
  about:
    "blocks, transactions and headers in bincode: malformed, or exactly their own encoding; validation never throws",
  unit: "a byte string",
  suffix: "bin",
  mostBytes: 6 * 1024,
  tokens: [
    ...["TIME0testaddr", "BLOCK_REWARD_", "10.11.0.2", "é", "\u2028", "\"\\"].map(utf8),
    Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0x80),
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
    Uint8Array.of(0, 0, 0, 0, 0, 0, 0x20, 0),
    Uint8Array.of(0xed, 0xa0, 0x80),
    Uint8Array.of(0xef, 0xbb, 0xbf),
    new Uint8Array(32)
  ],
  seeds: (seed) => {
    const { address, leader, options } = { address: "TIME0testaddr", leader: "10.11.0.2", options: [0, 1, 72] }
    const made = options.map((height) =>
      Synthetic.onTop(
        ChainParams.testnet,
        hasher,
        { height, hash: Hash.zero, treasuryBalance: 1_000_000_000 },
        ChainParams.dueAt(ChainParams.testnet, height + 1),
        { address, leader }
      ).block
    )
    const recorded = payloads("rec-we-sync-120", "BlocksResponse").flatMap(blocksOf).slice(0, 3)
    const blocks = [
      vector("block bincode"),
      vector("genesis_testnet"),
      vector("genesis_mainnet"),
      ...made.map((block) => block.bytes),
      ...recorded.map((block) => block.bytes),
      ...sample(arb.block, 40, seed).map(Block.encode)
    ]
    const headers = [...made, ...sample(arb.block, 20, seed + 1)].map(({ header }) => header)
    return [
      ...blocks.map((bytes, i) => inputOf("block", bytes, i)),
      inputOf("transaction", vector("dist bincode")),
      ...sample(arb.transaction, 20, seed).map((transaction) =>
        inputOf("transaction", Transaction.encode(transaction))
      ),
      ...headers.map((header) => inputOf("header", BlockHeader.encode(header))),
      ...[0, 1, 3].map((n) => inputOf("headers", BlockHeader.encodeList(headers.slice(0, n)).bytes))
    ]
  },
  mutate,
  run: (input) => {
    const bytes = input.subarray(2)
    switch (decoders[(input[0] ?? 0) % decoders.length]) {
      case "transaction":
        checkTransaction(bytes)
        break
      case "header":
        checkHeader(bytes)
        break
      case "headers":
        checkHeaders(bytes)
        break
      default:
        checkBlock(bytes, input[1] ?? 0)
    }
    return 1
  }
}
