/** A whole number in a query. On the way it is text; the API's description shall say that it is a number, and of what range. */
import { Schema } from "effect"

/** 0 to `maximum`. `what`: for the description. */
export const integerParameter = (maximum: number, what: string) =>
  Schema.String.annotate({ description: `${what} (integer, 0 to ${maximum})` }).pipe(
    Schema.decodeTo(Schema.FiniteFromString),
    Schema.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum }))
  )

/** The schema of a parameter as `OpenApi` has it, as that of a number if it is one of these. */
export const asInteger = (schema: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  const [, description, maximum] = /^(.*) \(integer, 0 to (\d+)\)$/.exec(String(schema["description"])) ?? []
  return maximum === undefined ? schema : { type: "integer", minimum: 0, maximum: Number(maximum), description }
}
