/** What tests measured, for a reader: added to `node_modules/.cache/measured.txt`. */
import { appendFileSync, mkdirSync } from "node:fs"
import { fileURLToPath } from "node:url"

const directory = fileURLToPath(new URL("../../node_modules/.cache/", import.meta.url))

export const measured = (...lines: ReadonlyArray<string>): void => {
  mkdirSync(directory, { recursive: true })
  appendFileSync(`${directory}measured.txt`, lines.map((line) => `${line}\n`).join(""))
}
