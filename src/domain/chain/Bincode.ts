/**
 * Reads and writes the TIME network's encoding: bincode 1.3 with its default options. Little-endian, fixed width; lengths
 * and counts are u64; an Option is one byte 0 or 1; a string is its length and UTF-8.
 *
 * **Strictness.** Reading is total. The first fault sets `failed`; from then on every read returns an empty value and the position is the
 * end. Check once, at the end, and let every loop over a count stop on `failed`. A count is checked against the remaining bytes before
 * anything is allocated for it.
 *
 * **Ownership.** Byte strings are views into the bytes read, not copies: they keep the whole buffer alive.
 */
import * as Limits from "../Limits.ts"
import * as U64 from "./U64.ts"

const empty = new Uint8Array(0)
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const toUtf8 = new TextEncoder()

export class Reader {
  readonly bytes: Uint8Array
  /** Next byte to read. After a failure: the end. */
  at: number
  readonly end: number
  /** What is wrong and where, in words. */
  failed: string | undefined = undefined
  /** Where reading failed. */
  failedAt = 0
  private readonly view: DataView

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = start
    this.end = end
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get left(): number {
    return this.end - this.at
  }

  fail(reason: string): void {
    if (this.failed !== undefined) return
    this.failed = reason
    this.failedAt = this.at
    this.at = this.end
  }

  /** Claims the next `n` bytes. Returns their position, or −1. */
  private take(n: number): number {
    const at = this.at
    if (n > this.end - at) {
      this.fail("truncated")
      return -1
    }
    this.at = at + n
    return at
  }

  u8(): number {
    const at = this.take(1)
    return at < 0 ? 0 : this.view.getUint8(at)
  }

  u32(): number {
    const at = this.take(4)
    return at < 0 ? 0 : this.view.getUint32(at, true)
  }

  u64(): U64.U64 {
    const at = this.take(8)
    return at < 0 ? 0 : U64.fromHalves(this.view.getUint32(at + 4, true), this.view.getUint32(at, true))
  }

  i64(): U64.I64 {
    const at = this.take(8)
    return at < 0 ? 0 : U64.fromHalves(this.view.getInt32(at + 4, true), this.view.getUint32(at, true))
  }

  /** A u64 (or, with `signed`, an i64) that must be a safe integer: others fail. */
  small(name: string, signed = false): number {
    const value = signed ? this.i64() : this.u64()
    if (typeof value === "number") return value
    this.fail(`${name} ${value} is out of range`)
    return 0
  }

  /** A count of elements that take at least `least` bytes each: fails if that many cannot follow. */
  count(least: number): number {
    const at = this.take(8)
    if (at < 0) return 0
    const n = this.view.getUint32(at + 4, true) * 4_294_967_296 + this.view.getUint32(at, true)
    if (n * least <= this.end - this.at) return n
    this.fail("a count of more elements than bytes")
    return 0
  }

  /** `n` bytes without a length, as a view. */
  raw(n: number): Uint8Array {
    if (n === 0) return empty
    const at = this.take(n)
    return at < 0 ? empty : new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + at, n)
  }

  /** Bytes already read, as a view. */
  slice(start: number, end: number): Uint8Array {
    return new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + start, end - start)
  }

  /** A `[u8; 32]`, as a view. Empty after a failure. */
  hash(): Uint8Array {
    return this.raw(32)
  }

  /** A `Vec<u8>`, as a view. */
  vec(): Uint8Array {
    return this.raw(this.count(1))
  }

  /** A `String`. */
  text(): string {
    return this.textOf(this.count(1))
  }

  /** `n` bytes of UTF-8 without a length. Ill-formed UTF-8 fails. */
  textOf(n: number): string {
    const start = this.take(n)
    if (start < 0) return ""
    if (n <= Limits.shortTextBytes) {
      const ascii = this.ascii(start, n)
      if (ascii !== undefined) return ascii
    }
    try {
      return utf8.decode(new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + start, n))
    } catch {
      this.at = start
      this.fail("ill-formed UTF-8")
      return ""
    }
  }

  private ascii(start: number, n: number): string | undefined {
    let text = ""
    for (let i = start; i < start + n; i++) {
      const c = this.view.getUint8(i)
      if (c >= 0x80) return undefined
      text += String.fromCharCode(c)
    }
    return text
  }

  bool(): boolean {
    const value = this.u8()
    if (value > 1) this.fail(`a bool of ${value}`)
    return value === 1
  }

  /** The tag of an `Option`: whether a value follows. */
  some(): boolean {
    const tag = this.u8()
    if (tag > 1) this.fail(`an Option tag of ${tag}`)
    return tag === 1
  }

  /** `Option<bool>`. */
  maybeBool(): boolean | undefined {
    return this.some() ? this.bool() : undefined
  }
}

