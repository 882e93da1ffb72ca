/** What README.md and docs/ have an operator type exists: commands with their flags, npm's scripts, paths of the API, metrics. */
import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import { fileURLToPath } from "node:url"
import { helpOf, paths } from "../../scripts/ops/helpDocs.ts"
import * as Metric from "../../src/domain/metrics/Metric.ts"

const root = fileURLToPath(new URL("../../", import.meta.url))
const read = (file: string) => fs.readFileSync(`${root}${file}`, "utf8")

const documents = [
  "README.md",
  ...fs.readdirSync(`${root}docs`).filter((file) => file.endsWith(".md")).map((file) => `docs/${file}`)
]
  .map((file) => ({ file, text: read(file) }))

/** Lines of fenced shell blocks, and inline code, each on one line. */
const typed = documents.flatMap(({ file, text }) => {
  const fences = [...text.matchAll(/^```(?:sh|bash)\n(.*?)^```/gms)].flatMap(([, block = ""]) => block.split("\n"))
  const inline = [...text.replace(/^```.*?^```/gms, "").matchAll(/`([^`]+)`/g)].map(([, code = ""]) =>
    code.replace(/\s+/g, " ")
  )
  return [...fences, ...inline].map((code) => ({ file, code: code.trim() }))
})

const flagsOf = (path: ReadonlyArray<string>): ReadonlySet<string> =>
  new Set([...helpOf(path).flags.map(({ name }) => `--${name}`), "--help", "--version", "--completions"])

/** The command that those words begin with, and the words after it. `COMMAND` stands for any. */
const command = (words: ReadonlyArray<string>) => {
  const path =
    paths.filter((path) => path.every((word, i) => words[i] === word)).toSorted((a, b) => b.length - a.length)[0]
  return path === undefined ? undefined : { path, rest: words.slice(path.length) }
}

describe("the documents", () => {
  const commands = typed.flatMap(({ code, file }) => {
    const line = code.replace(/^npm run -s timemesh -- /, "timemesh ").replace(/\s#.*$/, "").replace(/ > .*$/, "")
    return /^timemesh [a-z-]/.test(line) ? [{ file, line, words: line.replaceAll(/[[\]]/g, "").split(/\s+/) }] : []
  })

  it("name commands that exist, with flags that they have", () => {
    assert.isAbove(commands.length, 60)
    for (const { file, line, words } of commands) {
      const found = command(words)
      if (found === undefined) return assert.fail(`${file}: ${line}`)
      const [first] = found.rest
      // A group's own words are subcommands; what else stands there is an argument.
      const groups = new Set(paths.map((path) => path.slice(0, -1).join(" ")))
      const isGroup = groups.has(found.path.join(" ")) && helpOf(found.path).args === undefined
      if (isGroup && first !== undefined && /^[a-z]/.test(first)) assert.fail(`${file}: ${line}: no such subcommand`)
      for (const flag of found.rest.filter((word) => word.startsWith("--"))) {
        assert.isTrue(flagsOf(found.path).has(flag.replace(/=.*/, "")), `${file}: ${line}: ${flag}`)
      }
    }
  })

  it("name every command, in README.md's table or elsewhere in it", () => {
    const readme = read("README.md")
    for (const [, name] of paths.filter((path) => path.length === 2)) {
      assert.match(readme, new RegExp(`\`[^\`]*\\b${name}\\b`), name)
    }
  })

  it("name npm scripts that exist", () => {
    const { scripts } = JSON.parse(read("package.json")) as { readonly scripts: Readonly<Record<string, string>> }
    const named = typed.flatMap(({ code, file }) =>
      [...code.matchAll(/\bnpm run (?:-s )?([\w:-]+)/g)].map(([, name = ""]) => ({ file, name }))
    )
    assert.isAbove(named.length, 20)
    for (const { file, name } of named) assert.property(scripts, name, file)
  })

  it("name paths that the API has", () => {
    const { paths } = JSON.parse(read("ops/openapi.json")) as { readonly paths: Readonly<Record<string, unknown>> }
    const known = new Set([...Object.keys(paths).map((path) => path.replace("{ip}", "IP")), "/openapi.json", "/"])
    const operations = typed.filter(({ file }) => file === "docs/OPERATIONS.md").flatMap(({ code }) => {
      const [, path] = /^(?:GET |POST )?(\/[a-z/.]*(?:IP)?)(?:\?.*)?$/.exec(code) ?? []
      return path === undefined ? [] : [path]
    }).filter((path) => !/^\/(?:data|dev|etc|proc|var)/.test(path))
    assert.isAbove(operations.length, 15)
    for (const path of operations) assert.isTrue(known.has(path), path)
  })

  it("name metrics that exist", () => {
    const suffix = /_(?:bucket|sum|count)$/
    for (const { code, file } of typed) {
      for (const [name] of code.matchAll(/\btimemesh_[a-z]+(?:_[a-z]+)*\b(?!…)/g)) {
        if (code.includes(`${name}…`) || name === "timemesh_") continue
        assert.include(Metric.names, name.replace(suffix, ""), `${file}: ${code}`)
      }
    }
  })
})
