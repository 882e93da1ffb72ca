/** A transaction of the TIME network: its fields and their bincode. A decoded transaction's byte strings are views. */
import { Reader, Writer } from "./Bincode.ts"
import type { Hash } from "./Hash.ts"
import type { I64, U64 } from "./U64.ts"

export interface OutPoint {
  readonly txid: Hash
  readonly vout: number
}

export interface TxInput {
  readonly previousOutput: OutPoint
  readonly scriptSig: Uint8Array
  readonly sequence: number
}

export interface TxOutput {
  /** Satoshi. */
  readonly value: U64
  /** The ASCII address, except in a coinbase. */
  readonly scriptPubkey: Uint8Array
}

/** Fields are in the order of the wire and of the JSON that a txid hashes. */
export type SpecialData =
  | {
    readonly _tag: "MasternodeRegistration"
    readonly nodeAddress: string
    readonly walletAddress: string
    readonly rewardAddress: string
    readonly collateralOutpoint: string
    readonly pubkey: string
    readonly signature: string
  }
  | {
    readonly _tag: "MasternodeDeregistration"
    readonly nodeAddress: string
    readonly slotId: number
    readonly pubkey: string
    readonly signature: string
  }
  | {
    readonly _tag: "MasternodePayoutUpdate"
    readonly nodeAddress: string
    readonly newRewardAddress: string
    readonly pubkey: string
    readonly signature: string
  }

export interface Transaction {
  readonly version: number
  readonly inputs: ReadonlyArray<TxInput>
  readonly outputs: ReadonlyArray<TxOutput>
  readonly lockTime: number
  /** Seconds. */
  readonly timestamp: I64
  readonly specialData: SpecialData | undefined
  readonly encryptedMemo: Uint8Array | undefined
}

/** Bytes that do not encode exactly one value of their type. */
export interface Malformed {
  readonly _tag: "Malformed"
  /** In words, for the log. */
  readonly reason: string
  /** Offset in the given bytes. */
  readonly at: number
}

/** The result for a reader that failed. */
export const malformed = (reader: Reader): Malformed => ({
  _tag: "Malformed",
  reason: reader.failed ?? "trailing bytes",
  at: reader.failed === undefined ? reader.at : reader.failedAt
})

/** bytes. Minimum length of each in bincode. */
const inputLeast = 48
const outputLeast = 16
export const transactionLeast = 34

const none: ReadonlyArray<never> = []

/** Reads one transaction. The result is meaningless if the reader failed. */
export const read = (reader: Reader): Transaction => {
  const version = reader.u32()
  return {
    version,
    inputs: readInputs(reader),
    outputs: readOutputs(reader),
    lockTime: reader.u32(),
    timestamp: reader.i64(),
    specialData: reader.some() ? readSpecial(reader) : undefined,
    encryptedMemo: reader.some() ? reader.vec() : undefined
  }
}

const readInputs = (reader: Reader): ReadonlyArray<TxInput> => {
  const n = reader.count(inputLeast)
  if (n === 0) return none
  const inputs: Array<TxInput> = []
  for (let i = 0; i < n && reader.failed === undefined; i++) {
    const txid = reader.hash()
    const vout = reader.u32()
    const scriptSig = reader.vec()
    inputs.push({ previousOutput: { txid, vout }, scriptSig, sequence: reader.u32() })
  }
  return inputs
}

const readOutputs = (reader: Reader): ReadonlyArray<TxOutput> => {
  const n = reader.count(outputLeast)
  if (n === 0) return none
  const outputs: Array<TxOutput> = []
  for (let i = 0; i < n && reader.failed === undefined; i++) {
    const value = reader.u64()
    outputs.push({ value, scriptPubkey: reader.vec() })
  }
  return outputs
}

const readSpecial = (reader: Reader): SpecialData | undefined => {
  const variant = reader.u32()
  switch (variant) {
    case 0:
      return {
        _tag: "MasternodeRegistration",
        nodeAddress: reader.text(),
        walletAddress: reader.text(),
        rewardAddress: reader.text(),
        collateralOutpoint: reader.text(),
        pubkey: reader.text(),
        signature: reader.text()
      }
    case 1:
      return {
        _tag: "MasternodeDeregistration",
        nodeAddress: reader.text(),
        slotId: reader.u32(),
        pubkey: reader.text(),
        signature: reader.text()
      }
    case 2:
      return {
        _tag: "MasternodePayoutUpdate",
        nodeAddress: reader.text(),
        newRewardAddress: reader.text(),
        pubkey: reader.text(),
        signature: reader.text()
      }
    default:
      reader.fail(`special data of kind ${variant}`)
      return undefined
  }
}

export const write = (writer: Writer, transaction: Transaction): void => {
  writer.u32(transaction.version)
  writer.u64(transaction.inputs.length)
  for (const input of transaction.inputs) {
    writer.raw(input.previousOutput.txid)
    writer.u32(input.previousOutput.vout)
    writer.vec(input.scriptSig)
    writer.u32(input.sequence)
  }
  writer.u64(transaction.outputs.length)
  for (const output of transaction.outputs) {
    writer.u64(output.value)
    writer.vec(output.scriptPubkey)
  }
  writer.u32(transaction.lockTime)
  writer.u64(transaction.timestamp)
  writer.u8(transaction.specialData === undefined ? 0 : 1)
  if (transaction.specialData !== undefined) writeSpecial(writer, transaction.specialData)
  writer.u8(transaction.encryptedMemo === undefined ? 0 : 1)
  if (transaction.encryptedMemo !== undefined) writer.vec(transaction.encryptedMemo)
}

const writeSpecial = (writer: Writer, data: SpecialData): void => {
  switch (data._tag) {
    case "MasternodeRegistration":
      writer.u32(0)
      writer.text(data.nodeAddress)
      writer.text(data.walletAddress)
      writer.text(data.rewardAddress)
      writer.text(data.collateralOutpoint)
      break
    case "MasternodeDeregistration":
      writer.u32(1)
      writer.text(data.nodeAddress)
      writer.u32(data.slotId)
      break
    case "MasternodePayoutUpdate":
      writer.u32(2)
      writer.text(data.nodeAddress)
      writer.text(data.newRewardAddress)
      break
  }
  writer.text(data.pubkey)
  writer.text(data.signature)
}

/** Decodes exactly these bytes as a transaction. */
export const decode = (bytes: Uint8Array): Transaction | Malformed => {
  const reader = new Reader(bytes)
  const transaction = read(reader)
  return reader.failed === undefined && reader.left === 0 ? transaction : malformed(reader)
}

export const encode = (transaction: Transaction): Uint8Array => {
  const writer = new Writer()
  write(writer, transaction)
  return writer.done()
}
