/**
 * Counts a node's messages and bytes by type since its start, over all connections, including those that never came up. Types are the tags
 * of both wires' messages, `Unknown` and `BadBody`: a closed set, whatever peers send.
 *
 * **Hot path.** A message costs one look-up and two additions; so does a whole run of `Data`.
 */
import type { MessageCount, Way } from "../../domain/metrics/Counts.ts"
import type { WireName } from "../../domain/peer/PeerRecord.ts"

/** One direction of one wire. */
export class TypeCounts {
  private readonly byType = new Map<string, { messages: number; bytes: number }>()

  /** `bytes`: length of the whole frames. */
  add(type: string, bytes: number, messages = 1): void {
    const count = this.byType.get(type)
    if (count === undefined) {
      this.byType.set(type, { messages, bytes })
    } else {
      count.messages += messages
      count.bytes += bytes
    }
  }

  of(wire: WireName, way: Way): ReadonlyArray<MessageCount> {
    return Array.from(this.byType, ([type, { bytes, messages }]) => ({ wire, way, type, messages, bytes }))
  }
}

export class MessageTally {
  readonly native = { sent: new TypeCounts(), received: new TypeCounts() }
  readonly time = { sent: new TypeCounts(), received: new TypeCounts() }

  /** Counts of all types seen so far. */
  get counts(): ReadonlyArray<MessageCount> {
    return (["native", "time"] as const).flatMap((wire) =>
      (["sent", "received"] as const).flatMap((way) => this[wire][way].of(wire, way))
    )
  }
}
