/**
 * What a fault excuses. Anything not excused is a bug: a connection that goes down while nothing disturbs its
 * pair, or a pair that is still unconnected long after nothing keeps it apart.
 *
 * Deliberately little is excused: latency up to 20 s, clock jumps and drift, hostile peers, a busy event loop, second addresses
 * and refused dials must take no connection down.
 */
import type { Fault } from "./Fault.ts"
import * as SimulationLimits from "./Limits.ts"

/** A span in which a fault may take a connection down, once at each end; ms since the simulation began. */
export type Span = readonly [fromMs: number, toMs: number]

export interface Disturbance {
  /** When the pair's connection may go down: one Down at each end per span. */
  readonly breaks: (a: number, b: number) => ReadonlyArray<Span>
  /** Pairs that may stay unconnected while it lasts, including those of `breaks`. */
  readonly keepsApart: (a: number, b: number) => boolean
  /** ms after a span within which its Down comes. `silent` ones take as long as silence is tolerated. */
  readonly noticeMs: number
  /**
   * Pairs in which one end may have connections up that the other never had, any number of times: another process uses a node's address, or
   * an answer takes longer than a handshake may.
   */
  readonly oneSided: (a: number, b: number) => boolean
}

type Pairs = (a: number, b: number) => boolean

const none: Pairs = () => false
const of = (...nodes: ReadonlyArray<number>): Pairs => (a, b) => nodes.includes(a) || nodes.includes(b)
const between = (x: number, y: number): Pairs => (a, b) => (a === x && b === y) || (a === y && b === x)

/** Takes connections down in these spans, and keeps the pairs apart throughout. */
const breaking = (pairs: Pairs, ...spans: ReadonlyArray<Span>): Disturbance => ({
  ...apart(pairs),
  breaks: (a, b) => pairs(a, b) ? spans : []
})

/** Takes no connection down. */
const apart = (pairs: Pairs): Disturbance => ({
  breaks: () => [],
  keepsApart: pairs,
  noticeMs: SimulationLimits.noticeMs,
  oneSided: none
})

/** Takes down no connection that was up at both ends. */
const slow = (pairs: Pairs): Disturbance => ({ ...apart(pairs), oneSided: pairs })

export const disturbance = (fault: Fault): Disturbance => {
  const { atMs, endMs } = fault
  const whole: Span = [atMs, endMs]
  switch (fault.kind) {
    case "kill":
    case "slow-reader":
      return breaking(of(fault.node), whole)
    // Afterwards it works through handshakes that its peer has meanwhile given up.
    case "pause":
    case "narrow":
      return { ...breaking(of(fault.node), whole), oneSided: of(fault.node) }
    case "vanish":
      return { ...breaking(of(fault.node), whole), noticeMs: SimulationLimits.vanishedNoticeMs }
    case "crash-loop": {
      const reboots = fault.reboots.map(({ downMs, upMs }): Span => [downMs, upMs])
      return { ...breaking(of(fault.node), ...reboots), noticeMs: SimulationLimits.vanishedNoticeMs }
    }
    case "readdress":
      // The node moves away and back: between the two moves nothing happens.
      return breaking(of(fault.node), [atMs, atMs], [endMs, endMs])
    case "fork":
      return breaking(of(fault.node), [atMs, atMs])
    case "twin":
      return slow(of(fault.node))
    case "cut":
    case "reset":
      return breaking(between(fault.a, fault.b), whole)
    case "partition":
      return breaking((a, b) => fault.side.includes(a) !== fault.side.includes(b), whole)
    case "swizzle": {
      const links = (a: number, b: number) => fault.links.filter((link) => between(link.a, link.b)(a, b))
      return {
        ...apart((a, b) => links(a, b).length > 0),
        breaks: (a, b) => links(a, b).map(({ restoreMs, stopMs }): Span => [stopMs, restoreMs])
      }
    }
    case "flood":
      return breaking(of(fault.to), whole)
    case "stall":
      return slow(fault.challenge === undefined ? of(fault.node) : of(fault.node, fault.challenge.peer))
    case "refuse":
      return apart(of(fault.node))
    case "clog":
      return slow(between(fault.a, fault.b))
    case "storm":
      return slow(() => true)
    case "hostile":
    case "jump":
    case "drift":
    case "alias":
      return apart(none)
  }
}
