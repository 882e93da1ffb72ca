/** Removes absent fields from plain values: the API's codec would write an `undefined` field as null. */

/** The value without `undefined` fields, at any depth. For plain data, such as the API's. */
export const present = <A>(value: A): A => strip(value) as A

const strip = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(strip)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, field]) => field === undefined ? [] : [[key, strip(field)]])
  )
}
