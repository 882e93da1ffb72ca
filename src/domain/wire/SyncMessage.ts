/**
 * Messages between peers about the chain, and their bytes: `SchemaBinary` of each schema (docs/PROTOCOL.md, "Frames").
 *
 * Requests carry a number chosen by the asker; answers repeat it and come in request order. Hashes are 32 bytes.
 *
 * **Ownership.** Decoded bytes are views into the frame: keep the frame (`FrameReader.keep`) or copy.
 */
import { Result, Schema } from "effect"
import { SchemaBinary } from "effect/encoding"
import * as Limits from "../Limits.ts"

const hashBytes = 32
const request = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 32 - 1 }))

/** Requests headers after the first hash of the locator that the peer has. */
export const GetHeaders = Schema.TaggedStruct("GetHeaders", {
  request,
  locator: Schema.Array(Schema.Uint8Array),
  /** Maximum number; absent: as many as a message carries. Older versions ignore the field. */
  count: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2 ** 32 - 1 })))
})
export type GetHeaders = typeof GetHeaders.Type

/**
 * `after`: the locator hash after which `list` (`BlockHeader.encodeList`) follows. `more`: the sender's chain continues after the last of
 * them.
 */
export const Headers = Schema.TaggedStruct("Headers", {
  request,
  after: Schema.Uint8Array,
  list: Schema.Uint8Array,
  more: Schema.Boolean
})
export type Headers = typeof Headers.Type

/** Requests the blocks with these hashes, concatenated in `hashes`, the first at height `from`. */
export const GetBlocks = Schema.TaggedStruct("GetBlocks", {
  request,
  from: Schema.Natural,
  hashes: Schema.Uint8Array
})
export type GetBlocks = typeof GetBlocks.Type

/** The next blocks of an answer, bincode. `done`: no more come for this request, whether or not all were sent. */
export const Blocks = Schema.TaggedStruct("Blocks", {
  request,
  blocks: Schema.Array(Schema.Uint8Array),
  done: Schema.Boolean
})
export type Blocks = typeof Blocks.Type

/** The sender's chain now ends here. */
export const Tip = Schema.TaggedStruct("Tip", { height: Schema.Natural, hash: Schema.Uint8Array })
export type Tip = typeof Tip.Type

/** The sender's chain now ends with this block. Only for blocks of at most `Limits.pushBlockBytes`. */
export const NewBlock = Schema.TaggedStruct("NewBlock", { block: Schema.Uint8Array })
export type NewBlock = typeof NewBlock.Type

export const SyncMessage = Schema.Union([GetHeaders, Headers, GetBlocks, Blocks, Tip, NewBlock])
export type SyncMessage = typeof SyncMessage.Type

/** Frame kinds, above all others. Append only. */
export const SyncKind = { GetHeaders: 32, Headers: 33, GetBlocks: 34, Blocks: 35, Tip: 36, NewBlock: 37 } as const

const codecs = {
  GetHeaders: SchemaBinary.toCodec(GetHeaders),
  Headers: SchemaBinary.toCodec(Headers),
  GetBlocks: SchemaBinary.toCodec(GetBlocks),
  Blocks: SchemaBinary.toCodec(Blocks),
  Tip: SchemaBinary.toCodec(Tip),
  NewBlock: SchemaBinary.toCodec(NewBlock)
}

const decoders: ReadonlyMap<number, (body: Uint8Array) => Result.Result<SyncMessage, Schema.SchemaError>> = new Map<
  number,
  (body: Uint8Array) => Result.Result<SyncMessage, Schema.SchemaError>
>([
  [SyncKind.GetHeaders, Schema.decodeUnknownResult(codecs.GetHeaders)],
  [SyncKind.Headers, Schema.decodeUnknownResult(codecs.Headers)],
  [SyncKind.GetBlocks, Schema.decodeUnknownResult(codecs.GetBlocks)],
  [SyncKind.Blocks, Schema.decodeUnknownResult(codecs.Blocks)],
  [SyncKind.Tip, Schema.decodeUnknownResult(codecs.Tip)],
  [SyncKind.NewBlock, Schema.decodeUnknownResult(codecs.NewBlock)]
])

/** Checks the bounds that the schemas omit because they cost time per element. Returns what is wrong, in words. */
const problem = (message: SyncMessage): string | undefined => {
  switch (message._tag) {
    case "GetHeaders":
      return message.locator.length > Limits.locatorHashes
        ? `${message.locator.length} hashes in a locator, over ${Limits.locatorHashes}`
        : message.locator.some((hash) => hash.length !== hashBytes)
        ? "a hash that is not 32 bytes"
        : undefined
    case "GetBlocks":
      return message.hashes.length % hashBytes !== 0 || message.hashes.length === 0
        ? `${message.hashes.length} bytes of hashes`
        : message.hashes.length > Limits.blocksPerRequest * hashBytes
        ? `${message.hashes.length / hashBytes} blocks asked for, over ${Limits.blocksPerRequest}`
        : undefined
    case "Blocks":
      return message.blocks.length > Limits.blocksPerRequest ? `${message.blocks.length} blocks` : undefined
    case "Headers":
      return message.after.length === hashBytes ? undefined : "a hash that is not 32 bytes"
    case "Tip":
      return message.hash.length === hashBytes ? undefined : "a hash that is not 32 bytes"
    case "NewBlock":
      return undefined
  }
}

/** The message of that kind, what is wrong with the body in words, or `undefined` if the kind is not a sync message's. */
export const decode = (kind: number, body: Uint8Array): SyncMessage | string | undefined => {
  const decoder = decoders.get(kind)
  if (decoder === undefined) return undefined
  const decoded = decoder(body)
  return Result.isSuccess(decoded) ? problem(decoded.success) ?? decoded.success : decoded.failure.message
}

const encoders = {
  GetHeaders: Schema.encodeSync(codecs.GetHeaders),
  Headers: Schema.encodeSync(codecs.Headers),
  GetBlocks: Schema.encodeSync(codecs.GetBlocks),
  Blocks: Schema.encodeSync(codecs.Blocks),
  Tip: Schema.encodeSync(codecs.Tip),
  NewBlock: Schema.encodeSync(codecs.NewBlock)
}

const bodyOf = (message: SyncMessage): Uint8Array => {
  switch (message._tag) {
    case "GetHeaders":
      return encoders.GetHeaders(message)
    case "Headers":
      return encoders.Headers(message)
    case "GetBlocks":
      return encoders.GetBlocks(message)
    case "Blocks":
      return encoders.Blocks(message)
    case "Tip":
      return encoders.Tip(message)
    case "NewBlock":
      return encoders.NewBlock(message)
  }
}

/** Kind and body of a message. The body may be a view into a larger buffer. */
export const encode = (message: SyncMessage): { readonly kind: number; readonly body: Uint8Array } => ({
  kind: SyncKind[message._tag],
  body: bodyOf(message)
})
