/**
 * Adjusts the API's description for clients. The codec of optional fields accepts null, which no node writes: a field that is unknown or does not
 * apply is absent. Objects may have more fields than this version's: a client that refuses them would break with the next version. Queries need the
 * token only where `AdminAccess` says so. Refusals that `AdminServer` makes before a request reaches its endpoint are added to all endpoints.
 */

import { asInteger } from "./integerParameter.ts"

interface Json {
  readonly [key: string]: unknown
}

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const isNull = (value: unknown): boolean => isObject(value) && value["type"] === "null"

/** Removes null from the choices; a single remaining choice replaces the list. */
const chosen = (choices: ReadonlyArray<unknown>, rest: Json): Json => {
  const [only, ...others] = choices
  return isObject(only) && others.length === 0 ? { ...only, ...rest } : { ...rest, anyOf: choices }
}

const tidied = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(tidied)
  if (!isObject(value)) return value
  const { anyOf, ...rest } = Object.fromEntries(
    Object.entries(value)
      .filter(([key, part]) => key !== "additionalProperties" || part !== false)
      .map(([key, part]) => [key, tidied(part)])
  )
  if (!Array.isArray(anyOf)) return anyOf === undefined ? rest : { ...rest, anyOf }
  return anyOf.some(isNull) ? chosen(anyOf.filter((choice) => !isNull(choice)), rest) : { ...rest, anyOf }
}

/** With the token, or without it. */
const either = (operation: unknown): unknown =>
  isObject(operation) && Array.isArray(operation["security"]) && operation["security"].length > 0
    ? { ...operation, security: [{}, ...operation["security"]] }
    : operation

const refused = { $ref: "#/components/schemas/Refused" }

const refusedSchema: Json = {
  type: "object",
  properties: {
    _tag: { type: "string", enum: ["Refused"] },
    message: { type: "string" },
    error: { type: "string", description: "The same as message" }
  },
  required: ["_tag", "message", "error"]
}

const answer = (description: string): Json => ({ description, content: { "application/json": { schema: refused } } })

/** Adds the server's refusals to those of the endpoint. */
const alsoRefused = (response: unknown): Json => {
  if (!isObject(response)) return answer("The request is malformed")
  const { content } = response
  const json = isObject(content) ? content["application/json"] : undefined
  const schema = isObject(json) ? json["schema"] : undefined
  return { ...response, content: { "application/json": { schema: { anyOf: [schema, refused] } } } }
}

const numbered = (parameter: unknown): unknown =>
  isObject(parameter) && isObject(parameter["schema"])
    ? { ...parameter, schema: asInteger(parameter["schema"]) }
    : parameter

/** Adds the server's own answers: to a malformed request, another site's page, a body that is too long or not JSON. */
const withRefusals = (operation: unknown): unknown => {
  if (!isObject(operation)) return operation
  const responses = isObject(operation["responses"]) ? operation["responses"] : {}
  const { parameters } = operation
  return {
    ...operation,
    ...(Array.isArray(parameters) ? { parameters: parameters.map(numbered) } : {}),
    responses: {
      ...responses,
      400: alsoRefused(responses["400"]),
      403: answer("Sent by a web page of another site, or without the Host of the node"),
      ...("requestBody" in operation
        ? {
          413: answer("The body is too long, or its length is not told"),
          415: answer("The body is not application/json")
        }
        : {})
    }
  }
}

/** For `OpenApi.Transform`. */
export const tidyOpenApi = (spec: Json): Json => {
  const { components, paths, ...rest } = tidied(spec) as Json
  const { schemas, ...others } = isObject(components) ? components : {}
  return {
    ...rest,
    components: { ...others, schemas: { ...(isObject(schemas) ? schemas : {}), Refused: refusedSchema } },
    paths: Object.fromEntries(
      Object.entries(isObject(paths) ? paths : {}).map(([path, operations]) => [
        path,
        Object.fromEntries(
          Object.entries(isObject(operations) ? operations : {}).map(([method, operation]) => [
            method,
            withRefusals(method === "get" ? either(operation) : operation)
          ])
        )
      ])
    )
  }
}
