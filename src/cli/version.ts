/** The version of this package; a test compares it with `package.json`. */
export const version = "0.1.0"

/** What the node's Hello says it is. */
export const software = `timemesh/${version}`
