/**
 * Reads the payload of a TIME frame. Total: whatever the bytes are, the answer is a message, `Unknown` or `BadBody`, never an exception, and
 * what is a message satisfies the schema `TimeMessage`.
 *
 * Bytes behind the last field are ignored, as the network's own nodes do: a later version may append fields.
 */
import { Reader } from "../../chain/Bincode.ts"
import type { BadBody, Decoded } from "../Wire.ts"
import * as T from "./TimeLayout.ts"
import { numberOf, table, type Tag, tags, type TimeMessage } from "./TimeMessage.ts"

/** Bytes of the variant's index, in front of the fields. */
export const indexBytes = 4

const names: ReadonlyMap<number, Tag> = new Map(tags.map((tag) => [table[tag][0], tag]))

const bad = (kind: number, reader: Reader, tag: string): BadBody => ({
  _tag: "BadBody",
  kind,
  reason: `${tag}: ${reader.failed ?? "malformed"} at byte ${reader.failedAt}`
})

/**
 * The message in `buffer[start, end)`.
 *
 * @param peerCommitCount what the peer's Handshake told; `undefined` before it: variants whose number depends on it are then `Unknown`
 */
export const decode = (
  buffer: Uint8Array,
  start: number,
  end: number,
  peerCommitCount: number | undefined
): Decoded<TimeMessage> => {
  // Less than an index is no message: the network skips it.
  if (end - start < indexBytes) return { _tag: "Unknown", kind: -1 }
  const reader = new Reader(buffer, start, end)
  const index = reader.u32()
  const number = numberOf(index, peerCommitCount)
  const tag = number === undefined ? undefined : names.get(number)
  if (tag === undefined) return { _tag: "Unknown", kind: index }
  const message: Record<string, unknown> = { _tag: tag }
  T.readFields(table[tag][1], reader, message)
  return reader.failed === undefined ? message as TimeMessage : bad(index, reader, tag)
}
