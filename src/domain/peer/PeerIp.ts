/**
 * The identity of a peer: its canonical IP address.
 *
 * A `PeerIp` is a text in canonical form: IPv4 dotted decimal, or IPv6 compressed lower case. IPv4-mapped IPv6 (`::ffff:a.b.c.d`) becomes
 * the IPv4 address; zone ids are refused. Addresses enter from sockets and from decoding (config, wire, disk), and both go through here. So
 * two `PeerIp`s are the same peer if and only if they are `===`. Order is numeric over the 16-byte form (IPv4 as `::ffff:a.b.c.d`), never
 * textual: as text, 10.0.0.10 sorts before 10.0.0.9.
 */
import { Brand, Data, Option, Result, Schema, SchemaTransformation } from "effect"
import { NetAddress } from "effect/net"

/** Canonical text of one IP address. Made only by this module. */
export type PeerIp = string & Brand.Brand<"timemesh/PeerIp">

const brand = Brand.nominal<PeerIp>()

/** The text is not a peer's IP address. */
export class PeerIpError extends Data.TaggedError("PeerIpError")<{
  readonly input: string
  /** `form`: it is no IP address. `zone`: it is one with a zone id. */
  readonly fault: "form" | "zone"
  /** In words for an operator. */
  readonly reason: string
}> {
  override get message() {
    return `"${this.input}" is not a peer's IP address: ${this.reason}`
  }
}

/** From where a peer's address can be reached. `special`: unspecified, multicast, broadcast or link-local, which is never a peer. */
export type IpClass = "loopback" | "private" | "routable" | "special"

/** IPv4 as every socket reports it: already canonical. A fast path, because a flood brings thousands a second. */
const canonicalIpv4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?=\d)|$)){4}$/

/** Parses an address in any spelling. Zone ids (`fe80::1%eth0`) and ports are refused. */
export const fromString = (text: string): Result.Result<PeerIp, PeerIpError> => {
  if (canonicalIpv4.test(text)) return Result.succeed(brand(text))
  if (text.includes("%")) {
    const reason = "zone ids name an interface of one host, not a peer"
    return Result.fail(new PeerIpError({ input: text, fault: "zone", reason }))
  }
  const parsed = NetAddress.ipFromString(text)
  return Result.isSuccess(parsed)
    ? Result.succeed(fromIpAddress(parsed.success))
    : Result.fail(new PeerIpError({ input: text, fault: "form", reason: "write it as 203.0.113.7 or 2001:db8::7" }))
}

/** As `fromString`, for texts known to be valid (constants, tests). Throws `PeerIpError`. */
export const fromStringUnsafe = (text: string): PeerIp => Result.getOrThrow(fromString(text))

/** The identity behind an address that a socket reports. */
export const fromIpAddress = (address: NetAddress.IpAddress): PeerIp =>
  brand(NetAddress.formatIp(NetAddress.toCanonical(address)))

/** The address in the form of Effect's net modules. IPv4 stays IPv4. */
export const toIpAddress = (ip: PeerIp): NetAddress.IpAddress => NetAddress.ipFromStringUnsafe(ip)

/** The 16 bytes of the address, network order; IPv4 as `::ffff:a.b.c.d`. */
export const toBytes = (ip: PeerIp): Uint8Array => {
  if (ip.includes(":")) {
    return Uint8Array.from(NetAddress.ipv6ToOctets(Result.getOrThrow(NetAddress.ipv6FromString(ip))))
  }
  // Canonical IPv4 needs no parser's checks, and ranking compares addresses often.
  const bytes = new Uint8Array(16)
  bytes[10] = bytes[11] = 255
  let at = 12
  let octet = 0
  for (let i = 0; i < ip.length; i++) {
    const c = ip.charCodeAt(i)
    if (c !== 46) octet = octet * 10 + c - 48
    else {
      bytes[at++] = octet
      octet = 0
    }
  }
  bytes[at] = octet
  return bytes
}

/** Reads the 16-byte form. `None` unless exactly 16 bytes. */
export const fromBytes = (bytes: Uint8Array): Option.Option<PeerIp> =>
  bytes.length === 16 ? Option.some(fromBytesAt(bytes, 0)) : Option.none()

/** Reads the 16 bytes from `at` on, which must be there. */
export const fromBytesAt = (bytes: Uint8Array, at: number): PeerIp =>
  isMapped(bytes, at)
    ? brand(`${bytes[at + 12]}.${bytes[at + 13]}.${bytes[at + 14]}.${bytes[at + 15]}`)
    : fromIpAddress(NetAddress.ipv6FromBytesUnsafe(bytes.subarray(at, at + 16)))

