/**
 * What is known of mutants: one JSON line for each that was tested, written as soon as it is, so that a run that was ended goes
 * on where it was. A mutant is known by its file's content, its place and its replacement.
 */
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import type { Mutant } from "./Stryker.ts"

export interface Tested {
  readonly key: string
  /** `Killed`, `Timeout`, `Survived`, `NoCoverage`, or why it could not be tested. */
  readonly status: string
  /** Of the tests that were there. */
  readonly tests: string
}

export const hash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16)

export const keyOf = (source: string, { location: { end, start }, mutatorName, replacement }: Mutant): string =>
  hash(JSON.stringify([source, start.line, start.column, end.line, end.column, mutatorName, replacement]))

export const isKill = ({ status }: Tested): boolean => status === "Killed" || status === "Timeout"

export const read = (file: string): Map<string, Tested> => {
  const known = new Map<string, Tested>()
  if (!fs.existsSync(file)) return known
  for (const line of fs.readFileSync(file, "utf8").split("\n")) {
    if (line === "") continue
    const tested: Tested = JSON.parse(line)
    known.set(tested.key, tested)
  }
  return known
}

export const write = (file: string, tested: Tested): void => {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.appendFileSync(file, `${JSON.stringify(tested)}\n`)
}
