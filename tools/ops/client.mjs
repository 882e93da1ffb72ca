/**
 * The description that a running node serves, put to use: types made of it, a program that is compiled against them and run against that node, and each
 * of the node's answers held against the schema that the description has for it.
 */
import { Ajv2020 } from "ajv/dist/2020.js"
import { mkdirSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import openapiTS, { astToString } from "openapi-typescript"
import ts from "typescript"
import { startNode, withProcesses } from "./node.mjs"

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

/** What TypeScript says of the program with these types of the API. */
const compile = (types) => {
  mkdirSync(here("made"), { recursive: true })
  writeFileSync(here("made/api.d.ts"), types)
  const program = ts.createProgram([here("client.ts")], {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
    types: []
  })
  return ts.getPreEmitDiagnostics(program).map(({ file, messageText, start }) => {
    const line = file === undefined || start === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1
    return `client.ts:${line}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`
  })
}

/** Answers that are not as the description has them, and operations that were never called. */
const unlike = (document, calls) => {
  const ajv = new Ajv2020({ strict: false, allErrors: true, logger: false })
  ajv.addSchema({ $id: "openapi", ...document })
  const problems = []
  const called = new Set()
  for (const { method, path, status, text } of calls) {
    called.add(`${method} ${path}`)
    const answer = document.paths[path]?.[method]?.responses[status]
    const at = `${method} ${path} ${status}`
    if (answer === undefined) problems.push(`${at}: an answer that is not described: ${text}`)
    if (answer?.content?.["application/json"] === undefined || text === undefined) continue
    const pointer = ["paths", path, method, "responses", String(status), "content", "application/json", "schema"]
      .map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1")).map(encodeURIComponent).join("/")
    const validate = ajv.compile({ $ref: `openapi#/${pointer}` })
    if (!validate(JSON.parse(text))) problems.push(`${at}: ${ajv.errorsText(validate.errors)}`)
  }
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const method of Object.keys(operations)) {
      if (!called.has(`${method} ${path}`)) problems.push(`${method} ${path}: never called`)
    }
  }
  return problems
}

/** `say`: as the other checks. `kept`: the description as `ops/` has it. */
export const client = (say, kept) =>
  withProcesses(async (directory, start) => {
    // A node alone on loopback, at ports of its own.
    const { token, url } = await startNode(directory, start, "node", ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
    const text = await (await fetch(`${url}/openapi.json`)).text()
    const document = JSON.parse(text)
    say(JSON.stringify(document) === JSON.stringify(JSON.parse(kept)), "a running node serves openapi.json", [])
    const problems = compile(astToString(await openapiTS(document)))
    say(problems.length === 0, "a client's types are made of what it serves", problems)
    const wrong = JSON.parse(text.replaceAll("\"connected\"", "\"connections\""))
    say(compile(astToString(await openapiTS(wrong))).length > 0, "a client of another description does not compile", [])
    const { run } = await import("./client.ts")
    const calls = await run(url, token)
    const found = unlike(document, calls)
    say(found.length === 0, `${calls.length} answers to every operation are as it describes them`, found)
    say(unlike(wrong, calls).length > 0, "an answer without a field that is described is found", [])
  })
