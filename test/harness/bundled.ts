/** The command as it is installed: bundled once before the tests that start it. It starts in a third of the processor time of its modules. */
import { writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { bundle } from "../../scripts/bundle.mjs"

const directory = fileURLToPath(new URL("../../node_modules/.cache/program", import.meta.url))

/** The command, to be run by Node. */
export const program = `${directory}/command/main.js`

/** For Vitest's `globalSetup`. */
export const setup = async (): Promise<void> => {
  await bundle(directory)
  // As installed: without it Node would parse each file to find out whether it is a module.
  writeFileSync(`${directory}/package.json`, JSON.stringify({ type: "module" }))
}
