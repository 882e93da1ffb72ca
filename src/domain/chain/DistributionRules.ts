/**
 * Rules for the reward distribution, transaction 1. The block's hash covers its inputs and outputs, but not the list of masternode rewards
 * that it is compared with. So any relay can change a good block's list, and a fault of the list (`BadRewardList`, `TooFewRecipients`) says
 * nothing about the block, only about this copy of it.
 *
 * A list entry that no output pays is not a fault: the network accepts it.
 */
import * as Limits from "../Limits.ts"
import type { Block, MasternodeReward } from "./Block.ts"
import * as Hash from "./Hash.ts"
import type { Transaction, TxOutput } from "./Transaction.ts"
import * as U64 from "./U64.ts"

/** `detail` is for the log. */
export type DistributionFault =
  | { readonly _tag: "BadDistribution"; readonly detail: string }
  | { readonly _tag: "BadRewardList"; readonly detail: string }
  | { readonly _tag: "TooFewRecipients"; readonly actual: number; readonly minimum: number }

/** The first rule that the distribution or the reward list breaks. `coinbaseId`: id of transaction 0. */
export const check = (
  block: Block,
  distribution: Transaction,
  coinbaseId: Hash.Hash
): DistributionFault | undefined =>
  checkSpending(distribution, coinbaseId) ?? checkPaying(block, distribution) ?? checkRecipients(block)

const outputSum = (outputs: ReadonlyArray<TxOutput>): U64.U64 => {
  let sum: U64.U64 = 0
  for (const { value } of outputs) sum = U64.add(sum, value)
  return sum
}

const badDistribution = (detail: string): DistributionFault => ({ _tag: "BadDistribution", detail })

const checkSpending = ({ inputs }: Transaction, coinbaseId: Hash.Hash): DistributionFault | undefined => {
  const input = inputs[0]
  if (input === undefined || inputs.length !== 1) return badDistribution(`${inputs.length} inputs, expected 1`)
  // Any output of the coinbase qualifies: the network compares only the id.
  return Hash.equals(input.previousOutput.txid, coinbaseId)
    ? undefined
    : badDistribution("it does not spend the coinbase")
}

const badList = (detail: string): DistributionFault => ({ _tag: "BadRewardList", detail })

const checkPaying = (
  { header: { blockReward }, masternodeRewards }: Block,
  { outputs }: Transaction
): DistributionFault | undefined => {
  const paid = outputSum(outputs)
  if (paid > blockReward) return badDistribution(`it pays ${paid}, more than the block reward ${blockReward}`)
  if (outputs.length > masternodeRewards.length) {
    return badList(`${outputs.length} outputs for ${masternodeRewards.length} masternode rewards`)
  }
  const unpaid = paysEach(outputs, masternodeRewards) ? undefined : mismatch(outputs, masternodeRewards)
  if (unpaid !== undefined) return badList(unpaid)
  // Each share is rounded down, so at most one satoshi per share is lost.
  return U64.add(paid, masternodeRewards.length) < blockReward
    ? badList(
      `${paid} paid, less than the block reward ${blockReward} by more than 1 for each of ${masternodeRewards.length} rewards`
    )
    : undefined
}

/** Whether the script is the address's bytes. Only for ASCII addresses. */
const isAscii = (script: Uint8Array, address: string): boolean => {
  if (script.length !== address.length) return false
  for (let i = 0; i < script.length; i++) {
    const code = script[i] ?? 0
    if (code >= 0x80 || code !== address.charCodeAt(i)) return false
  }
  return true
}

/** Output by output, the usual case: if each matches, the sums per address are equal, whether or not addresses repeat. */
const paysEach = (outputs: ReadonlyArray<TxOutput>, rewards: ReadonlyArray<MasternodeReward>): boolean =>
  outputs.length === rewards.length && outputs.every(({ scriptPubkey, value }, i) => {
    const reward = rewards[i]
    return reward !== undefined && value === reward.amount && isAscii(scriptPubkey, reward.address)
  })

/** Decodes addresses as the network does: each ill-formed sequence becomes one U+FFFD, a byte order mark stays. */
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true })

/** The first paid address whose payment differs from the list; `undefined` if none does. */
const mismatch = (
  outputs: ReadonlyArray<TxOutput>,
  rewards: ReadonlyArray<MasternodeReward>
): string | undefined => {
  const due = new Map<string, U64.U64>()
  for (const { address, amount } of rewards) due.set(address, U64.add(due.get(address) ?? 0, amount))
  const paid = new Map<string, U64.U64>()
  for (const { scriptPubkey, value } of outputs) {
    const address = utf8.decode(scriptPubkey)
    paid.set(address, U64.add(paid.get(address) ?? 0, value))
  }
  for (const [address, value] of paid) {
    const amount = due.get(address)
    const name = JSON.stringify(address)
    if (amount === undefined) return `${name} is paid ${value}, but is not among the masternode rewards`
    if (amount !== value) return `${name} is paid ${value}, but its masternode rewards are ${amount}`
  }
  return undefined
}

const checkRecipients = ({ header, masternodeRewards }: Block): DistributionFault | undefined => {
  let active = 0
  for (const byte of header.activeMasternodesBitmap) {
    for (let rest = byte; rest > 0; rest &= rest - 1) active++
    if (active >= Limits.rewardRecipients) break
  }
  const minimum = Math.max(1, Math.min(Limits.rewardRecipients, active))
  // With a minimum of one, any recipient suffices, so they need not be told apart.
  if (minimum === 1 && masternodeRewards.some(({ amount }) => amount > 0)) return undefined
  const paid = new Set<string>()
  for (const { address, amount } of masternodeRewards) if (amount > 0) paid.add(address)
  return paid.size >= minimum ? undefined : { _tag: "TooFewRecipients", actual: paid.size, minimum }
}
