/**
 * Decodes the body of a native frame. Total: for any bytes the result is a message, `Unknown` or `BadBody`, never an exception. A message
 * satisfies the schema `Message`. Layouts: docs/PROTOCOL.md, "Frames".
 */
import { Result, Schema } from "effect"
import { type RejectReason, rejectReasons } from "../../DisconnectReason.ts"
import { hexText } from "../../hexText.ts"
import * as Limits from "../../Limits.ts"
import * as AliasProof from "../../peer/AliasProof.ts"
import * as PeerIp from "../../peer/PeerIp.ts"
import { dialBackResults } from "../../peer/Reach.ts"
import * as MasternodeMessage from "../MasternodeMessage.ts"
import { cleanText, type Extension, type Message, type Peers } from "../Message.ts"
import * as SyncMessage from "../SyncMessage.ts"
import type { BadBody, Decoded } from "../Wire.ts"
import {
  dataFixedBytes,
  dialBackBytes,
  helloFixedBytes,
  Kind,
  peersCodec,
  rejectFixedBytes,
  u16,
  u32,
  u64
} from "./NativeLayout.ts"

/** The message in `buffer[start, end)`, the body of a frame of `kind`. */
export const decode = (kind: number, buffer: Uint8Array, start: number, end: number): Decoded => {
  switch (kind) {
    case Kind.Data:
      return end - start < dataFixedBytes ? bad(kind, "shorter than its channel number") : {
        _tag: "Data",
        channel: u16(buffer, start),
        payload: new Uint8Array(
          buffer.buffer,
          buffer.byteOffset + start + dataFixedBytes,
          end - start - dataFixedBytes
        )
      }
    case Kind.Ping:
      return end - start === 8 ? { _tag: "Ping", nonce: u64(buffer, start) } : wrongLength(kind, 8, end - start)
    case Kind.Pong:
      return end - start === 8 ? { _tag: "Pong", nonce: u64(buffer, start) } : wrongLength(kind, 8, end - start)
    case Kind.SameProcess:
      return end - start === AliasProof.proofBytes
        ? { _tag: "SameProcess", proof: hexText(buffer, start, AliasProof.proofBytes) }
        : wrongLength(kind, AliasProof.proofBytes, end - start)
    case Kind.Peers:
      return decodePeers(buffer.subarray(start, end))
    case Kind.AskPeers:
      return end === start ? { _tag: "AskPeers" } : wrongLength(kind, 0, end - start)
    case Kind.AskDialBack:
      return end - start === 4
        ? { _tag: "AskDialBack", request: u32(buffer, start) }
        : wrongLength(kind, 4, end - start)
    case Kind.DialBack:
      return end - start === dialBackBytes
        ? {
          _tag: "DialBack",
          request: u32(buffer, start),
          result: dialBackResults[(buffer[start + 4] ?? 0) - 1] ?? "no-answer",
          ip: PeerIp.fromBytesAt(buffer, start + 5),
          port: u16(buffer, start + 21)
        }
        : wrongLength(kind, dialBackBytes, end - start)
    case Kind.Hello:
      return decodeHello(buffer.subarray(start, end))
    case Kind.Commit:
      return end - start === 32
        ? { _tag: "Commit", lower: PeerIp.fromBytesAt(buffer, start), higher: PeerIp.fromBytesAt(buffer, start + 16) }
        : wrongLength(kind, 32, end - start)
    case Kind.Ack:
      return end === start ? { _tag: "Ack" } : wrongLength(kind, 0, end - start)
    case Kind.Reject:
      return decodeReject(buffer.subarray(start, end))
    default:
      return decodeProtocol(kind, buffer.subarray(start, end))
  }
}

const decodeProtocol = (kind: number, body: Uint8Array): Decoded => {
  const decoded = SyncMessage.decode(kind, body) ?? MasternodeMessage.decode(kind, body)
  if (decoded === undefined) return { _tag: "Unknown", kind }
  return typeof decoded === "string" ? bad(kind, cleanText(decoded, 200)) : decoded
}

const bad = (kind: number, reason: string): BadBody => ({ _tag: "BadBody", kind, reason })

const wrongLength = (kind: number, expected: number, actual: number): BadBody =>
  bad(kind, `${actual} bytes instead of ${expected}`)

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true })

/** Ill-formed or unprintable text is repaired, not refused: it is for people, and must not hide what came with it. */
const textAt = (b: Uint8Array, at: number, bytes: number, maxBytes: number): string =>
  cleanText(utf8.decode(b.subarray(at, at + bytes)), maxBytes)

