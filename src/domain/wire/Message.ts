/**
 * What peers say to each other: one union, independent of how a wire writes it.
 *
 * **Shapes.** Plain tagged structs; the wire's decoder makes them without running these schemas, so every bound here is
 * also in the decoder. Hashes, tags and process ids are lower-case hex. Texts carry no control, format or surrogate
 * characters: they end up in logs and terminals.
 *
 * **Ownership.** `Data.payload` is a view into the buffer the frame came in, and that buffer may be used again once the read
 * batch has been handled: copy what is kept.
 */
import { Schema } from "effect"
import { rejectReasons } from "../DisconnectReason.ts"
import * as Limits from "../Limits.ts"
import { PeerIp } from "../peer/PeerIp.ts"
import { dialBackResults } from "../peer/Reach.ts"
import { MasternodeMessage } from "./MasternodeMessage.ts"
import { SyncMessage } from "./SyncMessage.ts"

const hex = (bytes: number) => Schema.String.check(Schema.isPattern(new RegExp(`^[0-9a-f]{${bytes * 2}}$`)))
const uint = (bits: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** bits - 1 }))
const u64 = Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: 0n, maximum: 2n ** 64n - 1n }))

const encoder = new TextEncoder()
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/**
 * The text as it may go over the wire: unprintable characters become `?`, and it ends at the last whole character
 * within `maxBytes` of UTF-8.
 */
export const cleanText = (text: string, maxBytes: number): string => {
  const clean = text.replace(unprintable, "?")
  return clean.slice(0, encoder.encodeInto(clean, new Uint8Array(maxBytes)).read)
}

const text = (maxBytes: number) =>
  Schema.String.check(Schema.makeFilter((s) => cleanText(s, maxBytes) === s, {
    expected: `printable text of at most ${maxBytes} bytes of UTF-8`
  }))

/** Something a later version says in its Hello. Unknown ids are skipped. */
export const Extension = Schema.Struct({ id: uint(16), bytes: Schema.Uint8Array })
export type Extension = typeof Extension.Type

/** Bytes that extensions take in a Hello: each has a head of four. */
export const extensionsBytes = (extensions: ReadonlyArray<Extension>): number =>
  extensions.reduce((sum, extension) => sum + 4 + extension.bytes.length, 0)

/** The first frame of each end, exactly once. */
export const Hello = Schema.TaggedStruct("Hello", {
  protocol: uint(16),
  rule: uint(16),
  network: Schema.String.check(Schema.isPattern(new RegExp(`^[!-~]{1,${Limits.networkNameBytes}}$`))),
  genesis: hex(32),
  /** Fresh per socket. */
  nonce: u64,
  /** Instance tag: stable for the life of the sender's process towards this peer, meaningless to others. */
  tag: hex(16),
  /** Random for the life of the sender's process. Seen twice, it makes us ask for a proof; anyone may copy it. */
  process: hex(8),
  /** The receiver's IP as the sender dialled or observed it. */
  peer: PeerIp,
  /** Listening port; 0: does not listen. */
  listens: uint(16),
  software: text(Limits.softwareBytes),
  tipHeight: Schema.Natural,
  tipHash: hex(32),
  /** Bit set; unknown bits are ignored. */
  capabilities: uint(32),
  extensions: Schema.Array(Extension).check(
    Schema.isMaxLength(Limits.helloExtensions),
    Schema.makeFilter((extensions) => extensionsBytes(extensions) <= Limits.helloExtensionsBytes, {
      expected: `extensions of at most ${Limits.helloExtensionsBytes} bytes`
    })
  )
})
export type Hello = typeof Hello.Type

/** The lower peer's decision for this socket, with the pair as it sees it. */
export const Commit = Schema.TaggedStruct("Commit", { lower: PeerIp, higher: PeerIp })
export type Commit = typeof Commit.Type

/** The higher peer's answer to `Commit`. */
export const Ack = Schema.TaggedStruct("Ack", {})
export type Ack = typeof Ack.Type

export const Reject = Schema.TaggedStruct("Reject", {
  /** A code this version does not know reads as `operator`: the peer's own decision, to be retried as it says. */
  reason: Schema.Literals(rejectReasons),
  text: text(Limits.rejectTextBytes),
  /** Asked wait before the next dial, ms. The receiver clamps it: `Handshake.clampRetry`. */
  retryAfterMs: uint(32),
  /** With `alias`: the address under which the sender already has the receiver. */
  address: Schema.optionalKey(PeerIp)
})
export type Reject = typeof Reject.Type

/** Liveness, and the challenge of a live end. */
export const Ping = Schema.TaggedStruct("Ping", { nonce: u64 })
export type Ping = typeof Ping.Type

/** Answers the `Ping` with the same nonce. */
export const Pong = Schema.TaggedStruct("Pong", { nonce: u64 })
export type Pong = typeof Pong.Type

/**
 * The sender is at the other end of another connection of the receiver's too: its proof (`peer/Sameness`). Tells nothing to who
 * is not.
 */
export const SameProcess = Schema.TaggedStruct("SameProcess", { proof: hex(16) })
export type SameProcess = typeof SameProcess.Type

/** Bytes of an application channel. */
export const Data = Schema.TaggedStruct("Data", { channel: uint(16), payload: Schema.Uint8Array })
export type Data = typeof Data.Type

/** Asks for addresses: answered with `Peers`, if at all. */
export const AskPeers = Schema.TaggedStruct("AskPeers", {})
export type AskPeers = typeof AskPeers.Type

/** Where others listen: the answer to `AskPeers`, and newcomers later. */
export const Peers = Schema.TaggedStruct("Peers", {
  peers: Schema.Array(Schema.Struct({
    ip: PeerIp,
    port: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65535 }))
  })).check(Schema.isMaxLength(Limits.peersPerMessage))
})
export type Peers = typeof Peers.Type

/** Asks the peer to dial the sender back, at the address of this socket and the port of the sender's Hello. */
export const AskDialBack = Schema.TaggedStruct("AskDialBack", { request: uint(32) })
export type AskDialBack = typeof AskDialBack.Type

/** How that dial went. A result that this version does not know reads as `no-answer`. */
export const DialBack = Schema.TaggedStruct("DialBack", {
  request: uint(32),
  result: Schema.Literals(dialBackResults),
  /** Where the dial went. */
  ip: PeerIp,
  port: uint(16)
})
export type DialBack = typeof DialBack.Type

export const Message = Schema.Union([
  Hello,
  Commit,
  Ack,
  Reject,
  Ping,
  Pong,
  SameProcess,
  Data,
  Peers,
  AskPeers,
  AskDialBack,
  DialBack,
  ...SyncMessage.members,
  ...MasternodeMessage.members
])
export type Message = typeof Message.Type
