/** Converts a chain store's error to a command failure. */
import type { ChainStoreError } from "../services/ChainStore.ts"
import * as Failure from "./Failure.ts"

/** Exit code 2 if another location or other settings are needed; 1 if the work itself failed, or the chain is bad. */
export const ofStore = (error: ChainStoreError): Failure.Failure => {
  switch (error.reason._tag) {
    case "WrongNetwork":
    case "Unavailable":
      return Failure.unusable(error)
    case "Damaged":
    case "Full":
    case "NotLinked":
    case "BranchTooLarge":
      return Failure.failed(error)
  }
}
