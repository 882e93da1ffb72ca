/**
 * Encodes messages as native frames, header included. Layouts: docs/PROTOCOL.md, "Frames".
 *
 * **Shapes.** Every message but a long `Data` is one fresh buffer. Texts are cleaned and cut to their bounds. A message that breaks another
 * bound of its schema is the caller's bug and throws.
 *
 * **Ownership.** A long `Data` payload is not copied: do not write to it until it is sent.
 */
import { Result, Schema } from "effect"
import { Hex } from "effect/encoding"
import { rejectReasons } from "../../DisconnectReason.ts"
import * as Limits from "../../Limits.ts"
import * as AliasProof from "../../peer/AliasProof.ts"
import * as PeerIp from "../../peer/PeerIp.ts"
import { dialBackResults } from "../../peer/Reach.ts"
import * as Frame from "../Frame.ts"
import * as MasternodeMessage from "../MasternodeMessage.ts"
import * as Message from "../Message.ts"
import * as SyncMessage from "../SyncMessage.ts"
import type { Allocator, DataBatch } from "../Wire.ts"
import {
  dataFixedBytes,
  dataHeadBytes,
  dialBackBytes,
  helloFixedBytes,
  Kind,
  maxPayloadBytes,
  peersCodec,
  putU16,
  putU32,
  putU64,
  rejectFixedBytes
} from "./NativeLayout.ts"

const body = Frame.headerBytes
const utf8 = new TextEncoder()

const putHex = (into: Uint8Array, at: number, hex: string): void => into.set(Result.getOrThrow(Hex.decode(hex)), at)

export const encodeHello = (hello: Message.Hello): Uint8Array => {
  const network = utf8.encode(hello.network)
  const software = utf8.encode(Message.cleanText(hello.software, Limits.softwareBytes))
  const extensionsAt = helloFixedBytes + 1 + network.length + 1 + software.length
  const b = Frame.allocate(Kind.Hello, extensionsAt + Message.extensionsBytes(hello.extensions))
  putU16(b, body, hello.protocol)
  putU16(b, body + 2, hello.rule)
  putHex(b, body + 4, hello.genesis)
  putU64(b, body + 36, hello.nonce)
  putHex(b, body + 44, hello.tag)
  putHex(b, body + 60, hello.process)
  b.set(PeerIp.toBytes(hello.peer), body + 68)
  putU16(b, body + 84, hello.listens)
  putU64(b, body + 86, BigInt(hello.tipHeight))
  putHex(b, body + 94, hello.tipHash)
  putU32(b, body + 126, hello.capabilities)
  b[body + helloFixedBytes] = network.length
  b.set(network, body + helloFixedBytes + 1)
  b[body + helloFixedBytes + 1 + network.length] = software.length
  b.set(software, body + helloFixedBytes + 2 + network.length)
  let at = body + extensionsAt
  for (const { bytes, id } of hello.extensions) {
    putU16(b, at, id)
    putU16(b, at + 2, bytes.length)
    b.set(bytes, at + 4)
    at += 4 + bytes.length
  }
  return b
}

export const encodeCommit = (commit: Message.Commit): Uint8Array => {
  const b = Frame.allocate(Kind.Commit, 32)
  b.set(PeerIp.toBytes(commit.lower), body)
  b.set(PeerIp.toBytes(commit.higher), body + 16)
  return b
}

export const encodeAck = (): Uint8Array => Frame.allocate(Kind.Ack, 0)

export const encodeReject = (reject: Message.Reject): Uint8Array => {
  const address = reject.address === undefined ? new Uint8Array(0) : PeerIp.toBytes(reject.address)
  const text = utf8.encode(Message.cleanText(reject.text, Limits.rejectTextBytes))
  const b = Frame.allocate(Kind.Reject, rejectFixedBytes + address.length + text.length)
  b[body] = rejectReasons.indexOf(reject.reason) + 1
  putU32(b, body + 1, reject.retryAfterMs)
  b[body + 5] = address.length
  putU16(b, body + 6, text.length)
  b.set(address, body + rejectFixedBytes)
  b.set(text, body + rejectFixedBytes + address.length)
  return b
}

const encodeNonce = (kind: number, nonce: bigint): Uint8Array => {
  const b = Frame.allocate(kind, 8)
  putU64(b, body, nonce)
  return b
}

export const encodePing = (nonce: bigint): Uint8Array => encodeNonce(Kind.Ping, nonce)
export const encodePong = (nonce: bigint): Uint8Array => encodeNonce(Kind.Pong, nonce)

export const encodeSameProcess = (proof: string): Uint8Array => {
  const b = Frame.allocate(Kind.SameProcess, AliasProof.proofBytes)
  putHex(b, body, proof)
  return b
}

const encodePeersBody = Schema.encodeSync(peersCodec)

/** At most `Limits.peersPerMessage` peers; more throw. */
export const encodePeers = (peers: Message.Peers["peers"]): Uint8Array => {
  if (peers.length > Limits.peersPerMessage) throw new RangeError(`${peers.length} peers fit no message`)
  const bytes = encodePeersBody({ peers: peers.map(({ ip, port }) => ({ ip: PeerIp.toBytes(ip), port })) })
  const b = Frame.allocate(Kind.Peers, bytes.length)
  b.set(bytes, body)
  return b
}

