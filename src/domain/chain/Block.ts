/**
 * A block of the TIME network: its fields, and their bincode.
 *
 * **Shapes.** A decoded block keeps the bytes it was decoded from (`bytes`). Its byte strings are views into them, so nothing is copied and
 * the buffer lives as long as the block. Storing and relaying use `bytes`, without re-encoding.
 *
 * **Integers.** Heights and header timestamps are numbers: a block with other than safe integers cannot satisfy the rules of the chain and
 * does not decode. Amounts and scores are exact over the whole range (`U64`).
 */
import { Reader, Writer } from "./Bincode.ts"
import type { BlockHeader } from "./BlockHeader.ts"
import type { Hash } from "./Hash.ts"
import * as Transaction from "./Transaction.ts"
import { type Malformed, malformed } from "./Transaction.ts"
import type { I64, U64 } from "./U64.ts"

export interface MasternodeTiers {
  readonly free: number
  readonly bronze: number
  readonly silver: number
  readonly gold: number
}

/** All 17 fields of the wire's header: those that the hash covers, and six that nothing commits to. */
export interface FullHeader extends BlockHeader {
  readonly attestationRoot: Hash
  readonly masternodeTiers: MasternodeTiers
  /** Empty or 80 bytes. */
  readonly vrfProof: Uint8Array
  readonly livenessRecovery: boolean | undefined
  readonly producerSignature: Uint8Array
  readonly totalFees: U64
}

export interface MasternodeReward {
  readonly address: string
  /** Satoshi. */
  readonly amount: U64
}

export interface WitnessRecord {
  readonly witnessAddress: string
  readonly witnessPubkey: string
  readonly witnessTimestamp: I64
  readonly signature: string
}

/** Present in old blocks only. */
export interface TimeAttestation {
  readonly masternodeAddress: string
  readonly sequenceNumber: U64
  readonly heartbeatTimestamp: I64
  readonly masternodePubkey: string
  readonly heartbeatSignature: string
  readonly witnesses: ReadonlyArray<WitnessRecord>
}

/** The contents of a block. */
export interface BlockFields {
  readonly header: FullHeader
  readonly transactions: ReadonlyArray<Transaction.Transaction>
  readonly masternodeRewards: ReadonlyArray<MasternodeReward>
  readonly timeAttestations: ReadonlyArray<TimeAttestation>
  readonly consensusParticipantsBitmap: Uint8Array
  readonly livenessRecovery: boolean | undefined
}

export interface Block extends BlockFields {
  /** Its bincode encoding. */
  readonly bytes: Uint8Array
}

/** bytes. Minimum length of each in bincode. */
const rewardLeast = 16
const attestationLeast = 48
const witnessLeast = 32
/** bytes. The shortest block. */
export const blockLeast = 262

const none: ReadonlyArray<never> = []

const readHeader = (reader: Reader): FullHeader => {
  const version = reader.u32()
  const height = reader.small("height")
  const previousHash = reader.hash()
  const merkleRoot = reader.hash()
  const timestamp = reader.small("timestamp", true)
  const blockReward = reader.u64()
  const leader = reader.text()
  const attestationRoot = reader.hash()
  const free = reader.u32()
  const bronze = reader.u32()
  const silver = reader.u32()
  const gold = reader.u32()
  const vrfProof = reader.vec()
  return {
    version,
    height,
    previousHash,
    merkleRoot,
    timestamp,
    blockReward,
    leader,
    attestationRoot,
    masternodeTiers: { free, bronze, silver, gold },
    vrfProof,
    vrfOutput: reader.hash(),
    vrfScore: reader.u64(),
    activeMasternodesBitmap: reader.vec(),
    livenessRecovery: reader.maybeBool(),
    producerSignature: reader.vec(),
    totalFees: reader.u64(),
    treasuryBalance: reader.u64()
  }
}

const readTransactions = (reader: Reader): ReadonlyArray<Transaction.Transaction> => {
  const n = reader.count(Transaction.transactionLeast)
  if (n === 0) return none
  const transactions: Array<Transaction.Transaction> = []
  for (let i = 0; i < n && reader.failed === undefined; i++) transactions.push(Transaction.read(reader))
  return transactions
}

const readRewards = (reader: Reader): ReadonlyArray<MasternodeReward> => {
  const n = reader.count(rewardLeast)
  if (n === 0) return none
  const rewards: Array<MasternodeReward> = []
  for (let i = 0; i < n && reader.failed === undefined; i++) {
    const address = reader.text()
    rewards.push({ address, amount: reader.u64() })
  }
  return rewards
}

