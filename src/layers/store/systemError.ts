/** What the operating system said, in words: from a Node error, or from an effect error that carries one. */
import { Predicate } from "effect"
import { getSystemErrorMap } from "node:util"

/** Error chains are short; a cycle must not hang us. */
const maxDepth = 8

/** The system's code, such as `EACCES`, wherever it is in the chain of causes and reasons; `undefined` without one. */
export const systemCode = (error: unknown, depth = maxDepth): string | undefined => {
  if (depth === 0 || !Predicate.isObject(error)) return undefined
  if (Predicate.hasProperty(error, "code") && typeof error.code === "string" && /^E[A-Z0-9]+$/.test(error.code)) {
    return error.code
  }
  return (Predicate.hasProperty(error, "reason") ? systemCode(error.reason, depth - 1) : undefined) ??
    (Predicate.hasProperty(error, "cause") ? systemCode(error.cause, depth - 1) : undefined)
}

const messages: ReadonlyMap<string, string> = new Map(getSystemErrorMap().values())

/** `permission denied`, `no space left on device`; the error's own message where the system gave no code. */
export const systemReason = (error: unknown): string => {
  const code = systemCode(error)
  const message = code === undefined ? undefined : messages.get(code)
  return message ?? code ?? (error instanceof Error ? error.message : String(error))
}
