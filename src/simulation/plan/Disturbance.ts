/**
 * What a fault excuses. Everything that is not excused is demanded: a connection that goes down while nothing disturbs its
 * pair is a bug, and so is a pair that is not connected long after nothing keeps it apart.
 *
 * Deliberately little is excused: latency up to 20 s, clock jumps and drift, hostile peers, a busy event loop, second addresses and
 * refused dials take no connection down.
 */
import type { Fault } from "./Fault.ts"

export interface Disturbance {
  /** Pairs whose connection may go down. */
  readonly breaks: (a: number, b: number) => boolean
  /** Pairs that may stay unconnected while it lasts, those of `breaks` included. */
  readonly keepsApart: (a: number, b: number) => boolean
}

const none = () => false
const of = (...nodes: ReadonlyArray<number>) => (a: number, b: number) => nodes.includes(a) || nodes.includes(b)
const between = (x: number, y: number) => (a: number, b: number) => (a === x && b === y) || (a === y && b === x)
const both = (breaks: Disturbance["breaks"]): Disturbance => ({ breaks, keepsApart: breaks })

export const disturbance = (fault: Fault): Disturbance => {
  switch (fault.kind) {
    case "kill":
    case "pause":
    case "vanish":
    case "crash-loop":
    case "readdress":
    case "fork":
    case "slow-reader":
    case "narrow":
    case "twin":
      return both(of(fault.node))
    case "stall":
      return { breaks: none, keepsApart: of(fault.node) }
    case "cut":
    case "reset":
      return both(between(fault.a, fault.b))
    case "clog":
      return { breaks: none, keepsApart: between(fault.a, fault.b) }
    case "partition":
      return both((a, b) => fault.side.includes(a) !== fault.side.includes(b))
    case "swizzle":
      return both((a, b) => fault.links.some((link) => between(link.a, link.b)(a, b)))
    case "storm":
      return { breaks: none, keepsApart: () => true }
    case "flood":
      return both(of(fault.to))
    case "refuse":
      return { breaks: none, keepsApart: of(fault.node) }
    case "hostile":
    case "jump":
    case "drift":
    case "alias":
      return { breaks: none, keepsApart: none }
  }
}
