#!/usr/bin/env node
/**
 * The installed command. It says which Node.js it needs where that is too old, instead of failing to load a module, and is
 * `main.ts` otherwise: nothing is imported before it is known that it can be.
 */
/** The same as `engines` of package.json; a test compares them. */
const leastNode = 24

const { node } = process.versions
if (Number(node.split(".")[0]) < leastNode) {
  process.stderr.write(
    `timemesh needs Node.js ${leastNode} or later, and this is ${node}: install a newer one from https://nodejs.org, ` +
      `or put one first in PATH\n`
  )
  process.exitCode = 2
} else await import("./main.ts")
