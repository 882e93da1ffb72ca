/**
 * The frames of the bare baseline: u32 big-endian length of what follows, u8 kind, u16 channel, payload. Written for speed:
 * small messages are copied into one block per batch, large ones go out uncopied behind their head; received payloads are
 * views into the chunk they came in, and only the frame that straddles two chunks is copied.
 */

/** bytes. Length, kind, channel. */
export const headBytes = 7
/** bytes. From here on a copy costs more than one more buffer in the write. */
const uncopiedFrom = 4 * 1024
const kindData = 0x20
const channel = 1

const writeHead = (out: Buffer, at: number, payloadBytes: number): number => {
  const length = payloadBytes + 3
  out[at] = length >>> 24
  out[at + 1] = length >>> 16
  out[at + 2] = length >>> 8
  out[at + 3] = length
  out[at + 4] = kindData
  out[at + 5] = channel >>> 8
  out[at + 6] = channel
  return at + headBytes
}

/** The buffers to write for a batch, in order. */
export const encode = (payloads: ReadonlyArray<Uint8Array>): Array<Uint8Array> => {
  let copied = 0
  for (const payload of payloads) copied += headBytes + (payload.length < uncopiedFrom ? payload.length : 0)
  const block = Buffer.allocUnsafe(copied)
  const out: Array<Uint8Array> = []
  let from = 0
  let at = 0
  for (const payload of payloads) {
    at = writeHead(block, at, payload.length)
    if (payload.length < uncopiedFrom) {
      block.set(payload, at)
      at += payload.length
    } else {
      out.push(block.subarray(from, at), payload)
      from = at
    }
  }
  if (at > from) out.push(from === 0 ? block : block.subarray(from, at))
  return out
}

/** The same batch as one buffer, for stacks that take one per write. */
export const encodeOne = (payloads: ReadonlyArray<Uint8Array>): Buffer => {
  let bytes = 0
  for (const payload of payloads) bytes += headBytes + payload.length
  const block = Buffer.allocUnsafe(bytes)
  let at = 0
  for (const payload of payloads) {
    at = writeHead(block, at, payload.length)
    block.set(payload, at)
    at += payload.length
  }
  return block
}

/** An incremental parser: chunks in, payloads out. Throws on a frame it does not know. */
export const parser = (handler: (payload: Uint8Array) => void): (chunk: Uint8Array) => void => {
  /** The frame begun in an earlier chunk: first its head, then all of it. */
  let partial: Buffer | undefined
  let have = 0
  const head = Buffer.allocUnsafe(headBytes)
  const dispatch = (frame: Uint8Array, from: number, to: number) => {
    if (frame[from + 4] !== kindData || ((frame[from + 5] ?? 0) << 8 | (frame[from + 6] ?? 0)) !== channel) {
      throw new Error("unknown frame")
    }
    handler(new Uint8Array(frame.buffer, frame.byteOffset + from + headBytes, to - from - headBytes))
  }
  return (chunk) => {
    const end = chunk.length
    let at = 0
    if (have > 0 && partial === undefined) {
      const take = Math.min(headBytes - have, end)
      head.set(chunk.subarray(0, take), have)
      have += take
      at = take
      if (have < headBytes) return
      partial = Buffer.allocUnsafe(head.readUInt32BE(0) + 4)
      partial.set(head)
    }
    if (partial !== undefined) {
      const take = Math.min(partial.length - have, end - at)
      partial.set(at === 0 && take === end ? chunk : chunk.subarray(at, at + take), have)
      have += take
      at += take
      if (have < partial.length) return
      const frame = partial
      partial = undefined
      have = 0
      dispatch(frame, 0, frame.length)
    }
    while (end - at >= headBytes) {
      const length =
        ((chunk[at] ?? 0) << 24 | (chunk[at + 1] ?? 0) << 16 | (chunk[at + 2] ?? 0) << 8 | (chunk[at + 3] ?? 0)) + 4
      if (end - at < length) {
        partial = Buffer.allocUnsafe(length)
        partial.set(chunk.subarray(at))
        have = end - at
        return
      }
      dispatch(chunk, at, at + length)
      at += length
    }
    if (at < end) {
      head.set(chunk.subarray(at))
      have = end - at
    }
  }
}
