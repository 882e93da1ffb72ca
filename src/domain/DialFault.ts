/** Whose fault a failed dial is, by the system's code. */

export type DialFault =
  /** The peer, or the way to it. */
  | "peer"
  /** No router or host answers on the way: this node's network while no peer is up, else the peer. */
  | "route"
  /** This node has no network, or no address of the peer's family. */
  | "network"
  /** This node's process is out of sockets or memory. */
  | "resources"

const faults: ReadonlyMap<string, DialFault> = new Map<string, DialFault>([
  ["EHOSTUNREACH", "route"],
  ["EHOSTDOWN", "route"],
  ["ENETUNREACH", "network"],
  ["ENETDOWN", "network"],
  ["EADDRNOTAVAIL", "network"],
  ["EAFNOSUPPORT", "network"],
  ["EMFILE", "resources"],
  ["ENFILE", "resources"],
  ["ENOBUFS", "resources"],
  ["ENOMEM", "resources"]
])

/** `code`: the system's, as `ECONNREFUSED`; any other text is the peer's. */
export const of = (code: string): DialFault => faults.get(code) ?? "peer"

/** Whether the fault is this node's own, given whether any peer is up. */
export const isOwn = (fault: DialFault, isAlone: boolean): boolean => fault === "route" ? isAlone : fault !== "peer"
