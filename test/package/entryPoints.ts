/** The package's entry points, read from the files that define them: what `exports` in package.json must say. */
import * as fs from "node:fs"

export interface Module {
  /** As the entry point names it: `ConnectionManager`. */
  readonly name: string
  /** Of its file below `src` and `dist`, without ending. */
  readonly path: string
  /** Types alone: importing it at run time is an error. */
  readonly typesOnly: boolean
}

const read = (path: string) => fs.readFileSync(new URL(`../../${path}`, import.meta.url), "utf8")

/** The modules that an entry point re-exports as namespaces. `directory` ends with a slash. */
export const modulesOf = (directory: string): ReadonlyArray<Module> =>
  [...read(`src/${directory}index.ts`).matchAll(/^export (type )?\* as (\w+) from "\.\/(.+)\.ts"$/gm)].map(
    ([, type, name = "", path = ""]) => ({ name, path: `${directory}${path}`, typesOnly: type !== undefined })
  )

/** Entry points that are directories with an `index.ts`; each of their modules is an entry point of its own. */
export const directories = ["", "simulation/", "testing/"]

/** `exports`: a module of its own for each namespace, so that an application's declarations can name every public type. */
export const expected = (): Record<string, unknown> => {
  const target = (path: string, typesOnly = false) => ({
    types: `./dist/${path}.d.ts`,
    ...(typesOnly ? {} : { default: `./dist/${path}.js` })
  })
  const exports: Record<string, unknown> = {}
  for (const directory of directories) {
    exports[`./${directory}`.replace(/\/$/, "")] = target(`${directory}index`)
    for (const { name, path, typesOnly } of modulesOf(directory)) {
      exports[`./${directory}${name}`] = target(path, typesOnly)
    }
  }
  exports["./postgres"] = target("layers/sql/PostgresClient")
  exports["./package.json"] = "./package.json"
  return exports
}

export const manifest = (): {
  readonly exports: Record<string, unknown>
  readonly engines: { readonly node: string }
  readonly peerDependencies: Record<string, string>
  readonly devDependencies: Record<string, string>
} => JSON.parse(read("package.json"))
