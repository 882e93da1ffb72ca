#!/usr/bin/env node
/**
 * The installed command. It says which Node.js it needs where that is too old, instead of failing to load a module, and is
 * `main.ts` otherwise: nothing is imported before it is known that it can be.
 */
/** The same as `engines` of package.json; a test compares them. */
const leastNode = 24

/** Some releases of Node.js 24 call their SQLite experimental on standard error at every start; operators can do nothing about it. */
const silence = (beginning: string): void => {
  const emit = process.emitWarning
  const filtered = (warning: string | Error, ...rest: ReadonlyArray<unknown>): void => {
    const text = typeof warning === "string" ? warning : warning.message
    if (!text.startsWith(beginning)) Reflect.apply(emit, process, [warning, ...rest])
  }
  process.emitWarning = filtered
}

const { node } = process.versions
if (Number(node.split(".")[0]) < leastNode) {
  process.stderr.write(
    `timemesh needs Node.js ${leastNode} or later, and this is ${node}: install a newer one from https://nodejs.org, ` +
      `or put one first in PATH\n`
  )
  // As `cli/ExitCode.ts` has it, which is not loaded here.
  process.exitCode = process.argv[2] === "run" ? 78 : 2
} else {
  silence("SQLite is an experimental feature")
  // From the first moment: without a listener Node opens its debugger. `cli/signals.ts` says what the signals do.
  process.on("SIGUSR1", () => {})
  await import("./main.ts")
}
