/**
 * The fields that a block's hash covers, and their compact encoding for headers-first sync.
 *
 * **Bytes.** u32 LE length of the leader, u32 LE length of the bitmap, then exactly the hashed bytes: `version u32 | height u64 | previous
 * (32) | merkle (32) | timestamp i64 | reward u64 | leader | vrf output (32) | vrf score u64 | bitmap | treasury u64`, integers
 * little-endian. So a header can be hashed in place.
 */
import * as Limits from "../Limits.ts"
import { Reader, Writer } from "./Bincode.ts"
import type { Hash } from "./Hash.ts"
import type { Hasher } from "./Hasher.ts"
import { type Malformed, malformed } from "./Transaction.ts"
import * as U64 from "./U64.ts"

/** The hashed fields, in hash order. The merkle root stands for the transactions; the rest of a body is not covered. */
export interface BlockHeader {
  readonly version: number
  readonly height: number
  readonly previousHash: Hash
  readonly merkleRoot: Hash
  /** Seconds since 1970. */
  readonly timestamp: number
  /** Satoshi. */
  readonly blockReward: U64.U64
  /** The producer's address, in practice an IP. */
  readonly leader: string
  readonly vrfOutput: Hash
  readonly vrfScore: U64.U64
  /** One bit per active masternode. */
  readonly activeMasternodesBitmap: Uint8Array
  /** Satoshi. */
  readonly treasuryBalance: U64.U64
}

/** bytes. The two lengths before the hashed part. */
const lengthsBytes = 8
/** bytes. A header with an empty leader and an empty bitmap. */
export const fixedBytes = lengthsBytes + 140

const writeHashed = (writer: Writer, header: BlockHeader): void => {
  writer.u32(header.version)
  writer.u64(header.height)
  writer.raw(header.previousHash)
  writer.raw(header.merkleRoot)
  writer.u64(header.timestamp)
  writer.u64(header.blockReward)
  writer.textRaw(header.leader)
  writer.raw(header.vrfOutput)
  writer.u64(header.vrfScore)
  writer.raw(header.activeMasternodesBitmap)
  writer.u64(header.treasuryBalance)
}

/** Reused by `hash`, which is synchronous and keeps nothing. */
const scratch = new Writer()

/** The block hash: BLAKE3-256 over the fields in order, without lengths or separators. */
export const hash = (hasher: Hasher, header: BlockHeader): Hash => {
  writeHashed(scratch.reset(), header)
  return hasher.blake3(scratch.peek())
}

const write = (writer: Writer, header: BlockHeader): void => {
  writer.u32(0)
  writer.u32(header.activeMasternodesBitmap.length)
  writeHashed(writer, header)
  writer.putU32(0, writer.length - fixedBytes - header.activeMasternodesBitmap.length)
}

/** bytes of a block's bincode: version to reward; attestation root and tiers; VRF output and score. */
const frontBytes = 92
const uncoveredBytes = 48
const vrfBytes = 40

/**
 * Appends the compact header of a block in bincode: fields are copied, nothing is decoded. If the bytes end before the header does, returns
 * false and writes nothing.
 */
export const writeOfBlock = (writer: Writer, block: Uint8Array): boolean => {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength)
  let at = frontBytes
  /** Claims the bytes after a u64 length; no block has 2^32 bytes. */
  const vec = (): readonly [start: number, end: number] => {
    const start = at + 8
    at = start <= block.length && view.getUint32(at + 4, true) === 0 ? start + view.getUint32(at, true) : Infinity
    return [start, at]
  }
  const [leader, leaderEnd] = vec()
  at += uncoveredBytes
  vec()
  const vrf = at
  at += vrfBytes
  const [bitmap, bitmapEnd] = vec()
  at += block[at] === 0 ? 1 : 2
  vec()
  const treasury = at + 8
  if (treasury + 8 > block.length) return false
  writer.u32(leaderEnd - leader)
  writer.u32(bitmapEnd - bitmap)
  writer.range(block, 0, frontBytes)
  writer.range(block, leader, leaderEnd)
  writer.range(block, vrf, vrf + vrfBytes)
  writer.range(block, bitmap, bitmapEnd)
  writer.range(block, treasury, treasury + 8)
  return true
}

/** The compact header of a block in bincode; `undefined` if the bytes end before the header does. */
export const encodedOf = (block: Uint8Array): Uint8Array | undefined => {
  const writer = scratch.reset()
  return writeOfBlock(writer, block) ? writer.done() : undefined
}

