/** Formats durations for people. Pure. */

/** Such as `12 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`. */
export const duration = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ${Math.floor(seconds % 3_600 / 60)} min`
  return `${Math.floor(seconds / 86_400)} d ${Math.floor(seconds % 86_400 / 3_600)} h`
}

/** As `duration`, with tenths below a minute: `1.3 s`. */
export const fineDuration = (ms: number): string =>
  ms < 59_950 ? `${(Math.max(0, ms) / 1_000).toFixed(1)} s` : duration(ms)
