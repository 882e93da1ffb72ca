/**
 * The required reward of a block with transactions beyond coinbase and reward distribution: the network's emission minus the treasury's
 * part, plus the fees of transactions [2..]. A fee is the transaction's inputs minus its outputs.
 *
 * Input values are those of outputs in blocks *before* this one on its chain; transactions of the same block are ignored. For a block with
 * an unknown input, or a transaction whose outputs exceed its inputs, the reference daemon drops the check and every later reward rule.
 * Here only the exact reward goes unchecked then; the other rules apply to every block (docs/decisions/0030).
 */
import type { Block } from "./Block.ts"
import type { ChainParams } from "./ChainParams.ts"
import type { OutPoint, Transaction } from "./Transaction.ts"
import * as U64 from "./U64.ts"

/** Satoshi of the output; `undefined` if no earlier block has it. */
export type ValueOf = (output: OutPoint) => U64.U64 | undefined

export type FeeFault =
  /** Satoshi. */
  | { readonly _tag: "WrongReward"; readonly actual: U64.U64; readonly expected: U64.U64 }
  /** More than 2^64 − 1 satoshi on one side of a transaction: the daemon would wrap the sum. */
  | { readonly _tag: "AmountOverflow"; readonly index: number; readonly side: "inputs" | "outputs" }

/** Index of the first transaction that may carry a fee. */
const firstPaying = 2

/** Outputs whose values determine the block's fees. */
export const spentBy = ({ transactions }: Pick<Block, "transactions">): ReadonlyArray<OutPoint> =>
  transactions.length <= firstPaying
    ? none
    : transactions.slice(firstPaying).flatMap(({ inputs }) => inputs.map(({ previousOutput }) => previousOutput))

const none: ReadonlyArray<never> = []

const outputSum = ({ outputs }: Transaction): U64.U64 => {
  let sum: U64.U64 = 0
  for (const { value } of outputs) sum = U64.add(sum, value)
  return sum
}

/** `undefined` if one of the outputs cannot be found. */
const inputSum = ({ inputs }: Transaction, valueOf: ValueOf): U64.U64 | undefined => {
  let sum: U64.U64 = 0
  for (const { previousOutput } of inputs) {
    const value = valueOf(previousOutput)
    if (value === undefined) return undefined
    sum = U64.add(sum, value)
  }
  return sum
}

/** The fee or reward rule that the block breaks; `undefined` if it breaks none, or the fees cannot be known. */
export const check = (
  params: ChainParams,
  { header, transactions }: Pick<Block, "header" | "transactions">,
  valueOf: ValueOf
): FeeFault | undefined => {
  let expected: U64.U64 | undefined = params.blockReward
  for (let index = firstPaying; index < transactions.length; index++) {
    const transaction = transactions[index]
    if (transaction === undefined) break
    const paid = outputSum(transaction)
    if (paid > U64.max) return { _tag: "AmountOverflow", index, side: "outputs" }
    const spent = inputSum(transaction, valueOf)
    if (spent !== undefined && spent > U64.max) return { _tag: "AmountOverflow", index, side: "inputs" }
    expected = spent === undefined || spent < paid || expected === undefined
      ? undefined
      : U64.add(expected, U64.subtract(spent, paid))
  }
  return expected === undefined || expected === header.blockReward
    ? undefined
    : { _tag: "WrongReward", actual: header.blockReward, expected }
}
