/** Plain values without their absent fields: the codec of the API would write a field that is `undefined` as null. */

/** The value without fields that are `undefined`, at any depth. For plain data, as the API's. */
export const present = <A>(value: A): A => strip(value) as A

const strip = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(strip)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, field]) => field === undefined ? [] : [[key, strip(field)]])
  )
}
