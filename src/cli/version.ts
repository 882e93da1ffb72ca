/** The version of this package; a test compares it with `package.json`. */
export const version = "0.1.0"

/** The software name in the node's Hello. */
export const software = `timemesh/${version}`
