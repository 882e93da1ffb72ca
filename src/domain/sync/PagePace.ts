/**
 * When the next page of blocks may be requested of a daemon. It counts pages that are alike as they arrive: requests that were held up on the way arrive
 * together. So pages that are not answered are requested ever more seldom.
 */
import * as Limits from "../Limits.ts"

/** A page that was requested. `at`: ms. */
export interface Page {
  readonly at: number
  readonly start: number
  readonly end: number
}

export interface Requested {
  readonly now: number
  /** Those within `Limits.timeAlikeMs` before the last, and the last. */
  readonly pages: ReadonlyArray<Page>
  /** Requested since the last one arrived. */
  readonly unanswered: number
}

/** ms until it may be requested; 0: now. */
export const waitMs = ({ now, pages, unanswered }: Requested, start: number, end: number): number => {
  const last = pages.at(-1)
  const spacing = unanswered < Limits.timeUnanswered
    ? Limits.timePageMs
    : Math.min(Limits.timeAnswerMs * 2 ** (unanswered - Limits.timeUnanswered + 1), Limits.timeUnansweredMostMs)
  const spaced = last === undefined ? 0 : last.at + spacing - now
  const alike = pages.filter((page) =>
    now - page.at < Limits.timeAlikeMs && Math.abs(page.start - start) <= Limits.timeAlikeHeights &&
    Math.abs(page.end - end) <= Limits.timeAlikeHeights
  )
  const oldest = alike[alike.length - Limits.timeAlikePages]
  return Math.max(0, spaced, oldest === undefined ? 0 : oldest.at + Limits.timeAlikeMs - now)
}

/** With one more page, requested now. */
export const after = ({ now, pages }: Requested, start: number, end: number): ReadonlyArray<Page> => [
  ...pages.filter(({ at }) => now - at < Limits.timeAlikeMs),
  { at: now, start, end }
]
