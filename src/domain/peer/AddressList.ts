/**
 * Lists of peers as operators and older programs keep them, read into one address per peer.
 *
 * **Forms**: lines of `IP` or `IP:PORT`, with blank lines and `#` comments; a JSON array of such texts, or of objects with `address` (and
 * `port`, if the address has none); a JSON object with one such array in it; a JSON object per line.
 * **Merging**: programs that keyed peers by `IP:PORT` listed one node many times, once per connection it opened. Entries of one IP are one
 * peer. Its port is the network's if any entry has it (an entry without a port does), else one that a program may listen at: below the
 * range from which systems take the ports of outgoing connections.
 * **Errors**: an entry that cannot be read is refused, with its line and the reason; the others are kept.
 */
import { Result } from "effect"
import * as Limits from "../Limits.ts"
import * as PeerAddress from "./PeerAddress.ts"
import * as PeerIp from "./PeerIp.ts"

/** An entry that was not taken. */
export interface RefusedEntry {
  /** From 1. */
  readonly line: number
  /** The entry, cut at `Limits.refusedTextCharacters`. */
  readonly text: string
  readonly reason: string
}

/** A peer of the list, and the line of its first entry. */
export interface Listed {
  readonly address: PeerAddress.PeerAddress
  readonly line: number
  readonly text: string
}

export interface AddressList {
  /** Entries in all: `peers`, `merged` and `refused` together. */
  readonly read: number
  /** Entries of an IP that an earlier entry has. */
  readonly merged: number
  /** In order of their first entries. */
  readonly peers: ReadonlyArray<Listed>
  readonly refused: ReadonlyArray<RefusedEntry>
}

interface Entry {
  readonly line: number
  readonly text: string
  /** What is wrong with it, where that is known before its address is read. */
  readonly fault?: string
}

/** `networkPort`: where nodes of the network listen. */
export const read = (text: string, networkPort: number): AddressList => {
  const peers = new Map<PeerIp.PeerIp, Listed>()
  const refused: Array<RefusedEntry> = []
  let entries = 0
  let merged = 0
  for (const entry of entriesOf(text.replace(/^\uFEFF/, ""))) {
    entries += 1
    const address = addressOf(entry, networkPort)
    if (typeof address === "string") {
      refused.push({ line: entry.line, text: shortened(entry.text), reason: address })
      continue
    }
    const before = peers.get(address.ip)
    if (before === undefined) {
      peers.set(address.ip, { address, line: entry.line, text: shortened(entry.text) })
      continue
    }
    merged += 1
    const port = likelier(before.address.port, address.port, networkPort)
    if (port !== before.address.port) peers.set(address.ip, { ...before, address: { ip: address.ip, port } })
  }
  return { read: entries, merged, peers: [...peers.values()], refused }
}

/** Which of two ports a node more likely listens at; the first, if neither. */
export const likelier = (a: number, b: number, networkPort: number): number => {
  if (a === networkPort || b === networkPort) return networkPort
  return b < Limits.ephemeralPortLeast && a >= Limits.ephemeralPortLeast ? b : a
}

const shortened = (text: string): string =>
  text.length > Limits.refusedTextCharacters ? `${text.slice(0, Limits.refusedTextCharacters)}…` : text

/** The entry's address, or what is wrong with it. */
const addressOf = ({ fault, text }: Entry, networkPort: number): PeerAddress.PeerAddress | string => {
  if (fault !== undefined) return fault
  const read = PeerAddress.fromString(text, networkPort)
  if (Result.isFailure(read)) return read.failure.reason
  return PeerIp.classOf(read.success.ip) === "special" ? "not a unicast address" : read.success
}

const entriesOf = (text: string): Iterable<Entry> => {
  if (!/^\s*[[{]/.test(text)) return lines(text)
  try {
    return elements(text, JSON.parse(text))
  } catch {
    return lines(text)
  }
}

/** One entry per line; a line may be a JSON object. */
const lines = function*(text: string): Iterable<Entry> {
  for (const [at, raw] of text.split(/\r\n|\r|\n/).entries()) {
    const line = at + 1
    const content = raw.replace(/#.*$/, "").trim()
    if (content === "") continue
    if (!content.startsWith("{")) {
      yield { line, text: content }
      continue
    }
    try {
      yield { line, ...entryOf(JSON.parse(content)) }
    } catch {
      yield { line, text: content, fault: "not JSON; write IP, IP:PORT or {\"address\": \"IP:PORT\"}" }
    }
  }
}

/** The entries of a JSON value. */
const elements = function*(text: string, json: unknown): Iterable<Entry> {
  const list = listIn(json)
  if (list === undefined) return yield { line: 1, ...entryOf(json) }
  let from = 0
  let line = 1
  for (const element of list) {
    const entry = entryOf(element)
    // Where it stands, unless it is written in an unusual way: then where the one before stands.
    const at = text.indexOf(JSON.stringify(entry.key), from)
    if (at >= 0) {
      for (let i = text.indexOf("\n", from); i >= 0 && i < at; i = text.indexOf("\n", i + 1)) line += 1
      from = at
    }
    yield { line, ...entry }
  }
}

/** The array of peers in a JSON value: itself, or the only array that is a field of it. */
const listIn = (json: unknown): ReadonlyArray<unknown> | undefined => {
  if (Array.isArray(json)) return json
  if (typeof json !== "object" || json === null || "address" in json) return undefined
  const arrays = Object.values(json).filter((value) => Array.isArray(value))
  return arrays.length === 1 ? arrays[0] : undefined
}

/** `key`: as which it is looked for in the text. */
const entryOf = (element: unknown): { readonly text: string; readonly key: unknown; readonly fault?: string } => {
  if (typeof element === "string") return { text: element.trim(), key: element }
  const whole = JSON.stringify(element)
  if (typeof element !== "object" || element === null || !("address" in element)) {
    return { text: whole, key: element, fault: "no address; write \"IP:PORT\" or {\"address\": \"IP:PORT\"}" }
  }
  const { address } = element
  if (typeof address !== "string") return { text: whole, key: address, fault: "its address is not a text" }
  const given = "port" in element ? element.port : undefined
  if (typeof given !== "number" || hasPort(address)) return { text: address.trim(), key: address }
  const trimmed = address.trim()
  return {
    text: trimmed.includes(":") ? `[${trimmed.replace(/^\[|\]$/g, "")}]:${given}` : `${trimmed}:${given}`,
    key: address
  }
}

const hasPort = (address: string): boolean => /^(?:[^:]*|\[.*\]):\d+$/.test(address.trim())
