/** Renames a damaged file to `NAME.bad` (or `NAME.bad-2`, …), so that nothing is lost. */
import { Effect } from "effect"
import type { PlainFiles } from "./PlainFiles.ts"

/** Maximum number of damaged files kept; beyond it, the last name is reused. */
const keptFiles = 9

/** Returns the name under which the file is kept. */
export const setAside = Effect.fnUntraced(function*(files: PlainFiles, path: string) {
  let name = `${path}.bad`
  for (let i = 2; i <= keptFiles && (yield* files.exists(name)); i++) name = `${path}.bad-${i}`
  yield* files.rename(path, name)
  return name
})
