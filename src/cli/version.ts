/** The version of this package; a test compares it with `package.json`. */
export const version = "0.1.0"

/** Release date of this version for the man page: YYYY-MM-DD. */
export const released = "2026-11-30"

/** The software name in the node's Hello. */
export const software = `timemesh/${version}`
