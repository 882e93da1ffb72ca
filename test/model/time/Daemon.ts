/** The daemon's side of one pair, as docs/TIME-NETWORK.md has it: one slot per IP, what it refuses and what it keeps alive. */

/**
 * What it knows of a socket. `connecting`: its dial, before the end of TLS; `secured`: after it, so the dial cannot fail any more. `tls`: accepted, no
 * Handshake yet. `mute`: refused, and open until the next frame.
 */
export type DaemonEnd = "none" | "connecting" | "secured" | "tls" | "open" | "mute" | "closed"

export interface Slot {
  readonly socket: number
  readonly dir: "in" | "out"
  readonly connected: boolean
  /** No longer in its registry: it answers on the session, and asks nothing. */
  readonly forgotten: boolean
}

export interface DaemonRules {
  /** Its IP ranks above ours: it keeps its own connection against a dial of ours. */
  readonly above: boolean
  /** Its dial under way stands against a dial of ours. Seen so; the code has another branch too. */
  readonly refusesWhileConnecting: boolean
}

/** Whether it takes an inbound connection while the slot is so; if it does, the slot is that connection's. */
export const takes = (rules: DaemonRules, slot: Slot | undefined): boolean => {
  if (slot === undefined) return true
  if (slot.dir === "in") return false
  if (!slot.connected && rules.refusesWhileConnecting) return false
  return !rules.above
}

/** Without the socket, if the slot was its. */
export const freed = (slot: Slot | undefined, socket: number): Slot | undefined =>
  slot?.socket === socket ? undefined : slot

/** After a dial of its own failed: its registry loses the session in the slot, whichever that is. */
export const afterFailedDial = (slot: Slot | undefined, socket: number): Slot | undefined =>
  slot === undefined || slot.socket === socket ? undefined : slot.connected ? { ...slot, forgotten: true } : slot
