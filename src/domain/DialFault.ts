/** Whose fault a failed dial is, by the system's code. */
import * as PeerIp from "./peer/PeerIp.ts"

export type DialFault =
  /** The peer, or the way to it. */
  | "peer"
  /** No router or host answers on the way, or a router forbids it: this node's network while it is cut off, else the peer. */
  | "route"
  /** This node has no network, or no address of the peer's family. */
  | "network"
  /** A firewall of this host forbids it. */
  | "firewall"
  /** This node's process or host is out of sockets, ports or memory. */
  | "resources"
  /** This node's system refuses for another reason. */
  | "system"

/**
 * What a host far away can cause. Linux makes the codes of `route` from ICMP messages too, and EACCES from ICMPv6's "administratively
 * prohibited". A system has many more codes, and all of them come from this host.
 */
const faults: ReadonlyMap<string, DialFault> = new Map<string, DialFault>([
  ["ECONNREFUSED", "peer"],
  ["ECONNRESET", "peer"],
  ["ECONNABORTED", "peer"],
  ["EPIPE", "peer"],
  ["ETIMEDOUT", "peer"],
  ["EHOSTUNREACH", "route"],
  ["EHOSTDOWN", "route"],
  ["EACCES", "route"],
  ["ENETUNREACH", "network"],
  ["ENETDOWN", "network"],
  ["ENETRESET", "network"],
  ["ENODEV", "network"],
  ["EADDRNOTAVAIL", "network"],
  ["EAFNOSUPPORT", "network"],
  ["EPERM", "firewall"],
  ["EADDRINUSE", "resources"],
  ["EAGAIN", "resources"],
  ["EMFILE", "resources"],
  ["ENFILE", "resources"],
  ["ENOBUFS", "resources"],
  ["ENOMEM", "resources"]
])

/** `code`: the system's, as `ECONNREFUSED`; any other text is the peer's. `ip`: the address that was dialled. */
export const of = (code: string, ip: PeerIp.PeerIp): DialFault =>
  // Of IPv4's ICMP messages none becomes EACCES: a rule of this host forbids the route.
  code === "EACCES" && !PeerIp.isIpv6(ip)
    ? "firewall"
    : faults.get(code) ?? (/^E[A-Z0-9_]+$/.test(code) ? "system" : "peer")

/** Whether the fault is this node's own. `isCutOff`: no peer is up on a network like that of the address. */
export const isOwn = (fault: DialFault, isCutOff: boolean): boolean => fault === "route" ? isCutOff : fault !== "peer"
