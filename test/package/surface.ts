/**
 * A program that exports a value of everything the package exports, and of every public type all its properties, without a type
 * of its own: its declarations can be written only if each type that appears in the public API can be named from outside.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { directories, modulesOf } from "./entryPoints.ts"

/** Names of exported types without type parameters, of a declaration file. */
const typesOf = (file: string): ReadonlyArray<string> =>
  [
    ...fs.readFileSync(file, "utf8").matchAll(
      /^export (?:declare )?(?:interface|type|(?:abstract )?class) (\w+)(?![\w<])/gm
    )
  ].map(([, name = ""]) => name)

/** `installed`: the package's directory. */
export const surface = async (installed: string): Promise<string> => {
  const lines: Array<string> = []
  let next = 0
  for (const directory of directories) {
    for (const { name, path: file, typesOnly } of modulesOf(directory)) {
      const from = `timemesh/${directory}${name}`
      lines.push(`import ${typesOnly ? "type " : ""}* as ${name} from "${from}"`)
      const values: ReadonlyArray<string> = typesOnly
        ? []
        : Object.keys(await import(path.join(installed, `dist/${file}.js`)) as object)
      for (const value of values) lines.push(`export const value${next++} = ${name}.${value}`)
      for (const type of typesOf(path.join(installed, `dist/${file}.d.ts`))) {
        lines.push(`export const parts${next++} = partsOf<${name}.${type}>()`)
        // A service: what it can be asked, and what the answers are.
        if (values.includes(type)) {
          lines.push(`export const service${next++} = partsOf<Asked<${name}.${type}>>()`)
        }
      }
    }
  }
  return [
    ...lines.filter((line) => line.startsWith("import")),
    "// An object's own properties: what a program gets when it takes one apart.",
    "declare const partsOf: <T>() => { [K in keyof T as K extends string ? K : never]: T[K] }",
    "type Asked<T> = T extends { readonly Service: infer S extends object } ? S : never",
    ...lines.filter((line) => !line.startsWith("import")),
    ""
  ].join("\n")
}
