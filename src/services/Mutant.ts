/**
 * A deliberate defect of a node, to show that the simulator finds such. Nothing but tests sets it: `timemesh simulate --mutant`
 * and test/sim. Each is one line where the right code stands beside it.
 */
import { Context } from "effect"

export type Mutant =
  /** Of two challengers the deciding peer keeps the older one. */
  | "keep-oldest"
  /** Closing a node leaves its timer set. */
  | "timer-left"
  /** Addresses are ordered as text: 10.0.0.10 before 10.0.0.2. */
  | "ip-as-text"
  /** A ping is not answered while anything waits in the outbox. */
  | "pong-dropped"
  /** Numbers of connections begin again after a few. */
  | "id-reused"
  /** A Hello with another genesis is welcome. */
  | "genesis-unchecked"

export const mutants: ReadonlyArray<Mutant> = [
  "keep-oldest",
  "timer-left",
  "ip-as-text",
  "pong-dropped",
  "id-reused",
  "genesis-unchecked"
]

export const Mutant: Context.Reference<Mutant | undefined> = Context.Reference<Mutant | undefined>(
  "timemesh/services/Mutant",
  { defaultValue: () => undefined }
)