/** Whether the 16 bytes are an IPv4 address, `::ffff:a.b.c.d`. Most gossiped addresses are, and their text needs no parser. */
const isMapped = (bytes: Uint8Array, at: number): boolean => {
  for (let i = 0; i < 10; i++) if (bytes[at + i] !== 0) return false
  return bytes[at + 10] === 255 && bytes[at + 11] === 255
}

/** Numeric order over the 16-byte form: negative when `a` is the lower. */
export const compare = (a: PeerIp, b: PeerIp): number => {
  const x = toBytes(a)
  const y = toBytes(b)
  for (let i = 0; i < 16; i++) {
    const d = (x[i] ?? 0) - (y[i] ?? 0)
    if (d !== 0) return d
  }
  return 0
}

/** The schema of a `PeerIp`: canonical text only. For text in any spelling, use `FromString`. */
export const PeerIp = Schema.String.check(
  Schema.makeFilter((text) => Result.getOrUndefined(fromString(text)) === text, {
    expected: "a canonical IP address such as 203.0.113.7 or 2001:db8::7"
  })
).pipe(Schema.brand("timemesh/PeerIp"))

/** Decodes text in any spelling to the canonical form: for config, disk and wire. */
export const FromString = Schema.String.pipe(Schema.decodeTo(
  PeerIp,
  SchemaTransformation.transform({
    decode: (text: string) => Result.getOrElse(fromString(text), () => text),
    encode: (ip: string) => ip
  })
))

export const isIpv6 = (ip: PeerIp): boolean => ip.includes(":")

const linkLocal = /^(?:169\.254\.|fe[89ab][0-9a-f]:)/

/** Whether the address means another host on every link (fe80::/10, 169.254/16), so that it identifies none. By its canonical text. */
export const isLinkLocal = (ip: PeerIp): boolean => linkLocal.test(ip)

/** From where the address can be reached; RFC 1918, 4193 and RFC 6598 (100.64/10) count as private. */
export const classOf = (ip: PeerIp): IpClass => {
  if (!ip.includes(":")) return classOfIpv4(ip)
  const address = toIpAddress(ip)
  if (NetAddress.isLoopback(address)) return "loopback"
  if (NetAddress.isUnspecified(address) || NetAddress.isMulticast(address)) return "special"
  if (NetAddress.isLinkLocal(address)) return "special"
  return NetAddress.isIpv6Address(address) && NetAddress.isUniqueLocal(address) ? "private" : "routable"
}

/** By its first two octets. Gossip brings thousands of addresses, and the canonical form needs no parser's checks. */
const classOfIpv4 = (ip: PeerIp): IpClass => {
  const dot = ip.indexOf(".")
  const a = Number(ip.slice(0, dot))
  const b = Number(ip.slice(dot + 1, ip.indexOf(".", dot + 1)))
  // 0/8, link-local, multicast, reserved and broadcast.
  if (a === 0 || a >= 224 || (a === 169 && b === 254)) return "special"
  if (a === 127) return "loopback"
  const isPrivate = a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) ||
    (a === 100 && b >= 64 && b < 128)
  return isPrivate ? "private" : "routable"
}

/**
 * Whether an address of class `told` is useful to, and believed from, a peer of class `peer`. Private addresses are useless outside their
 * network, and loopback addresses mean something else on every host.
 */
export const isOfUse = (told: IpClass, peer: IpClass): boolean =>
  told === "routable" || told === peer || (told === "private" && peer === "loopback")

/**
 * The group that one network operator is likely to hold: /16 for IPv4, /32 for IPv6 (Bitcoin Core's rule without an AS
 * map). Text such as `203.0/16` or `2001:db8/32`.
 */
export const netgroup = (ip: PeerIp): string => {
  // In canonical form, the first two octets end at the second dot.
  if (!ip.includes(":")) return `${ip.slice(0, ip.indexOf(".", ip.indexOf(".") + 1))}/16`
  const [a, b] = NetAddress.ipv6ToSegments(Result.getOrThrow(NetAddress.ipv6FromString(ip)))
  return `${a.toString(16)}:${b.toString(16)}/32`
}

/**
 * Identifies the likely operator of an address. That is its netgroup; in private networks and on one host, where one operator has all
 * addresses, each address counts alone.
 */
export const operatorOf = (ip: PeerIp): string => classOf(ip) === "routable" ? netgroup(ip) : ip
