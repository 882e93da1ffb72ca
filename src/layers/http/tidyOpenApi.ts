/**
 * The API's description as clients read it. The codec of optional fields accepts null, which no node writes: a field that is not known or does not
 * apply is absent. And questions need the token only where `AdminAccess` says so.
 */

interface Json {
  readonly [key: string]: unknown
}

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const isNull = (value: unknown): boolean => isObject(value) && value["type"] === "null"

/** Without null among the choices; one that is left stands for itself. */
const chosen = (choices: ReadonlyArray<unknown>, rest: Json): Json => {
  const [only, ...others] = choices
  return isObject(only) && others.length === 0 ? { ...only, ...rest } : { ...rest, anyOf: choices }
}

const tidied = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(tidied)
  if (!isObject(value)) return value
  const { anyOf, ...rest } = Object.fromEntries(Object.entries(value).map(([key, part]) => [key, tidied(part)]))
  if (!Array.isArray(anyOf)) return anyOf === undefined ? rest : { ...rest, anyOf }
  return anyOf.some(isNull) ? chosen(anyOf.filter((choice) => !isNull(choice)), rest) : { ...rest, anyOf }
}

/** With the token, or without it. */
const either = (operation: unknown): unknown =>
  isObject(operation) && Array.isArray(operation["security"]) && operation["security"].length > 0
    ? { ...operation, security: [{}, ...operation["security"]] }
    : operation

/** For `OpenApi.Transform`. */
export const tidyOpenApi = (spec: Json): Json => {
  const { paths, ...rest } = tidied(spec) as Json
  return {
    ...rest,
    paths: Object.fromEntries(
      Object.entries(isObject(paths) ? paths : {}).map(([path, operations]) => [
        path,
        isObject(operations) && "get" in operations ? { ...operations, get: either(operations["get"]) } : operations
      ])
    )
  }
}
