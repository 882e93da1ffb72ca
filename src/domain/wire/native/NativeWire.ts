/** `timemesh/1` as a `Wire`: length-prefixed frames of a kind and a body (docs/PROTOCOL.md section 3). */
import * as Limits from "../../Limits.ts"
import * as TransportText from "../../TransportText.ts"
import { FrameReader, headerBytes } from "../Frame.ts"
import type { Decoded, Next, Wire, WireReader } from "../Wire.ts"
import * as NativeDecoder from "./NativeDecoder.ts"
import * as NativeEncoder from "./NativeEncoder.ts"
import { dataFixedBytes, dataHeadBytes, Kind, maxPayloadBytes, u16, u32 } from "./NativeLayout.ts"

const view = (bytes: Uint8Array, from: number, to: number): Uint8Array =>
  new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from)

/** The first three bytes of a TLS record, as they would read in a length: alert or handshake, version 3.1 or 3.3. */
const tlsHeads: ReadonlySet<number> = new Set([0x150301, 0x150303, 0x160301, 0x160303])

/** Extends `FrameReader` instead of containing one: one object fewer per connection, one call fewer per frame. */
class NativeReader extends FrameReader implements WireReader {
  channel = 0

  read(limit: number): Next {
    const next = this.next(limit)
    if (next !== "frame") return next === "bad" ? "malformed" : "none"
    if (this.kind !== Kind.Data || this.end - this.start < dataFixedBytes) return "message"
    this.channel = u16(this.buffer, this.start)
    return "data"
  }

  /** One loop over the chunk that updates the reader only at its end: most of what a busy connection receives passes here. */
  payloads(limit: number, into: Array<Uint8Array>): number {
    const { channel, chunk } = this
    const { buffer, byteOffset, length: end } = chunk
    into.push(view(this.buffer, this.start + dataFixedBytes, this.end))
    let count = 1
    let at = this.position
    while (end - at >= dataHeadBytes) {
      const length = u32(chunk, at)
      const next = at + 4 + length
      const isNext = chunk[at + 4] === Kind.Data && length > dataFixedBytes && length <= limit && next <= end
      if (!isNext || u16(chunk, at + headerBytes) !== channel) break
      into.push(new Uint8Array(buffer, byteOffset + at + dataHeadBytes, length - 1 - dataFixedBytes))
      count += 1
      at = next
    }
    this.unread -= at - this.position
    this.position = at
    return count
  }

  get bodyBytes(): number {
    return this.end - this.start
  }

  message(): Decoded {
    return NativeDecoder.decode(this.kind, this.buffer, this.start, this.end)
  }

  fault(limit: number): string {
    // A TLS alert or handshake: what a TLS endpoint sends to a peer that does not speak TLS.
    if (tlsHeads.has(this.badLength >>> 8)) {
      return TransportText.tlsThere
    }
    return this.badLength === 0 ? "frame length 0" : `frame length ${this.badLength} exceeds limit ${limit}`
  }
}

export const NativeWire: Wire = {
  name: "timemesh/1",
  limits: { beforeUp: Limits.frameBeforeUpBytes, up: Limits.frameBytes, payload: maxPayloadBytes },
  reader: (allocate) => new NativeReader(allocate),
  encode: NativeEncoder.encode,
  encodeData: NativeEncoder.encodeData,
  encodeDataBatch: NativeEncoder.encodeDataBatch
}
