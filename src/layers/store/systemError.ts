/**
 * The operating system's error in words, from a Node error or an effect error that carries one. Imports nothing from
 * effect, because the database's thread loads it.
 */
import { getSystemErrorMap } from "node:util"
import type { Problem } from "../../domain/Problem.ts"

/** Error chains are short; a cycle must not hang us. */
const maxDepth = 8

/** The system's code, such as `EACCES`, from anywhere in the chain of causes and reasons; `undefined` without one. */
export const systemCode = (error: unknown, depth = maxDepth): string | undefined => {
  if (depth === 0 || typeof error !== "object" || error === null) return undefined
  if ("code" in error && typeof error.code === "string" && /^E[A-Z0-9]+$/.test(error.code)) return error.code
  return ("reason" in error ? systemCode(error.reason, depth - 1) : undefined) ??
    ("cause" in error ? systemCode(error.cause, depth - 1) : undefined)
}

const messages: ReadonlyMap<string, string> = new Map(getSystemErrorMap().values())

/** `permission denied`, `no space left on device`; the error's own message if it has no system code. */
export const systemReason = (error: unknown): string => {
  const code = systemCode(error)
  const message = code === undefined ? undefined : messages.get(code)
  return message ?? code ?? (error instanceof Error ? error.message : String(error))
}

/** The fix, in the imperative; `undefined` if the code does not suggest one. */
export const systemFix = (error: unknown): string | undefined => {
  switch (systemCode(error)) {
    case "EACCES":
    case "EPERM":
      return `check its owner and mode (this process has uid ${process.getuid?.() ?? "unknown"})`
    case "ENOSPC":
    case "EDQUOT":
      return "free some space"
    case "EROFS":
      return "mount it writable, or choose another place"
    case "EMFILE":
    case "ENFILE":
      return "raise the limit of open files (ulimit -n)"
    case "EIO":
      return "check the disk"
    default:
      return undefined
  }
}

/** `permission denied`; `check its owner and mode (…)`. */
export const systemProblem = (error: unknown): Problem => ({ what: systemReason(error), fix: systemFix(error) })