/** bytes. Above this, a view and one copy are faster than a loop. */
const longRangeBytes = 256

/** A buffer that grows as it is written. `done` copies what was written; `peek` is a view that the next write invalidates. */
export class Writer {
  private bytes: Uint8Array<ArrayBuffer>
  private view: DataView
  private at = 0
  private readonly initialBytes: number

  constructor(initialBytes = 1024) {
    this.initialBytes = initialBytes
    this.bytes = new Uint8Array(initialBytes)
    this.view = new DataView(this.bytes.buffer)
  }

  get length(): number {
    return this.at
  }

  done(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.at)
  }

  peek(): Uint8Array {
    return new Uint8Array(this.bytes.buffer, 0, this.at)
  }

  /** Empties the writer for reuse; releases memory that one large value took. */
  reset(): this {
    this.at = 0
    if (this.bytes.length > 64 * this.initialBytes) this.resize(this.initialBytes)
    return this
  }

  /** Overwrites what was written there. */
  putU32(at: number, n: number): void {
    this.view.setUint32(at, n, true)
  }

  private resize(size: number): void {
    const bytes = new Uint8Array(size)
    bytes.set(this.bytes.subarray(0, this.at))
    this.bytes = bytes
    this.view = new DataView(bytes.buffer)
  }

  private room(n: number): number {
    const at = this.at
    if (at + n > this.bytes.length) this.resize(Math.max(at + n, 2 * this.bytes.length))
    this.at = at + n
    return at
  }

  u8(n: number): void {
    const at = this.room(1)
    this.view.setUint8(at, n)
  }

  u32(n: number): void {
    const at = this.room(4)
    this.view.setUint32(at, n, true)
  }

  u64(n: U64.U64 | U64.I64): void {
    const at = this.room(8)
    if (typeof n === "bigint") {
      this.view.setBigUint64(at, BigInt.asUintN(64, n), true)
      return
    }
    this.view.setUint32(at, n >>> 0, true)
    this.view.setInt32(at + 4, Math.floor(n / 4_294_967_296), true)
  }

  raw(bytes: Uint8Array): void {
    const at = this.room(bytes.length)
    if (bytes.length > 64) this.bytes.set(bytes, at)
    else for (let i = 0; i < bytes.length; i++) this.bytes[at + i] = bytes[i] ?? 0
  }

  /** Bytes `start` to `end` of a longer array, without creating a view. */
  range(bytes: Uint8Array, start: number, end: number): void {
    if (end - start > longRangeBytes) return this.raw(bytes.subarray(start, end))
    const at = this.room(end - start) - start
    const to = this.bytes
    for (let i = start; i < end; i++) to[at + i] = bytes[i] ?? 0
  }

  vec(bytes: Uint8Array): void {
    this.u64(bytes.length)
    this.raw(bytes)
  }

  /** UTF-8 without a length; returns its length. */
  textRaw(text: string): number {
    const at = this.room(text.length)
    for (let i = 0; i < text.length; i++) {
      const c = text.charCodeAt(i)
      if (c >= 0x80) {
        this.at = at
        const bytes = toUtf8.encode(text)
        this.raw(bytes)
        return bytes.length
      }
      this.bytes[at + i] = c
    }
    return text.length
  }

  text(text: string): void {
    const at = this.room(8)
    const bytes = this.textRaw(text)
    this.view.setUint32(at, bytes, true)
    this.view.setUint32(at + 4, 0, true)
  }

  bool(value: boolean): void {
    this.u8(value ? 1 : 0)
  }

  maybeBool(value: boolean | undefined): void {
    if (value === undefined) return this.u8(0)
    this.u8(1)
    this.bool(value)
  }
}