/**
 * bytes. Length of the header at the start of these bytes, from its two length fields. Exceeds the input's length if the header is cut
 * short.
 */
export const encodedLength = (bytes: Uint8Array): number => {
  if (bytes.length < lengthsBytes) return fixedBytes
  const view = new DataView(bytes.buffer, bytes.byteOffset, lengthsBytes)
  return fixedBytes + view.getUint32(0, true) + view.getUint32(4, true)
}

/** A header as received, with the hash of its bytes. */
export interface HashedHeader {
  readonly header: BlockHeader
  readonly hash: Hash
}

const read = (hasher: Hasher, reader: Reader): HashedHeader => {
  const leaderBytes = reader.u32()
  const bitmapBytes = reader.u32()
  const start = reader.at
  const header: BlockHeader = {
    version: reader.u32(),
    height: reader.small("height"),
    previousHash: reader.hash(),
    merkleRoot: reader.hash(),
    timestamp: reader.small("timestamp", true),
    blockReward: reader.u64(),
    leader: reader.textOf(leaderBytes),
    vrfOutput: reader.hash(),
    vrfScore: reader.u64(),
    activeMasternodesBitmap: reader.raw(bitmapBytes),
    treasuryBalance: reader.u64()
  }
  return { header, hash: reader.failed === undefined ? hasher.blake3(reader.slice(start, reader.at)) : noHash }
}

const noHash = new Uint8Array(0)

export const encode = (header: BlockHeader): Uint8Array => {
  const writer = scratch.reset()
  write(writer, header)
  return writer.done()
}

/** Decodes exactly these bytes as a header. */
export const decode = (hasher: Hasher, bytes: Uint8Array): HashedHeader | Malformed => {
  const reader = new Reader(bytes)
  const hashed = read(hasher, reader)
  return reader.failed === undefined && reader.left === 0 ? hashed : malformed(reader)
}

/** The treasury field at the end of an encoded header; nothing else is read. */
export const treasuryOf = (bytes: Uint8Array): U64.U64 =>
  U64.of(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(bytes.length - 8, true))

/**
 * As many headers, in order from the first, as one message may hold: at most `Limits.headersPerMessage` and `Limits.headersBytes`, but at
 * least one, however long. u32 LE count, then the headers.
 */
export const encodeList = (headers: ReadonlyArray<BlockHeader>): HeaderList =>
  joinList(headers.slice(0, Limits.headersPerMessage).map(encode))

/** An encoded list for the wire, and how many of the given headers it contains. */
export interface HeaderList {
  readonly bytes: Uint8Array
  readonly count: number
}

/** The same for headers that are already encoded. */
export const joinList = (headers: ReadonlyArray<Uint8Array>): HeaderList => {
  let count = 0
  let length = countBytes
  for (const { length: next } of headers) {
    if (count === Limits.headersPerMessage || (count > 0 && length + next > Limits.headersBytes)) break
    length += next
    count += 1
  }
  const bytes = new Uint8Array(length)
  new DataView(bytes.buffer).setUint32(0, count, true)
  let at = countBytes
  for (const header of headers.slice(0, count)) {
    bytes.set(header, at)
    at += header.length
  }
  return { bytes, count }
}

/** bytes. */
const countBytes = 4

/**
 * Decodes exactly these bytes as a list of at most `Limits.headersPerMessage`, and yields after every `step` headers. Links between headers
 * are not checked.
 */
export const decodingList = function*(
  hasher: Hasher,
  bytes: Uint8Array,
  step: number
): Generator<void, ReadonlyArray<HashedHeader> | Malformed, void> {
  const reader = new Reader(bytes)
  const count = reader.u32()
  if (count > Limits.headersPerMessage) reader.fail(`${count} headers, over ${Limits.headersPerMessage}`)
  if (count * fixedBytes > reader.left) reader.fail("a count of more headers than bytes")
  const headers: Array<HashedHeader> = []
  for (let i = 0; i < count && reader.failed === undefined; i++) {
    if (i > 0 && i % step === 0) yield
    headers.push(read(hasher, reader))
  }
  return reader.failed === undefined && reader.left === 0 ? headers : malformed(reader)
}

/** The same at once. */
export const decodeList = (hasher: Hasher, bytes: Uint8Array): ReadonlyArray<HashedHeader> | Malformed => {
  const decoding = decodingList(hasher, bytes, Infinity).next()
  return decoding.done === true ? decoding.value : []
}
