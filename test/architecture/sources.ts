/** The source files of this project, as text, and what each imports. */
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))

export interface Source {
  /** From the root, with `/`: `src/domain/Limits.ts`. */
  readonly file: string
  readonly lines: ReadonlyArray<string>
  /** Files of this project that it imports, in every way there is: `import`, `export … from`, types, `import()`. */
  readonly imports: ReadonlyArray<string>
}

const importing = /(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)"/g

/** The relative modules that a text imports. */
export const importsIn = (text: string): ReadonlyArray<string> => [...text.matchAll(importing)].map(([, to = ""]) => to)

const read = (file: string): Source => {
  const text = fs.readFileSync(path.join(root, file), "utf8")
  const imports = importsIn(text).map((to) => path.posix.join(path.posix.dirname(file), to))
  return { file, lines: text.split("\n"), imports }
}

/** All TypeScript files below these directories. */
export const sourcesOf = (...directories: ReadonlyArray<string>): ReadonlyArray<Source> =>
  directories.flatMap((directory) =>
    fs.readdirSync(path.join(root, directory), { recursive: true, encoding: "utf8" })
      .map((name) => path.posix.join(directory, name.replaceAll(path.sep, "/")))
      .filter((file) => file.endsWith(".ts") && !file.includes("node_modules"))
      .toSorted()
      .map(read)
  )
