/**
 * Where a peer listens: its identity and its listening port. The ephemeral port of a connection is never part of it.
 */
import { Data, Result } from "effect"
import { NetAddress } from "effect/net"
import * as Limits from "../Limits.ts"
import * as PeerIp from "./PeerIp.ts"

/** A peer and the port it listens on (1…65535). */
export interface PeerAddress {
  readonly ip: PeerIp.PeerIp
  readonly port: number
}

/** The text is not a peer's address. */
export class PeerAddressError extends Data.TaggedError("PeerAddressError")<{
  readonly input: string
  /** `form`: it is none of `IP`, `IP:PORT` and `[IPv6]:PORT`. `port`: its port is out of range. */
  readonly fault: PeerIp.PeerIpError["fault"] | "port"
  /** In words for an operator. */
  readonly reason: string
}> {
  override get message() {
    return `"${this.input}" is not a peer address: ${this.reason}`
  }
}

export const make = (ip: PeerIp.PeerIp, port: number): PeerAddress => ({ ip, port })

const hint = "write IP, IP:PORT or [IPv6]:PORT, as 203.0.113.7, 203.0.113.7:24100 or [2001:db8::7]:24100"

/** Reads `IP`, `IP:PORT`, `[IPv6]` or `[IPv6]:PORT`; a bare IPv6 address has no port. Without a port, `defaultPort`. */
export const fromString = (text: string, defaultPort: number): Result.Result<PeerAddress, PeerAddressError> => {
  const fail = (fault: PeerAddressError["fault"], reason: string) =>
    Result.fail(new PeerAddressError({ input: text, fault, reason }))
  // Matching a text with many colons takes time quadratic in its length.
  if (text.length > Limits.addressCharacters) return fail("form", hint)
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)|([^[\]]*:[^[\]]*:[^[\]]*))(?::(\d{1,5}))?$/.exec(text)
  if (match === null) return fail("form", hint)
  const [, bracketed, v4, bareV6, portText] = match
  if (bracketed !== undefined && !bracketed.includes(":")) return fail("form", hint)
  const ip = PeerIp.fromString(bracketed ?? v4 ?? bareV6 ?? "")
  if (Result.isFailure(ip)) {
    return ip.failure.input === ""
      ? fail("form", hint)
      : fail(ip.failure.fault, ip.failure.reason)
  }
  const port = portText === undefined ? defaultPort : Number(portText)
  if (port < 1 || port > 65535) return fail("port", "a port is 1 to 65535")
  return Result.succeed({ ip: ip.success, port })
}

/** `IP:PORT`, or `[IPv6]:PORT`. */
export const format = (address: PeerAddress): string => NetAddress.formatInet(toInet(address))

/** The address in the form of Effect's net modules. */
export const toInet = (address: PeerAddress): NetAddress.InetAddress =>
  NetAddress.inetAddressUnsafe(PeerIp.toIpAddress(address.ip), address.port)

/** The canonical form of an address that a socket reports. Its port is the socket's. */
export const fromInet = (address: NetAddress.InetAddress): PeerAddress => ({
  ip: PeerIp.fromIpAddress(address.address),
  port: address.port
})
