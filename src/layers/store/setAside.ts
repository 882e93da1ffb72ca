/** Renames a damaged file to `NAME.bad` (or `NAME.bad-2`, …), so that nothing is lost. */
import { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { PlainFiles } from "./PlainFiles.ts"

/** Returns the name under which the file is kept. */
export const setAside = Effect.fnUntraced(function*(files: PlainFiles, path: string) {
  let name = `${path}.bad`
  for (let i = 2; i <= Limits.setAsideFiles && (yield* files.exists(name)); i++) name = `${path}.bad-${i}`
  yield* files.rename(path, name)
  return name
})