const decodeHello = (b: Uint8Array): Message | BadBody => {
  if (b.length < helloFixedBytes + 2) return bad(Kind.Hello, "too short")
  const tipHeight = u64(b, 86)
  if (tipHeight > Number.MAX_SAFE_INTEGER) return bad(Kind.Hello, "tip height over 2^53 - 1")
  const networkBytes = b[helloFixedBytes] ?? 0
  if (networkBytes < 1 || networkBytes > Limits.networkNameBytes) return bad(Kind.Hello, "length of the network name")
  const networkAt = helloFixedBytes + 1
  const softwareAt = networkAt + networkBytes + 1
  // Bytes beyond the body are not printable, so a truncated name ends here too.
  for (let i = networkAt; i < softwareAt - 1; i++) {
    const c = b[i] ?? 0
    if (c < 0x21 || c > 0x7e) return bad(Kind.Hello, "network name is not printable ASCII")
  }
  const softwareBytes = b[softwareAt - 1] ?? 0
  if (softwareBytes > Limits.softwareBytes) return bad(Kind.Hello, "length of the software name")
  const extensionsAt = softwareAt + softwareBytes
  if (extensionsAt > b.length) return bad(Kind.Hello, "too short for its software name")
  const extensions = decodeExtensions(b, extensionsAt)
  if (typeof extensions === "string") return bad(Kind.Hello, extensions)
  return {
    _tag: "Hello",
    protocol: u16(b, 0),
    rule: u16(b, 2),
    network: utf8.decode(b.subarray(networkAt, softwareAt - 1)),
    genesis: hexText(b, 4, 32),
    nonce: u64(b, 36),
    tag: hexText(b, 44, 16),
    process: hexText(b, 60, 8),
    peer: PeerIp.fromBytesAt(b, 68),
    listens: u16(b, 84),
    software: textAt(b, softwareAt, softwareBytes, Limits.softwareBytes),
    tipHeight: Number(tipHeight),
    tipHash: hexText(b, 94, 32),
    capabilities: u32(b, 126),
    extensions
  }
}

/** Extensions fill the rest of a Hello. Their bytes are copied: a Hello outlives its frame. */
const decodeExtensions = (b: Uint8Array, from: number): ReadonlyArray<Extension> | string => {
  if (b.length - from > Limits.helloExtensionsBytes) return "extensions too long"
  const extensions: Array<Extension> = []
  for (let at = from; at < b.length;) {
    if (extensions.length === Limits.helloExtensions) return "too many extensions"
    // Missing bytes of a truncated header read as 0, so it ends beyond the body too.
    const end = at + 4 + u16(b, at + 2)
    if (end > b.length) return "broken extension"
    // Not `slice`, which returns a view on a Buffer.
    extensions.push({ id: u16(b, at), bytes: new Uint8Array(b.subarray(at + 4, end)) })
    at = end
  }
  return extensions
}

const decodeReject = (b: Uint8Array): Message | BadBody => {
  if (b.length < rejectFixedBytes) return bad(Kind.Reject, "too short")
  const code = b[0] ?? 0
  const addressBytes = b[5] ?? 0
  const textBytes = u16(b, 6)
  if (addressBytes !== 0 && addressBytes !== 16) return bad(Kind.Reject, "length of the address")
  if (textBytes > Limits.rejectTextBytes) return bad(Kind.Reject, "length of the text")
  const textFrom = rejectFixedBytes + addressBytes
  if (b.length !== textFrom + textBytes) return wrongLength(Kind.Reject, textFrom + textBytes, b.length)
  const reason: RejectReason | undefined = rejectReasons[code - 1]
  const text = textAt(b, textFrom, textBytes, Limits.rejectTextBytes)
  return {
    _tag: "Reject",
    reason: reason ?? "operator",
    text: reason === undefined ? cleanText(`reason ${code}: ${text}`, Limits.rejectTextBytes) : text,
    retryAfterMs: u32(b, 1),
    ...(addressBytes === 0 ? {} : { address: PeerIp.fromBytesAt(b, rejectFixedBytes) })
  }
}

const decodePeersBody = Schema.decodeUnknownResult(peersCodec)

const decodePeers = (b: Uint8Array): Message | BadBody => {
  // Checked before decoding: rows may be far shorter on the wire than in memory.
  if (b.length > Limits.peersBodyBytes) return bad(Kind.Peers, `${b.length} bytes, over ${Limits.peersBodyBytes}`)
  const decoded = decodePeersBody(b)
  if (Result.isFailure(decoded)) return bad(Kind.Peers, cleanText(decoded.failure.message, 200))
  const rows = decoded.success.peers
  if (rows.length > Limits.peersPerMessage) {
    return bad(Kind.Peers, `${rows.length} peers, over ${Limits.peersPerMessage}`)
  }
  const peers: Array<Peers["peers"][number]> = []
  for (const { ip, port } of rows) {
    if (ip.length !== 16) return bad(Kind.Peers, `an address of ${ip.length} bytes`)
    if (!Number.isInteger(port) || port < 1 || port > 65_535) return bad(Kind.Peers, `port ${port}`)
    peers.push({ ip: PeerIp.fromBytesAt(ip, 0), port })
  }
  return { _tag: "Peers", peers }
}
