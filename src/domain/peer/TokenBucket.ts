/** A rate limit: tokens that are refilled at a steady rate, up to a burst. Pure; times in monotonic ms. */

export interface TokenBucket {
  readonly tokens: number
  readonly at: number
}

/** `burst`: maximum tokens. `perSecond`: refill rate. */
export interface Rate {
  readonly burst: number
  readonly perSecond: number
}

export const full = ({ burst }: Rate, now: number): TokenBucket => ({ tokens: burst, at: now })

/** Tokens available at `now`. A clock that goes back adds none. */
export const available = ({ at, tokens }: TokenBucket, rate: Rate, now: number): number =>
  refilled(tokens, at, rate, now)

/** `available` of a bucket that is kept as two numbers, for what happens with every message. */
export const refilled = (tokens: number, at: number, { burst, perSecond }: Rate, now: number): number =>
  Math.min(burst, tokens + Math.max(0, now - at) / 1_000 * perSecond)

/** Takes `count` whole tokens; `undefined` if fewer are available. */
export const take = (bucket: TokenBucket, rate: Rate, now: number, count = 1): TokenBucket | undefined => {
  const tokens = available(bucket, rate, now)
  return tokens < count ? undefined : { tokens: tokens - count, at: Math.max(now, bucket.at) }
}

/** Takes `count` tokens at once; missing ones become a debt. */
export const spend = (bucket: TokenBucket, rate: Rate, now: number, count: number): TokenBucket => ({
  tokens: available(bucket, rate, now) - count,
  at: Math.max(now, bucket.at)
})

/** ms from `bucket.at` until `count` tokens are available; 0 if they are. `count` is at most the burst. */
export const waitMs = ({ tokens }: TokenBucket, { perSecond }: Rate, count = 1): number =>
  tokens >= count ? 0 : (count - tokens) / perSecond * 1_000
