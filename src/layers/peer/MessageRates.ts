/**
 * The token buckets of one connection, charged what its messages cost (`domain/peer/MessageCost`), and the pauses that follow. A message is
 * handled before it is paid for, so even the costliest message is handled. With no tokens left, the connection is not read until some are back.
 * Meanwhile data waits in the kernels of both ends, and the sender is not blamed.
 *
 * Fairness follows: a connection is handled for at most its bursts in one turn of the event loop, and for its rates in the long run.
 */
import * as Limits from "../../domain/Limits.ts"
import * as MessageCost from "../../domain/peer/MessageCost.ts"
import * as TokenBucket from "../../domain/peer/TokenBucket.ts"
import type { Timers } from "../time/Timers.ts"

/** A connection whose reading can be paused. */
interface Paused {
  readonly pauseReading: () => void
  readonly resumeReading: () => void
}

/** Each bucket's rate, and the index of its two numbers. */
const places = Object.fromEntries(
  Object.keys(Limits.messageRates).map((bucket, i) => [
    bucket,
    { rate: MessageCost.rateOf(bucket as MessageCost.Bucket), at: 2 * i }
  ])
) as Readonly<Record<MessageCost.Bucket, { readonly rate: TokenBucket.Rate; readonly at: number }>>

/** Full buckets, whatever their size: infinite tokens, infinitely long ago. */
const full = Object.keys(places).flatMap(() => [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])

export class MessageRates {
  /** Tokens and time of each bucket, side by side: for a quiet connection the main cost is memory, and this takes the least. */
  private readonly buckets = full.slice()
  private isPaused = false

  /** Charges the cost, and pauses reading when the bucket is empty. */
  charge(connection: Paused, { bucket, tokens }: MessageCost.Cost, timers: Timers["Service"]): void {
    const now = timers.now()
    const { at: place, rate } = places[bucket]
    const { buckets } = this
    const at = buckets[place + 1] ?? now
    // As `TokenBucket.spend` does, without its objects: this runs for every message.
    const left = TokenBucket.refilled(buckets[place] ?? rate.burst, at, rate, now) - tokens
    buckets[place] = left
    buckets[place + 1] = Math.max(now, at)
    if (left >= 1 || this.isPaused) return
    this.isPaused = true
    connection.pauseReading()
    // Refilled in the shortest pause; a small bucket is full earlier.
    const enough = Math.min(rate.burst, Math.max(1, rate.perSecond * Limits.messagePauseMs / 1_000))
    timers.arm(TokenBucket.waitMs({ tokens: left, at: now }, rate, enough), () => {
      this.isPaused = false
      connection.resumeReading()
    })
  }
}
