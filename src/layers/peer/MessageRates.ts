/**
 * The buckets of one connection: what its messages cost (`domain/peer/MessageCost`), and the pauses that follow. A message is handled before
 * it is paid for, so none is ever too dear; then, with nothing left, the connection is not read until some messages' worth is back. What was
 * sent meanwhile waits in the kernels of both ends, and the sender is blamed for nothing.
 *
 * Fairness follows: in one turn of the event loop a connection is handled for at most its bursts, and in the long run for its rates.
 */
import * as Limits from "../../domain/Limits.ts"
import * as MessageCost from "../../domain/peer/MessageCost.ts"
import * as TokenBucket from "../../domain/peer/TokenBucket.ts"
import type { Timers } from "../time/Timers.ts"

/** A connection that can be left unread. */
interface Paused {
  readonly pauseReading: () => void
  readonly resumeReading: () => void
}

/** Where the two numbers of each bucket are. */
const places = Object.fromEntries(
  Object.keys(Limits.messageRates).map((bucket, i) => [bucket, 2 * i])
) as Readonly<Record<MessageCost.Bucket, number>>

/** Of buckets that are full, however much they hold. */
const full = Object.keys(places).flatMap(() => [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])

export class MessageRates {
  /** Tokens and moment of each bucket, side by side: a connection that rests is looked at seldom, and then most of all this costs is memory. */
  private readonly buckets = full.slice()
  private isPaused = false

  /** Takes the cost, and lets the connection rest when it cannot pay for more. */
  charge(connection: Paused, { bucket, tokens }: MessageCost.Cost, timers: Timers["Service"]): void {
    const now = timers.now()
    const rate = MessageCost.rateOf(bucket)
    const { buckets } = this
    const place = places[bucket]
    const before = { tokens: buckets[place] ?? rate.burst, at: buckets[place + 1] ?? now }
    const left = TokenBucket.spend(before, rate, now, tokens)
    buckets[place] = left.tokens
    buckets[place + 1] = left.at
    if (left.tokens >= 1 || this.isPaused) return
    this.isPaused = true
    connection.pauseReading()
    // So much comes back in the shortest pause; a small bucket is full before.
    const enough = Math.min(rate.burst, Math.max(1, rate.perSecond * Limits.messagePauseMs / 1_000))
    timers.arm(TokenBucket.waitMs(left, rate, enough), () => {
      this.isPaused = false
      connection.resumeReading()
    })
  }
}
