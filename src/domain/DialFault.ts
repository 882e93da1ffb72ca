/** Classifies a failed dial by whose fault it is, from the system's error code. */
import * as PeerIp from "./peer/PeerIp.ts"

export type DialFault =
  /** The peer, or the network path to it. */
  | "peer"
  /** No router or host answers on the path, or a router forbids it. This node's network is at fault while it is cut off, otherwise the peer. */
  | "route"
  /** This node has no network, or no address of the peer's family. */
  | "network"
  /** A firewall on this host forbids the dial. */
  | "firewall"
  /** This node's process or host is out of sockets, ports or memory. */
  | "resources"
  /** This host refuses for another reason. */
  | "system"

/**
 * Codes that a remote host can cause. Linux also makes the codes of `route` from ICMP messages, and EACCES from ICMPv6's "administratively
 * prohibited". Every other system code originates on this host.
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

/** `code`: the system's, such as `ECONNREFUSED`; any other text blames the peer. `ip`: the address that was dialled. */
export const of = (code: string, ip: PeerIp.PeerIp): DialFault =>
  // No IPv4 ICMP message becomes EACCES, so a rule on this host forbids the route.
  code === "EACCES" && !PeerIp.isIpv6(ip)
    ? "firewall"
    : faults.get(code) ?? (/^E[A-Z0-9_]+$/.test(code) ? "system" : "peer")

const breaks: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE"])

/** Whether the code is of a connection that was open, and that the other end broke off during the handshake. */
export const isBreak = (code: string): boolean => breaks.has(code)

/** Whether the fault is this node's own. `isCutOff`: no peer is up on a network like the address's. */
export const isOwn = (fault: DialFault, isCutOff: boolean): boolean => fault === "route" ? isCutOff : fault !== "peer"
