/**
 * Messages between peers: one union, independent of how a wire encodes them.
 *
 * **Shapes.** Plain tagged structs. The wire's decoder makes them without running these schemas, so it enforces every bound here itself.
 * Hashes, tags and process ids are lower-case hex. Texts carry no control, format or surrogate characters, because they end up in logs and
 * terminals.
 *
 * **Ownership.** `Data.payload` is a view into its frame's buffer, which may be reused once the read batch has been handled: copy what you
 * keep.
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
 * The text in the form allowed on the wire: unprintable characters become `?`, and it ends at the last whole character within `maxBytes` of
 * UTF-8.
 */
export const cleanText = (text: string, maxBytes: number): string => {
  const clean = text.replace(unprintable, "?")
  return clean.slice(0, encoder.encodeInto(clean, new Uint8Array(maxBytes)).read)
}

const text = (maxBytes: number) =>
  Schema.String.check(Schema.makeFilter((s) => cleanText(s, maxBytes) === s, {
    expected: `printable text of at most ${maxBytes} bytes of UTF-8`
  }))

/** A later version's addition to its Hello. Unknown ids are skipped. */
export const Extension = Schema.Struct({ id: uint(16), bytes: Schema.Uint8Array })
export type Extension = typeof Extension.Type

/** Bytes that extensions take in a Hello: each has a four-byte header. */
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
  /** Random for the life of the sender's process. If seen twice, we ask for a proof, because any host may copy it. */
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
  /** An unknown code reads as `operator`: the peer's own decision, with a retry as it asks. */
  reason: Schema.Literals(rejectReasons),
  text: text(Limits.rejectTextBytes),
  /** Requested wait before the next dial, ms. The receiver clamps it: `Handshake.clampRetry`. */
  retryAfterMs: uint(32),
  /** With `alias`: the address under which the sender already has the receiver. */
  address: Schema.optionalKey(PeerIp)
})
export type Reject = typeof Reject.Type

/** A liveness check, and the challenge of a live end. */
export const Ping = Schema.TaggedStruct("Ping", { nonce: u64 })
export type Ping = typeof Ping.Type

/** Answers the `Ping` with the same nonce. */
export const Pong = Schema.TaggedStruct("Pong", { nonce: u64 })
export type Pong = typeof Pong.Type

/**
 * The sender is also at the other end of another of the receiver's connections: its proof (`peer/AliasProof`). Meaningless to any other
 * receiver.
 */
export const SameProcess = Schema.TaggedStruct("SameProcess", { proof: hex(16) })
export type SameProcess = typeof SameProcess.Type

/** Bytes of an application channel. */
export const Data = Schema.TaggedStruct("Data", { channel: uint(16), payload: Schema.Uint8Array })
export type Data = typeof Data.Type

/** Asks for addresses: answered with `Peers`, if at all. */
export const AskPeers = Schema.TaggedStruct("AskPeers", {})
export type AskPeers = typeof AskPeers.Type

/** Listening addresses of other peers: the answer to `AskPeers`, and later gossip of newcomers. */
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

/** Result of that dial. An unknown result reads as `no-answer`. */
export const DialBack = Schema.TaggedStruct("DialBack", {
  request: uint(32),
  result: Schema.Literals(dialBackResults),
  /** The dialled address. */
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
