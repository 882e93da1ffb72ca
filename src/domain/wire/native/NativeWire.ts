/** `timemesh/1` as a `Wire`: length-prefixed frames of a kind and a body (docs/PROTOCOL.md section 3). */
import * as Limits from "../../Limits.ts"
import { FrameReader } from "../Frame.ts"
import type { Decoded, Next, Wire, WireReader } from "../Wire.ts"
import * as NativeDecoder from "./NativeDecoder.ts"
import * as NativeEncoder from "./NativeEncoder.ts"
import { dataFixedBytes, Kind, maxPayloadBytes, u16 } from "./NativeLayout.ts"

/** Is a `FrameReader`, instead of having one: an object less per connection, a call less per frame. */
class NativeReader extends FrameReader implements WireReader {
  channel = 0

  read(limit: number): Next {
    const next = this.next(limit)
    if (next !== "frame") return next === "bad" ? "malformed" : "none"
    if (this.kind !== Kind.Data || this.end - this.start < dataFixedBytes) return "message"
    this.channel = u16(this.buffer, this.start)
    return "data"
  }

  payload(): Uint8Array {
    const { buffer, end, start } = this
    const from = start + dataFixedBytes
    return new Uint8Array(buffer.buffer, buffer.byteOffset + from, end - from)
  }

  message(): Decoded {
    return NativeDecoder.decode(this.kind, this.buffer, this.start, this.end)
  }

  fault(limit: number): string {
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
