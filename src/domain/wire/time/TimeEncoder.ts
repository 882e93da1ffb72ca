/** Encodes TIME frames: u32 big-endian length, u32 little-endian index of the variant, its fields. */
import { Writer } from "../../chain/Bincode.ts"
import * as Limits from "../../Limits.ts"
import * as T from "./TimeLayout.ts"
import { commitCount, indexFor, table, type TimeMessage } from "./TimeMessage.ts"

/** Bytes of the length before a frame. */
export const lengthBytes = 4

/** The variant of a list of unconfirmed transactions. timemesh keeps none, so it requests none and answers with an empty list. */
const mempoolSyncResponse = 41

/** Reused: `encode` is synchronous and keeps nothing. */
const scratch = new Writer()

const begin = (index: number): Writer => {
  const writer = scratch.reset()
  writer.u32(0)
  writer.u32(index)
  return writer
}

const finish = (writer: Writer): Uint8Array => {
  const frame = writer.done()
  new DataView(frame.buffer).setUint32(0, frame.length - lengthBytes)
  return frame
}

/**
 * The frame of a message for a peer with that commit count. `undefined`: that version has no such message, or it exceeds a frame
 * (`Limits.frameBytes`). The caller must split a list of blocks.
 */
export const encode = (message: TimeMessage, peerCommitCount: number = commitCount): Uint8Array | undefined => {
  const [number, fields] = table[message._tag]
  const index = indexFor(number, peerCommitCount)
  if (index === undefined) return undefined
  const writer = begin(index)
  T.writeFields(fields, writer, message)
  return writer.length - lengthBytes > Limits.frameBytes ? undefined : finish(writer)
}

/** A message that is a list of blocks, from their bytes; `undefined` if they exceed a frame. */
export const encodeList = (
  tag: "BlocksResponse" | "BlockRangeResponse",
  blocks: ReadonlyArray<Uint8Array>
): Uint8Array | undefined => {
  const writer = begin(table[tag][0])
  writer.u64(blocks.length)
  for (const block of blocks) writer.raw(block)
  return writer.length - lengthBytes > Limits.frameBytes ? undefined : finish(writer)
}

/** A message that is one block, from its bytes. */
export const encodeBlock = (tag: "BlockResponse" | "GenesisAnnouncement", block: Uint8Array): Uint8Array => {
  const writer = begin(table[tag][0])
  writer.raw(block)
  return finish(writer)
}

/** The answer to `MempoolSyncRequest`. */
export const emptyMempool: Uint8Array = (() => {
  const writer = begin(mempoolSyncResponse)
  writer.u64(0)
  return finish(writer)
})()
