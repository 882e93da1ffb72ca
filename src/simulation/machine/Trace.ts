/**
 * The fingerprint of a run: two numbers that every event is mixed into, in order. If the fingerprints of two runs are equal,
 * then, for all practical purposes, the same events happened at the same times in the same order.
 */
import type { NodeEvent } from "../../domain/NodeEvent.ts"

/** Events that occur by the million: mixed in by number. */
const frequent: Readonly<Record<string, number>> = { PingSent: 1, PingReceived: 2, PongSent: 3, PongReceived: 4 }

/** JSON for a trace: nonces are too large for JSON numbers. */
export const plain = (_key: string, value: unknown): unknown => typeof value === "bigint" ? value.toString() : value

export class Trace {
  private a = 0x9e3779b9
  private b = 0x85ebca6b

  /** Mixes in the lowest 32 bits of the whole part of `n`. */
  number(n: number): void {
    this.a = Math.imul(this.a ^ (n | 0), 0x2c1b3c6d)
    this.a = (this.a << 13) | (this.a >>> 19)
    this.b = Math.imul(this.b ^ this.a, 0x297a2d39) + 0x165667b1
  }

  text(text: string): void {
    this.number(text.length)
    for (let i = 0; i < text.length; i++) this.number(text.charCodeAt(i))
  }

  /** Mixes in what a node reported, when (virtual ms) and after how many steps of the run. */
  event(nowMs: number, steps: number, node: number, event: NodeEvent): void {
    this.number(nowMs * 1_000)
    this.number(steps)
    const kind = frequent[event._tag]
    if (kind === undefined) {
      this.text(JSON.stringify(event, plain))
    } else {
      this.number(node * 8 + kind)
      if ("connection" in event) this.number(event.connection)
    }
  }

  /** 16 hex digits. */
  get hash(): string {
    return [this.a, this.b].map((n) => (n >>> 0).toString(16).padStart(8, "0")).join("")
  }
}
