/**
 * Lists of peers as operators and older programs keep them, parsed into one address per peer.
 *
 * **Forms**: lines of `IP` or `IP:PORT`, with blank lines and `#` comments; a JSON array of such texts, or of objects with `address` or
 * `ip` (and `port`, if the address has none); a JSON object whose keys are addresses; a JSON object that contains such a list, in its field
 * `peers` if there are several; a JSON text or object per line.
 * **Merging**: programs that keyed peers by `IP:PORT` listed one node many times, once per connection it opened. Entries of one IP are one
 * peer. Its port is the network's if any entry has it (an entry without a port does). Otherwise it is a plausible listening port, below the
 * range from which systems take ports for outgoing connections.
 * **Errors**: an unreadable entry is refused, with its line and the reason; the others are kept.
 */
import { Result } from "effect"
import * as Limits from "../Limits.ts"
import * as PeerAddress from "./PeerAddress.ts"
import * as PeerIp from "./PeerIp.ts"

/** A refused entry. */
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
  /** Total entries: `peers`, `merged` and `refused` together. */
  readonly read: number
  /** Entries whose IP an earlier entry already has. */
  readonly merged: number
  /** In order of their first entries. */
  readonly peers: ReadonlyArray<Listed>
  readonly refused: ReadonlyArray<RefusedEntry>
}

interface Entry {
  readonly line: number
  readonly text: string
  /** What is wrong with it, if that is known before its address is parsed. */
  readonly fault?: string
}

/** `networkPort`: the network's default listening port. */
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
    peers.set(address.ip, { ...before, address: { ip: address.ip, port } })
  }
  return { read: entries, merged, peers: [...peers.values()], refused }
}

/** Which of two ports a node more likely listens on; the first if equally likely. */
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
    const comment = raw.indexOf("#")
    const content = (comment < 0 ? raw : raw.slice(0, comment)).trim()
    if (content === "") continue
    if (!/^[{"]/.test(content)) {
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
  const lineOf = lineFinder(text)
  for (const { element, field } of listed(json)) {
    const { key, ...entry } = entryOf(element)
    const line = lineOf(key)
    yield field === undefined ? { line, ...entry } : { ...entry, line, fault: `it is in "${field}", not in "peers"` }
  }
}

/**
 * Returns a function that finds the line of each key of a JSON text, called in order. For a key written unusually, it returns the previous
 * key's line. Each such miss searches the rest of the text, so after `Limits.addressListMisses` it stops searching.
 */
const lineFinder = (text: string): (key: unknown) => number => {
  let from = 0
  let line = 1
  let misses = 0
  return (key) => {
    const written = misses < Limits.addressListMisses ? jsonOf(key) : undefined
    const at = written === undefined ? -1 : text.indexOf(written, from)
    if (at < 0) {
      misses += 1
      return line
    }
    for (let i = text.indexOf("\n", from); i >= 0 && i < at; i = text.indexOf("\n", i + 1)) line += 1
    from = at
    return line
  }
}

/** `field`: the element comes from a list other than the one that is read. */
interface Element {
  readonly element: unknown
  readonly field?: string
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Whether a program that keyed its peers by `IP:PORT` wrote this value. */
const isKeyed = (value: unknown): value is Readonly<Record<string, unknown>> =>
  isObject(value) && Object.keys(value).some((key) => Result.isSuccess(PeerAddress.fromString(key.trim(), 1)))

const asList = (value: unknown): ReadonlyArray<unknown> | undefined =>
  Array.isArray(value) ? value : isKeyed(value) ? Object.keys(value) : undefined

/** The list in a JSON value: the value itself, or one of its fields. */
const listed = (json: unknown, deeper = Limits.addressListDepth): ReadonlyArray<Element> => {
  const whole = asList(json)
  if (whole !== undefined) return whole.map((element) => ({ element }))
  if (!isObject(json) || addressIn(json) !== undefined) return [{ element: json }]
  const lists = Object.entries(json).flatMap(([field, value]) => {
    const list = asList(value)
    return list === undefined ? [] : [{ field, list }]
  })
  const [inner, ...others] = Object.values(json).filter(isObject)
  if (lists.length === 0 && inner !== undefined && others.length === 0 && deeper > 0) return listed(inner, deeper - 1)
  if (lists.length === 0) return [{ element: json }]
  return lists.flatMap(({ field, list }) =>
    list.map((element) => lists.length === 1 || field === "peers" ? { element } : { element, field })
  )
}

const addressIn = (element: Readonly<Record<string, unknown>>): unknown => element["address"] ?? element["ip"]

/** `undefined` if the value is nested too deeply to serialise. */
const jsonOf = (value: unknown): string | undefined => Result.getOrUndefined(Result.try(() => JSON.stringify(value)))

const whatToWrite = "write \"IP:PORT\" or {\"address\": \"IP:PORT\"}"

/** `key`: the text by which the entry's line is looked up. */
const entryOf = (element: unknown): { readonly text: string; readonly key: unknown; readonly fault?: string } => {
  if (typeof element === "string") return { text: element.trim(), key: element }
  const refused = (key: unknown, fault: string) => ({ text: jsonOf(element) ?? "a deeply nested list", key, fault })
  if (!isObject(element)) return refused(element, `no address; ${whatToWrite}`)
  const address = addressIn(element)
  if (address === undefined || address === null) return refused(element, `no address; ${whatToWrite}`)
  if (typeof address !== "string") return refused(address, "its address is not a text")
  const trimmed = address.trim()
  const given = element["port"] ?? undefined
  if (given === undefined || hasPort(trimmed)) return { text: trimmed, key: address }
  const port = typeof given === "string" && /^\d{1,5}$/.test(given) ? Number(given) : given
  if (typeof port !== "number" || !Number.isInteger(port) || port < 1 || port > 65_535) {
    return refused(address, "its port is not 1 to 65535")
  }
  return {
    text: trimmed.includes(":") ? `[${trimmed.replace(/^\[|\]$/g, "")}]:${port}` : `${trimmed}:${port}`,
    key: address
  }
}

const hasPort = (address: string): boolean => /^(?:[^:]*|\[.*\]):\d+$/.test(address)
