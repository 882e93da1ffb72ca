/**
 * Decodes the payload of a TIME frame. Total: for any bytes the result is a message, `Unknown` or `BadBody`, never an exception. A message
 * satisfies the schema `TimeMessage`.
 *
 * Bytes after the last field are ignored, as by the network's own nodes: a later version may append fields.
 */
import { Reader } from "../../chain/Bincode.ts"
import type { BadBody, Decoded } from "../Wire.ts"
import * as T from "./TimeLayout.ts"
import { numberOf, table, type Tag, tags, type TimeMessage } from "./TimeMessage.ts"

/** Bytes of the variant's index, before the fields. */
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
 * @param peerCommitCount from the peer's Handshake; `undefined` before it: variants whose number depends on it are then `Unknown`
 */
export const decode = (
  buffer: Uint8Array,
  start: number,
  end: number,
  peerCommitCount: number | undefined
): Decoded<TimeMessage> => {
  // Fewer bytes than an index are not a message: the network skips them.
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
