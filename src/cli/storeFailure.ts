/** A chain store's error for an operator: what, where, the fix, and the exit code. */
import type { ChainStoreError } from "../services/ChainStore.ts"
import * as Failure from "./Failure.ts"

const causeText = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)

export const ofStore = ({ reason }: ChainStoreError): Failure.Failure => {
  switch (reason._tag) {
    case "WrongNetwork":
      return Failure.unusable(
        `${reason.where} is not a database of the ${reason.expected} chain, but of ${reason.found}; ` +
          "name the right network with --network NAME, or another directory with --data-dir DIR"
      )
    case "Damaged":
      return Failure.unusable(`${reason.where} is damaged (${reason.detail}); ${reason.repair}`)
    case "Full":
      return Failure.failed(`no room for ${reason.where} (${reason.detail}); the chain in it is intact`)
    case "NotLinked":
      return Failure.failed(`block ${reason.height} does not continue the chain: ${reason.detail}`)
    case "BranchTooLarge":
      return Failure.failed(`the branch takes ${reason.bytes} bytes, over the limit of ${reason.limit}`)
    case "Unavailable":
      return Failure.unusable(`${reason.where} cannot be used (${causeText(reason.cause)})`)
  }
}
