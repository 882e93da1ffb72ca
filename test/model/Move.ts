/** One thing that can happen next, and how those who offer it tell the search. */
import type * as DisconnectReason from "../../src/domain/DisconnectReason.ts"
import type { Notes, Socket, World } from "./World.ts"

export interface Move {
  /** `false`: a timeout although the other end could still have answered. */
  readonly kind: "step" | "false" | "fault"
  readonly failedDial: boolean
  readonly label: string
  readonly world: World
  /** A connection came down at its node. */
  readonly down: boolean
  /** How a node gave up a connection that was up and unbroken at both ends. */
  readonly flap: DisconnectReason.Kind | undefined
  /** An honest frame was taken for a protocol error. */
  readonly fault: string | undefined
}

/** Offers a move: `change` is carried out on a copy of the world. */
export type Go = (
  kind: Move["kind"],
  label: string,
  change: (next: World, notes: Notes) => void,
  failedDial?: boolean
) => void

/** Changes the socket of that index in a copy of the world. */
export type At = (next: World, index: number, change: (socket: Socket) => void) => void
