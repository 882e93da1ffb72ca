/**
 * The id of a transaction: SHA-256 of its JSON as the TIME network's reference implementation renders it. No white space, byte strings as
 * arrays of decimal numbers, integers in full, the memo as `null`.
 *
 * In old blocks the memo was part of the JSON; `withMemo` returns the id under that rule.
 */
import * as Limits from "../Limits.ts"
import type { Hash } from "./Hash.ts"
import type { Hasher } from "./Hasher.ts"
import type { SpecialData, Transaction } from "./Transaction.ts"
import type * as U64 from "./U64.ts"

const toUtf8 = new TextEncoder()

/** A growing buffer of UTF-8, made for text that is mostly short constants and one-byte numbers. */
class Text {
  private bytes = new Uint8Array(Limits.txidBufferBytes)
  private at = 0

  reset(): void {
    this.at = 0
    if (this.bytes.length > Limits.txidSpareBytes) this.bytes = new Uint8Array(Limits.txidBufferBytes)
  }

  peek(): Uint8Array {
    return new Uint8Array(this.bytes.buffer, 0, this.at)
  }

  private room(n: number): void {
    if (this.at + n <= this.bytes.length) return
    const bytes = new Uint8Array(Math.max(this.at + n, 2 * this.bytes.length))
    bytes.set(this.bytes.subarray(0, this.at))
    this.bytes = bytes
  }

  bytesOf(constant: Uint8Array): void {
    const n = constant.length
    this.room(n)
    const { at, bytes } = this
    for (let i = 0; i < n; i++) bytes[at + i] = constant[i] ?? 0
    this.at = at + n
  }

  /** A number in decimal. */
  decimal(n: U64.U64 | U64.I64): void {
    if (typeof n === "bigint" || n < 0) return this.bytesOf(toUtf8.encode(`${n}`))
    let digits = 1
    for (let power = 10; power <= n; power *= 10) digits++
    this.room(digits)
    const { at, bytes } = this
    let rest = n
    for (let i = at + digits - 1; i >= at; i--) {
      const tenth = Math.floor(rest / 10)
      bytes[i] = 0x30 + (rest - 10 * tenth)
      rest = tenth
    }
    this.at = at + digits
  }

  /** `[1,2,255]`. */
  array(values: Uint8Array): void {
    this.room(4 * values.length + 2)
    const { bytes } = this
    let at = this.at
    bytes[at++] = 0x5b
    for (let i = 0; i < values.length; i++) {
      const n = values[i] ?? 0
      if (i > 0) bytes[at++] = 0x2c
      if (n >= 100) bytes[at++] = 0x30 + Math.trunc(n / 100)
      if (n >= 10) bytes[at++] = 0x30 + (Math.trunc(n / 10) % 10)
      bytes[at++] = 0x30 + (n % 10)
    }
    bytes[at++] = 0x5d
    this.at = at
  }

  /** A JSON string: escapes as `JSON.stringify` does, everything else raw UTF-8. */
  quoted(text: string): void {
    this.bytesOf(toUtf8.encode(JSON.stringify(text)))
  }
}

/** The constant parts of the JSON between values. */
const part = {
  version: toUtf8.encode("{\"version\":"),
  inputs: toUtf8.encode(",\"inputs\":["),
  next: toUtf8.encode(","),
  txid: toUtf8.encode("{\"previous_output\":{\"txid\":"),
  vout: toUtf8.encode(",\"vout\":"),
  scriptSig: toUtf8.encode("},\"script_sig\":"),
  sequence: toUtf8.encode(",\"sequence\":"),
  close: toUtf8.encode("}"),
  outputs: toUtf8.encode("],\"outputs\":["),
  value: toUtf8.encode("{\"value\":"),
  scriptPubkey: toUtf8.encode(",\"script_pubkey\":"),
  lockTime: toUtf8.encode("],\"lock_time\":"),
  timestamp: toUtf8.encode(",\"timestamp\":"),
  special: toUtf8.encode(",\"special_data\":"),
  memo: toUtf8.encode(",\"encrypted_memo\":"),
  nothing: toUtf8.encode("null")
}

const writeSpecial = (text: Text, data: SpecialData): void => {
  const field = (key: string, value: string): void => {
    text.bytesOf(toUtf8.encode(`,"${key}":`))
    text.quoted(value)
  }
  text.bytesOf(toUtf8.encode(`{"${data._tag}":{"node_address":`))
  text.quoted(data.nodeAddress)
  switch (data._tag) {
    case "MasternodeRegistration":
      field("wallet_address", data.walletAddress)
      field("reward_address", data.rewardAddress)
      field("collateral_outpoint", data.collateralOutpoint)
      break
    case "MasternodeDeregistration":
      text.bytesOf(toUtf8.encode(`,"slot_id":${data.slotId}`))
      break
    case "MasternodePayoutUpdate":
      field("new_reward_address", data.newRewardAddress)
      break
  }
  field("pubkey", data.pubkey)
  field("signature", data.signature)
  text.bytesOf(toUtf8.encode("}}"))
}

const writeJson = (text: Text, transaction: Transaction, memo: Uint8Array | undefined): void => {
  text.bytesOf(part.version)
  text.decimal(transaction.version)
  text.bytesOf(part.inputs)
  for (let i = 0; i < transaction.inputs.length; i++) {
    const input = transaction.inputs[i]
    if (input === undefined) break
    if (i > 0) text.bytesOf(part.next)
    text.bytesOf(part.txid)
    text.array(input.previousOutput.txid)
    text.bytesOf(part.vout)
    text.decimal(input.previousOutput.vout)
    text.bytesOf(part.scriptSig)
    text.array(input.scriptSig)
    text.bytesOf(part.sequence)
    text.decimal(input.sequence)
    text.bytesOf(part.close)
  }
  text.bytesOf(part.outputs)
  for (let i = 0; i < transaction.outputs.length; i++) {
    const output = transaction.outputs[i]
    if (output === undefined) break
    if (i > 0) text.bytesOf(part.next)
    text.bytesOf(part.value)
    text.decimal(output.value)
    text.bytesOf(part.scriptPubkey)
    text.array(output.scriptPubkey)
    text.bytesOf(part.close)
  }
  text.bytesOf(part.lockTime)
  text.decimal(transaction.lockTime)
  text.bytesOf(part.timestamp)
  text.decimal(transaction.timestamp)
  text.bytesOf(part.special)
  if (transaction.specialData === undefined) text.bytesOf(part.nothing)
  else writeSpecial(text, transaction.specialData)
  text.bytesOf(part.memo)
  if (memo === undefined) text.bytesOf(part.nothing)
  else text.array(memo)
  text.bytesOf(part.close)
}

/** Reused by every call: calls are synchronous and keep nothing. */
const scratch = new Text()

const hashJson = (hasher: Hasher, transaction: Transaction, memo: Uint8Array | undefined): Hash => {
  scratch.reset()
  writeJson(scratch, transaction, memo)
  return hasher.sha256(scratch.peek())
}

export const of = (hasher: Hasher, transaction: Transaction): Hash => hashJson(hasher, transaction, undefined)

/** The id under the rule of old blocks: equals `of` for a transaction without a memo. */
export const withMemo = (hasher: Hasher, transaction: Transaction): Hash =>
  hashJson(hasher, transaction, transaction.encryptedMemo)

/** The text that is hashed, for people and tests. */
export const json = (transaction: Transaction): string => {
  const text = new Text()
  writeJson(text, transaction, undefined)
  return new TextDecoder().decode(text.peek())
}