export const encodeAskPeers = (): Uint8Array => Frame.allocate(Kind.AskPeers, 0)

export const encodeAskDialBack = (request: number): Uint8Array => {
  const b = Frame.allocate(Kind.AskDialBack, 4)
  putU32(b, body, request)
  return b
}

export const encodeDialBack = ({ ip, port, request, result }: Message.DialBack): Uint8Array => {
  const b = Frame.allocate(Kind.DialBack, dialBackBytes)
  putU32(b, body, request)
  b[body + 4] = dialBackResults.indexOf(result) + 1
  b.set(PeerIp.toBytes(ip), body + 5)
  putU16(b, body + 21, port)
  return b
}

const checkPayload = (payload: Uint8Array): void => {
  if (payload.length > maxPayloadBytes) throw new RangeError(`payload of ${payload.length} bytes fits no frame`)
}

const putData = (into: Uint8Array, at: number, channel: number, payload: Uint8Array): number => {
  Frame.writeHeader(into, at, Kind.Data, dataFixedBytes + payload.length)
  putU16(into, at + Frame.headerBytes, channel)
  return at + dataHeadBytes
}

/** One buffer if the payload is short (`Limits.copyPayloadBytes`); else header and payload, which stays uncopied. */
export const encodeData = (
  channel: number,
  payload: Uint8Array
): readonly [Uint8Array] | readonly [Uint8Array, Uint8Array] => {
  checkPayload(payload)
  const short = payload.length < Limits.copyPayloadBytes
  const b = new Uint8Array(short ? dataHeadBytes + payload.length : dataHeadBytes)
  const at = putData(b, 0, channel, payload)
  if (!short) return [b, payload]
  b.set(payload, at)
  return [b]
}

const fresh: Allocator = { allocate: (bytes) => new Uint8Array(bytes) }

/**
 * Short payloads of one channel, from the `from`th on, as frames in one buffer: one write. Takes about `Limits.dataBatchBytes`, and stops
 * at a long payload, so it takes none if the first is long. All are copied.
 */
export const encodeDataBatch = (
  channel: number,
  payloads: ReadonlyArray<Uint8Array>,
  from: number = 0,
  allocator: Allocator = fresh
): DataBatch => {
  let bytes = 0
  let to = from
  for (; to < payloads.length && bytes < Limits.dataBatchBytes; to++) {
    const { length } = payloads[to] as Uint8Array
    if (length >= Limits.copyPayloadBytes) break
    bytes += dataHeadBytes + length
  }
  const frame = allocator.allocate(bytes)
  let at = 0
  for (let index = from; index < to; index++) {
    const payload = payloads[index] as Uint8Array
    at = putData(frame, at, channel, payload)
    frame.set(payload, at)
    at += payload.length
  }
  return { frame, count: to - from }
}

/** One buffer if the body is short; else header and body separately. The body is copied from its source. */
export const encodeSync = (
  message: SyncMessage.SyncMessage
): readonly [Uint8Array] | readonly [Uint8Array, Uint8Array] => {
  const { body: bytes, kind } = SyncMessage.encode(message)
  if (bytes.length > Limits.frameBytes - 1) throw new RangeError(`a body of ${bytes.length} bytes fits no frame`)
  const short = bytes.length < Limits.copyPayloadBytes
  const b = new Uint8Array(body + (short ? bytes.length : 0))
  Frame.writeHeader(b, 0, kind, bytes.length)
  if (!short) return [b, bytes.slice()]
  b.set(bytes, body)
  return [b]
}

export const encodeMasternodes = (message: MasternodeMessage.MasternodeMessage): Uint8Array => {
  const bytes = MasternodeMessage.encode(message)
  const b = Frame.allocate(MasternodeMessage.MasternodeKind[message._tag], bytes.length)
  b.set(bytes, body)
  return b
}

/** Encodes any message as buffers to write, in order. */
export const encode = (message: Message.Message): readonly [Uint8Array] | readonly [Uint8Array, Uint8Array] => {
  switch (message._tag) {
    case "Hello":
      return [encodeHello(message)]
    case "Commit":
      return [encodeCommit(message)]
    case "Ack":
      return [encodeAck()]
    case "Reject":
      return [encodeReject(message)]
    case "Ping":
      return [encodePing(message.nonce)]
    case "Pong":
      return [encodePong(message.nonce)]
    case "SameProcess":
      return [encodeSameProcess(message.proof)]
    case "Data":
      return encodeData(message.channel, message.payload)
    case "Peers":
      return [encodePeers(message.peers)]
    case "AskPeers":
      return [encodeAskPeers()]
    case "AskDialBack":
      return [encodeAskDialBack(message.request)]
    case "DialBack":
      return [encodeDialBack(message)]
    case "OwnMasternode":
    case "Masternodes":
    case "SeenMasternodes":
      return [encodeMasternodes(message)]
    default:
      return encodeSync(message)
  }
}
