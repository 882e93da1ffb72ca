/** Frames of this protocol in tests: one made by hand, and streams cut into chunks. */
import { Arbitrary, Schema } from "effect"
import * as Limits from "../../src/domain/Limits.ts"
import * as Frame from "../../src/domain/wire/Frame.ts"

export const limit = Limits.frameBytes

export const frame = (kind: number, body: ReadonlyArray<number>): Uint8Array => {
  const bytes = Frame.allocate(kind, body.length)
  bytes.set(body, Frame.headerBytes)
  return bytes
}

export const split = (stream: Uint8Array, sizes: ReadonlyArray<number>): Array<Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  for (let at = 0, i = 0; at < stream.length; i++) {
    const size = sizes.length === 0 ? stream.length : sizes[i % sizes.length] ?? 1
    chunks.push(stream.subarray(at, at + size))
    at += size
  }
  return chunks
}

export const sizes = Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 60 }))))
