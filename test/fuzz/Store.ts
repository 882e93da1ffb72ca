/** The corpus (one file of hex lines per target) and the findings (one file each), both kept in git. */
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { fileURLToPath } from "node:url"
import type { Target } from "./Target.ts"

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Where one corpus lies. */
const corpusFile = (target: Target): string => here(`corpus/${target.name}.txt`)

export const readCorpus = (target: Target): ReadonlyArray<Uint8Array> =>
  fs.existsSync(corpusFile(target))
    ? fs.readFileSync(corpusFile(target), "utf8").split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => Uint8Array.from(Buffer.from(line, "hex")))
    : []

/** Replaces the corpus. Shortest first, so that a change shows in a diff. */
export const writeCorpus = (target: Target, inputs: ReadonlyArray<Uint8Array>): void => {
  const lines = [...new Set(inputs.map((input) => Buffer.from(input).toString("hex")))]
  const sorted = lines.toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1)).filter((line) => line !== "")
  fs.writeFileSync(
    corpusFile(target),
    `# Inputs of ${target.name} that each reach code no shorter one reaches, hex.\n${sorted.join("\n")}\n`
  )
}

export interface Finding {
  readonly file: string
  readonly input: Uint8Array
}

/** Past failures of the target, by file name. */
export const readFindings = (target: Target): ReadonlyArray<Finding> =>
  fs.readdirSync(here("findings")).filter((name) => name.startsWith(`${target.name}-`)).toSorted()
    .map((name) => ({ file: name, input: readInput(here(`findings/${name}`)) }))

export const exists = (file: string): boolean => fs.existsSync(file)

export const readInput = (file: string): Uint8Array => Uint8Array.from(fs.readFileSync(file))

/** Writes an input that fails; returns the path, from the root of the project. */
export const writeFinding = (target: Target, input: Uint8Array): string => {
  const hash = createHash("sha256").update(input).digest("hex").slice(0, 12)
  const name = `${target.name}-${hash}.${target.suffix}`
  fs.mkdirSync(here("findings"), { recursive: true })
  fs.writeFileSync(here(`findings/${name}`), input)
  return `test/fuzz/findings/${name}`
}