const readAttestations = (reader: Reader): ReadonlyArray<TimeAttestation> => {
  const n = reader.count(attestationLeast)
  if (n === 0) return none
  const attestations: Array<TimeAttestation> = []
  for (let i = 0; i < n && reader.failed === undefined; i++) {
    attestations.push({
      masternodeAddress: reader.text(),
      sequenceNumber: reader.u64(),
      heartbeatTimestamp: reader.i64(),
      masternodePubkey: reader.text(),
      heartbeatSignature: reader.text(),
      witnesses: readWitnesses(reader)
    })
  }
  return attestations
}

const readWitnesses = (reader: Reader): ReadonlyArray<WitnessRecord> => {
  const n = reader.count(witnessLeast)
  if (n === 0) return none
  const witnesses: Array<WitnessRecord> = []
  for (let i = 0; i < n && reader.failed === undefined; i++) {
    witnesses.push({
      witnessAddress: reader.text(),
      witnessPubkey: reader.text(),
      witnessTimestamp: reader.i64(),
      signature: reader.text()
    })
  }
  return witnesses
}

/** Reads the next block of a list, such as a wire message. The result is meaningless if the reader failed. */
export const read = (reader: Reader): Block => {
  const start = reader.at
  const header = readHeader(reader)
  const transactions = readTransactions(reader)
  const masternodeRewards = readRewards(reader)
  const timeAttestations = readAttestations(reader)
  const consensusParticipantsBitmap = reader.vec()
  const livenessRecovery = reader.maybeBool()
  return {
    header,
    transactions,
    masternodeRewards,
    timeAttestations,
    consensusParticipantsBitmap,
    livenessRecovery,
    bytes: reader.slice(start, reader.at)
  }
}

/** Decodes exactly these bytes as a block of any size: size is a rule of validation. */
export const decode = (bytes: Uint8Array): Block | Malformed => {
  const reader = new Reader(bytes)
  const block = read(reader)
  return reader.failed === undefined && reader.left === 0 ? block : malformed(reader)
}

export const isMalformed = <A extends object>(value: A | Malformed): value is Malformed =>
  "_tag" in value && value._tag === "Malformed"

const writeHeader = (writer: Writer, header: FullHeader): void => {
  writer.u32(header.version)
  writer.u64(header.height)
  writer.raw(header.previousHash)
  writer.raw(header.merkleRoot)
  writer.u64(header.timestamp)
  writer.u64(header.blockReward)
  writer.text(header.leader)
  writer.raw(header.attestationRoot)
  writer.u32(header.masternodeTiers.free)
  writer.u32(header.masternodeTiers.bronze)
  writer.u32(header.masternodeTiers.silver)
  writer.u32(header.masternodeTiers.gold)
  writer.vec(header.vrfProof)
  writer.raw(header.vrfOutput)
  writer.u64(header.vrfScore)
  writer.vec(header.activeMasternodesBitmap)
  writer.maybeBool(header.livenessRecovery)
  writer.vec(header.producerSignature)
  writer.u64(header.totalFees)
  writer.u64(header.treasuryBalance)
}

/** Reused by `encode`, which is synchronous and keeps nothing. */
const scratch = new Writer()

/** The bincode of these fields. For a decoded block it equals `bytes`. */
export const encode = (block: BlockFields): Uint8Array => {
  const writer = scratch.reset()
  writeHeader(writer, block.header)
  writer.u64(block.transactions.length)
  for (const transaction of block.transactions) Transaction.write(writer, transaction)
  writer.u64(block.masternodeRewards.length)
  for (const { address, amount } of block.masternodeRewards) {
    writer.text(address)
    writer.u64(amount)
  }
  writer.u64(block.timeAttestations.length)
  for (const attestation of block.timeAttestations) writeAttestation(writer, attestation)
  writer.vec(block.consensusParticipantsBitmap)
  writer.maybeBool(block.livenessRecovery)
  return writer.done()
}

const writeAttestation = (writer: Writer, attestation: TimeAttestation): void => {
  writer.text(attestation.masternodeAddress)
  writer.u64(attestation.sequenceNumber)
  writer.u64(attestation.heartbeatTimestamp)
  writer.text(attestation.masternodePubkey)
  writer.text(attestation.heartbeatSignature)
  writer.u64(attestation.witnesses.length)
  for (const witness of attestation.witnesses) {
    writer.text(witness.witnessAddress)
    writer.text(witness.witnessPubkey)
    writer.u64(witness.witnessTimestamp)
    writer.text(witness.signature)
  }
}

/** A block made here. */
export const make = (fields: BlockFields): Block => ({ ...fields, bytes: encode(fields) })
