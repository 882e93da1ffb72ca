/**
 * Writes the answers that grow with the node: the API's own encoder walks every value of every row twice, and a table of 125 peers
 * would block the event loop for ten milliseconds.
 */
import { type Schema, SchemaAST } from "effect"
import { HttpServerResponse } from "effect/http"

/** The value as JSON shows it; `undefined` where that is the value itself. */
type Part = ((value: unknown) => unknown) | undefined

const isObject = (value: unknown): value is Readonly<Record<PropertyKey, unknown>> =>
  typeof value === "object" && value !== null

/** Fields that are absent, or that the schema does not have, are left out. */
const struct = ({ propertySignatures }: SchemaAST.Objects): Part => {
  const fields = propertySignatures.map(({ name, type }) => ({ name, part: partOf(type) }))
  return (value) => {
    if (!isObject(value)) return value
    const out: Record<PropertyKey, unknown> = {}
    for (const { name, part } of fields) {
      const field = value[name]
      if (field !== undefined) out[name] = part === undefined ? field : part(field)
    }
    return out
  }
}

const list = ({ rest }: SchemaAST.Arrays): Part => {
  const part = rest[0] === undefined ? undefined : partOf(rest[0])
  return part && ((value) => Array.isArray(value) ? value.map(part) : value)
}

const partOf = (ast: SchemaAST.AST): Part => {
  if (ast.encoding !== undefined) throw new TypeError("an answer whose values are encoded needs the API's encoder")
  if (SchemaAST.isObjects(ast)) return ast.indexSignatures.length > 0 ? undefined : struct(ast)
  if (SchemaAST.isArrays(ast)) return list(ast)
  if (!SchemaAST.isUnion(ast)) return undefined
  const [only, ...others] = ast.types.filter((type) => !SchemaAST.isUndefined(type))
  return only === undefined || others.length > 0 ? undefined : partOf(only)
}

/**
 * A function that writes answers of that schema. The body is what the API's encoder makes of the value without its absent fields; the types
 * are not checked again. **Throws** at once if the schema's values are not JSON themselves.
 */
export const jsonAnswer = <A>(schema: Schema.Codec<A>): (value: A) => HttpServerResponse.HttpServerResponse => {
  const part = partOf(schema.ast)
  return (value) => HttpServerResponse.jsonUnsafe(part === undefined ? value : part(value))
}
