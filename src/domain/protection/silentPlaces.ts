import * as Limits from "../Limits.ts"

/**
 * How many sockets that have not said anything complete may be open at once: `most`, and no more than `Limits.lobbyShare` of the process's
 * open-file limit. `openFiles` is `undefined` if that limit is not known.
 */
export const silentPlaces = (most: number, openFiles: number | undefined): number =>
  Math.min(most, Math.floor((openFiles ?? Infinity) * Limits.lobbyShare))
