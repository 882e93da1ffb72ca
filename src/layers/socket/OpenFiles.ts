/** How many files and sockets this process may have open. */
import { readFileSync } from "node:fs"

/** The limit by Linux; `undefined` elsewhere. Node raises the soft limit to the hard limit when it starts. */
export const read = (): number | undefined => {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? []
    return soft === undefined ? undefined : Number(soft)
  } catch {
    return undefined
  }
}
