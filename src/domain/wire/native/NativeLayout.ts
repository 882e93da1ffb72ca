/** Shared by encoder and decoder of the native wire: kinds, sizes, codes, and the integers of a byte layout. */
import { Schema } from "effect"
import { SchemaBinary } from "effect/encoding"
import * as Limits from "../../Limits.ts"
import { headerBytes } from "../Frame.ts"

/** Frame kinds. Below 16: control frames, which overtake bulk data and exist before Up. Append only. */
export const Kind = {
  Hello: 1,
  Commit: 2,
  Ack: 3,
  Reject: 4,
  Ping: 5,
  Pong: 6,
  SameProcess: 7,
  Data: 16,
  Peers: 17,
  AskPeers: 18,
  AskDialBack: 19,
  DialBack: 20
} as const

/** Whether frames of this kind overtake bulk data. */
export const isControl = (kind: number): boolean => kind < 16

/** bytes. The fixed-size part of a Hello, before its texts. */
export const helloFixedBytes = 130
/** bytes. The part of a Reject before its address and text. */
export const rejectFixedBytes = 8
/** bytes. A `DialBack`: request, result, IP, port. */
export const dialBackBytes = 23
/** bytes. Channel number before a Data payload. */
export const dataFixedBytes = 2
/** bytes before a Data payload: the frame's header and the channel number. */
export const dataHeadBytes = headerBytes + dataFixedBytes
/** bytes. Maximum Data payload: with kind and channel it fills a frame. */
export const maxPayloadBytes = Limits.frameBytes - 1 - dataFixedBytes

/**
 * The body of `Peers`: addresses as their 16 bytes. Bounds are checked by hand after decoding. A schema that canonicalises and checks each
 * field would cost over twenty times as much, and a forming mesh decodes thousands of rows at once.
 */
export const peersCodec = SchemaBinary.toCodec(Schema.Struct({
  peers: Schema.Array(Schema.Struct({ ip: Schema.Uint8Array, port: Schema.Number }))
}))

export const u16 = (b: Uint8Array, at: number): number => ((b[at] ?? 0) << 8) | (b[at + 1] ?? 0)

export const u32 = (b: Uint8Array, at: number): number => u16(b, at) * 65_536 + u16(b, at + 2)

/** Joins and splits the halves of an integer without the integers in between, each of which would be an object. */
const halves = new DataView(new ArrayBuffer(8))

export const u64 = (b: Uint8Array, at: number): bigint => {
  halves.setUint32(0, u32(b, at))
  halves.setUint32(4, u32(b, at + 4))
  return halves.getBigUint64(0)
}

export const putU16 = (b: Uint8Array, at: number, n: number): void => {
  b[at] = n >>> 8
  b[at + 1] = n
}

export const putU32 = (b: Uint8Array, at: number, n: number): void => {
  putU16(b, at, n >>> 16)
  putU16(b, at + 2, n)
}

export const putU64 = (b: Uint8Array, at: number, n: bigint): void => {
  halves.setBigUint64(0, n)
  putU32(b, at, halves.getUint32(0))
  putU32(b, at + 4, halves.getUint32(4))
}
