/** What the node knows of peers that misbehave. Changed by `Protection` only. */
import { Ledger } from "../../domain/protection/Ledger.ts"

export class ProtectionState {
  readonly ledger = new Ledger()
}
