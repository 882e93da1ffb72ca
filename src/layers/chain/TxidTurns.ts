/** Counts transactions in work that hashes many of them: a turn of the event loop ends after every `Limits.txidsPerTurn`. */
import * as Limits from "../../domain/Limits.ts"

export class TxidTurns {
  #inTurn = 0

  /** Counts `transactions` more. True: the turn has done its share, so yield before the next. */
  ends(transactions: number): boolean {
    this.#inTurn += transactions
    if (this.#inTurn < Limits.txidsPerTurn) return false
    this.#inTurn = 0
    return true
  }
}
