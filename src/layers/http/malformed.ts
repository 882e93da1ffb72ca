/** What is wrong with a request that the API's schemas refuse. */
import { Cause } from "effect"
import { HttpApiError } from "effect/http-api"
import * as Limits from "../../domain/Limits.ts"

const parts: Readonly<Record<string, string>> = { Params: "path", Query: "query", Payload: "body", Headers: "headers" }

/** One line: the part of the request, what it should be and is, and the field; `undefined`: the cause is another. */
export const malformed = <E>(cause: Cause.Cause<E>): string | undefined => {
  for (const reason of cause.reasons) {
    if (!Cause.isDieReason(reason) || !HttpApiError.HttpApiSchemaError.is(reason.defect)) continue
    const { cause: error, kind } = reason.defect
    const part = parts[kind]
    if (part === undefined) continue
    const text = error.message.replaceAll(/\s+/g, " ").slice(0, Limits.malformedTextChars)
    return `the request's ${part} is malformed: ${text}`
  }
  return undefined
}
