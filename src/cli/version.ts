/** The version of this package; a test compares it with `package.json`. */
export const version = "0.1.0"

/** The day of this version, as the man page has it: YYYY-MM-DD. */
export const released = "2026-11-30"

/** The software name in the node's Hello. */
export const software = `timemesh/${version}`
