/**
 * The slots of the daemon's twin: one per IP, and the session that it uses. A session in a slot can be forgotten: when a dial of the daemon's own fails
 * after it took the peer's dial, its registry loses the session in use. That session is still answered; the slot is freed by the second look after it.
 */
import type { Conn } from "./Conn.ts"

export interface Slot {
  readonly dir: "in" | "out"
  connected: boolean
  conn: Conn | undefined
  /** Looks since the session was forgotten; `undefined`: it is in the registry. */
  forgottenFor: number | undefined
}

export class Slots {
  private readonly slots = new Map<string, Slot>()

  get(ip: string): Slot | undefined {
    return this.slots.get(ip)
  }

  /** Takes the slot of an address, whatever it held. */
  take(ip: string, dir: "in" | "out", conn?: Conn): Slot {
    const slot: Slot = { dir, connected: false, conn, forgottenFor: undefined }
    this.slots.set(ip, slot)
    return slot
  }

  /** The connection in use with a peer. */
  uses(ip: string): Conn | undefined {
    const slot = this.slots.get(ip)
    return slot?.connected === true && slot.forgottenFor === undefined ? slot.conn : undefined
  }

  /** All connections in use. */
  used(): ReadonlyArray<Conn> {
    return [...this.slots.keys()].flatMap((ip) => this.uses(ip) ?? [])
  }

  /** Frees the slot if it is still this one. */
  free(ip: string, slot: Slot | undefined): void {
    if (slot !== undefined && this.slots.get(ip) === slot) this.slots.delete(ip)
  }

  /** Frees the slot if the connection has it. */
  freed(conn: Conn): void {
    const slot = this.slots.get(conn.ip)
    if (slot?.conn === conn) this.slots.delete(conn.ip)
  }

  /** A dial failed: the registry loses the address's session, whichever that is. */
  dialFailed(conn: Conn): void {
    this.freed(conn)
    const slot = this.slots.get(conn.ip)
    if (slot?.connected === true) slot.forgottenFor ??= 0
  }

  /** Every 30 s: frees the slots of sessions that were already forgotten the last time. */
  heal(): void {
    for (const [ip, slot] of this.slots) {
      if (slot.forgottenFor === undefined) continue
      if (slot.forgottenFor > 0) this.slots.delete(ip)
      slot.forgottenFor += 1
    }
  }
}
