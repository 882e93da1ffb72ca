/** A bound on how often something may happen: tokens that come back at a steady rate, up to a burst. Pure; times in monotonic ms. */

export interface TokenBucket {
  readonly tokens: number
  readonly at: number
}

/** `burst`: tokens at most. `perSecond`: how many come back. */
export interface Rate {
  readonly burst: number
  readonly perSecond: number
}

export const full = ({ burst }: Rate, now: number): TokenBucket => ({ tokens: burst, at: now })

/** What there is at `now`. A clock that went back brings no tokens. */
export const available = ({ at, tokens }: TokenBucket, { burst, perSecond }: Rate, now: number): number =>
  Math.min(burst, tokens + Math.max(0, now - at) / 1_000 * perSecond)

/** Takes `count` whole tokens; `undefined`: there are not as many. */
export const take = (bucket: TokenBucket, rate: Rate, now: number, count = 1): TokenBucket | undefined => {
  const tokens = available(bucket, rate, now)
  return tokens < count ? undefined : { tokens: tokens - count, at: Math.max(now, bucket.at) }
}
