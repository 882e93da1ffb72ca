/** An integer query parameter. It travels as text; the API's description must show its type and range. */
import { Schema } from "effect"

/** From 0 to `maximum`. `what`: for the description. */
export const integerParameter = (maximum: number, what: string) =>
  Schema.String.annotate({ description: `${what} (integer, 0 to ${maximum})` }).pipe(
    Schema.decodeTo(Schema.FiniteFromString),
    Schema.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum }))
  )

/** The `OpenApi` schema of a parameter, shown as an integer if it is one of these. */
export const asInteger = (schema: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  const [, description, maximum] = /^(.*) \(integer, 0 to (\d+)\)$/.exec(String(schema["description"])) ?? []
  return maximum === undefined ? schema : { type: "integer", minimum: 0, maximum: Number(maximum), description }
}
