/** The points of a peer's offences, which halve over time, so that mistakes far apart never add up to a ban. Pure; times in monotonic ms. */
import * as Limits from "../Limits.ts"

export interface Score {
  readonly points: number
  /** When they were counted. */
  readonly at: number
}

export const none: Score = { points: 0, at: 0 }

/** Points remaining at `now`. A clock that goes back restores none. */
export const pointsAt = ({ at, points }: Score, now: number): number =>
  points * 2 ** (-Math.max(0, now - at) / Limits.scoreHalfLifeMs)

/** The score with `points` added. It is capped at what a ban needs, so that an excused offence does not weigh for days. */
export const add = (score: Score, points: number, now: number): Score => ({
  points: Math.min(Limits.banScore, pointsAt(score, now) + points),
  at: Math.max(now, score.at)
})

export const isEnough = (score: Score, now: number): boolean => pointsAt(score, now) >= Limits.banScore
