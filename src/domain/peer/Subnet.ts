/**
 * A block of addresses, such as `203.0.113.0/24` or `2001:db8::/32`, or a single address. It has one canonical text, like a `PeerIp`: IPv4
 * in any spelling is IPv4 (`::ffff:203.0.113.0/120` is `203.0.113.0/24`), host bits are cleared, and a block of one address is that
 * address.
 */
import { Brand, Data, Option, Result } from "effect"
import { hexText } from "../hexText.ts"
import * as Limits from "../Limits.ts"
import * as PeerIp from "./PeerIp.ts"

/** Canonical text. Made only by this module. */
export type Subnet = string & Brand.Brand<"timemesh/Subnet">

const brand = Brand.nominal<Subnet>()

/** A text that is not a subnet. `reason` says how to write one. */
export class SubnetError extends Data.TaggedError("SubnetError")<{ readonly input: string; readonly reason: string }> {
  override get message() {
    return `"${this.input}" is not an address or a block of addresses: ${this.reason}`
  }
}

/** Number of bits in an address of the family. */
const bitsOf = (ip: PeerIp.PeerIp): number => PeerIp.isIpv6(ip) ? 128 : 32

const example = "write it as 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32"

/** Parses an address or a subnet in any spelling. */
export const fromString = (text: string): Result.Result<Subnet, SubnetError> => {
  const wrong = (reason: string) => Result.fail(new SubnetError({ input: text, reason }))
  const [address = "", bits, ...rest] = text.trim().split("/")
  const ip = Result.getOrUndefined(PeerIp.fromString(address))
  if (ip === undefined || rest.length > 0) return wrong(example)
  const all = bitsOf(ip)
  if (bits === undefined) return Result.succeed(of(ip, all))
  if (!/^\d{1,3}$/.test(bits)) return wrong(example)
  const isMapped = all === 32 && address.includes(":")
  const length = Number(bits) - (isMapped ? 96 : 0)
  if (length > all) return wrong(`a prefix length is at most ${isMapped ? 128 : all}`)
  const least = all === 32 ? Limits.subnetIpv4Least : Limits.subnetIpv6Least
  if (length < least) {
    return wrong(
      `a prefix length is at least ${isMapped ? least + 96 : least}, since a wider block is most of the network`
    )
  }
  return Result.succeed(of(ip, length))
}

/** As `fromString`, for texts known to be valid. Throws `SubnetError`. */
export const fromStringUnsafe = (text: string): Subnet => Result.getOrThrow(fromString(text))

/** The subnet of one address. */
export const ofOne = (ip: PeerIp.PeerIp): Subnet => brand(ip)

/** The subnet of prefix length `length` that contains an address. */
export const of = (ip: PeerIp.PeerIp, length: number): Subnet => {
  const all = bitsOf(ip)
  if (length >= all) return brand(ip)
  const bytes = PeerIp.toBytes(ip)
  const first = all === 32 ? 96 : 0
  for (let i = first / 8; i < 16; i++) {
    const kept = Math.min(8, Math.max(0, first + length - 8 * i))
    bytes[i] = (bytes[i] ?? 0) & (0xff << (8 - kept))
  }
  const network = Option.getOrThrow(PeerIp.fromBytes(bytes))
  return brand(`${network}/${length}`)
}

export interface Parts {
  /** The lowest address of the subnet. */
  readonly ip: PeerIp.PeerIp
  /** Prefix length. */
  readonly length: number
  readonly isOne: boolean
}

export const parts = (subnet: Subnet): Parts => {
  const [address = "", bits] = subnet.split("/")
  const ip = PeerIp.fromStringUnsafe(address)
  return bits === undefined
    ? { ip, length: bitsOf(ip), isOne: true }
    : { ip, length: Number(bits), isOne: false }
}

/** An address in a form from which prefixes are cut quickly: IPv4 as a number, IPv6 as 32 hex digits. */
export type Digits = number | string

export const digitsOf = (ip: PeerIp.PeerIp): Digits => {
  const bytes = PeerIp.toBytes(ip)
  return PeerIp.isIpv6(ip) ? hexText(bytes) : new DataView(bytes.buffer).getUint32(12)
}

/** The common value of all addresses of a family with the same first `length` bits (1 or more): subnets of that length are equal if this is. */
export const prefixOf = (digits: Digits, length: number): Digits => {
  if (typeof digits === "number") return digits >>> (32 - length)
  const whole = digits.slice(0, length >> 2)
  const left = length & 3
  return left === 0 ? whole : `${whole}-${Number.parseInt(digits.charAt(length >> 2), 16) >> (4 - left)}`
}

export const contains = (subnet: Subnet, ip: PeerIp.PeerIp): boolean => {
  const { ip: first, isOne, length } = parts(subnet)
  if (isOne) return first === ip
  return PeerIp.isIpv6(first) === PeerIp.isIpv6(ip) &&
    prefixOf(digitsOf(first), length) === prefixOf(digitsOf(ip), length)
}

/** Orders subnets by their lowest address, then the wider before the narrower, when compared as text. */
export const sortKey = (subnet: Subnet): string => {
  const { ip, length } = parts(subnet)
  return `${hexText(PeerIp.toBytes(ip))}${String(length).padStart(3, "0")}`
}
