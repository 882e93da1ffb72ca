/**
 * How each value type in a TIME message is encoded: bincode (`chain/Bincode`), with a bound on everything that has a length.
 *
 * **Bounds.** A reader checks a length against the remaining bytes and its limit before anything is allocated for it. `least` is the
 * shortest encoding, by which a count of elements is multiplied.
 */
import { Schema } from "effect"
import type { Reader, Writer } from "../../chain/Bincode.ts"
import * as Block from "../../chain/Block.ts"
import * as Hash from "../../chain/Hash.ts"
import * as U64 from "../../chain/U64.ts"
import * as Limits from "../../Limits.ts"
import { cleanText } from "../Message.ts"

/** A value type: its schema, and how it is read and written. A value read is meaningless if the reader failed. */
export interface Field<A> {
  readonly schema: Schema.Codec<A>
  /** bytes. Minimum length. */
  readonly least: number
  read(reader: Reader): A
  write(writer: Writer, value: A): void
}

export type ValueOf<F> = F extends Field<infer A> ? A : never

/** The fields of a struct, in wire order. */
export type Fields = Readonly<Record<string, Field<unknown>>>

export type Struct<F> = { readonly [K in keyof F]: ValueOf<F[K]> }

const encoder = new TextEncoder()

const bytesOf = (text: string): number => encoder.encode(text).length

export const u16: Field<number> = {
  schema: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff })),
  least: 2,
  read: (reader) => {
    const low = reader.u8()
    return low + 256 * reader.u8()
  },
  write: (writer, value) => {
    writer.u8(value & 255)
    writer.u8(value >>> 8)
  }
}

export const u32: Field<number> = {
  schema: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff })),
  least: 4,
  read: (reader) => reader.u32(),
  write: (writer, value) => writer.u32(value)
}

const isSmall = Schema.makeFilter((value: number | bigint) => typeof value === "number" || !safe(value), {
  expected: "a number where it is a safe integer"
})
const safe = (value: bigint): boolean => Number.isSafeInteger(Number(value))

const integer = (minimum: bigint, maximum: bigint): Schema.Codec<number | bigint> =>
  Schema.Union([
    Schema.Int.check(Schema.makeFilter((value) => minimum <= value && Number.isSafeInteger(value))),
    Schema.BigInt.check(Schema.isBetweenBigInt({ minimum, maximum }))
  ]).check(isSmall)

/** The whole range, exact. */
export const u64: Field<U64.U64> = {
  schema: integer(0n, U64.max),
  least: 8,
  read: (reader) => reader.u64(),
  write: (writer, value) => writer.u64(value)
}

/** Seconds since 1970 on which nothing depends: the whole range. */
export const i64: Field<U64.I64> = {
  schema: integer(-(2n ** 63n), 2n ** 63n - 1n),
  least: 8,
  read: (reader) => reader.i64(),
  write: (writer, value) => writer.u64(value)
}

export const u128: Field<bigint> = {
  schema: Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: 0n, maximum: 2n ** 128n - 1n })),
  least: 16,
  read: (reader) => {
    const low = BigInt(reader.u64())
    return low + (BigInt(reader.u64()) << 64n)
  },
  write: (writer, value) => {
    writer.u64(BigInt.asUintN(64, value))
    writer.u64(value >> 64n)
  }
}

/** A height, a count or a time: a value beyond the safe integers makes no sense and does not decode. */
export const natural: Field<number> = {
  schema: Schema.Natural.check(Schema.isLessThanOrEqualTo(Number.MAX_SAFE_INTEGER)),
  least: 8,
  read: (reader) => reader.small("a number"),
  write: (writer, value) => writer.u64(value)
}

export const bool: Field<boolean> = {
  schema: Schema.Boolean,
  least: 1,
  read: (reader) => reader.bool(),
  write: (writer, value) => writer.bool(value)
}

/** `length` bytes, with no length on the wire. */
export const raw = (length: number): Field<Uint8Array> => ({
  schema: Schema.Uint8Array.check(
    Schema.makeFilter((bytes) => bytes.length === length, { expected: `${length} bytes` })
  ),
  least: length,
  read: (reader) => reader.raw(length),
  write: (writer, value) => writer.raw(value)
})

/** A view into the frame. */
export const hash: Field<Hash.Hash> = raw(Hash.length)

/** A length, checked against the remaining bytes and `most`. */
const bounded = (reader: Reader, least: number, most: number, what: string): number => {
  const n = reader.count(least)
  if (n <= most) return n
  reader.fail(`${n} ${what}, over ${most}`)
  return 0
}

/** A `Vec<u8>` of at most `most` bytes: a view into the frame. */
export const bytes = (most: number): Field<Uint8Array> => ({
  schema: Schema.Uint8Array.check(
    Schema.makeFilter((bytes) => bytes.length <= most, { expected: `at most ${most} bytes` })
  ),
  least: 8,
  read: (reader) => reader.raw(bounded(reader, 1, most, "bytes")),
  write: (writer, value) => writer.vec(value)
})

/** An Ed25519 public key, preceded by its length. Whether it is a point of the curve is not checked. */
export const publicKey: Field<Uint8Array> = {
  schema: hash.schema,
  least: 8 + 32,
  read: (reader) => {
    const n = reader.count(1)
    if (n !== 32) reader.fail(`a public key of ${n} bytes`)
    return reader.raw(32)
  },
  write: (writer, value) => writer.vec(value)
}

/** A name or an address as the peer wrote it: for comparison, and to be cleaned before display (`Message.cleanText`). */
export const text: Field<string> = {
  schema: Schema.String.check(Schema.makeFilter(
    (text) => text.isWellFormed() && bytesOf(text) <= Limits.timeTextBytes,
    { expected: `text of at most ${Limits.timeTextBytes} bytes of UTF-8` }
  )),
  least: 8,
  read: (reader) => reader.textOf(bounded(reader, 1, Limits.timeTextBytes, "bytes of text")),
  write: (writer, value) => writer.text(value)
}

/** A peer's text for people, of any length on the wire: printable, and cut to `Limits.timeWordsBytes`. */
export const words: Field<string> = {
  schema: Schema.String.check(
    Schema.makeFilter((text) => cleanText(text, Limits.timeWordsBytes) === text, { expected: "printable text" })
  ),
  least: 8,
  read: (reader) => cleanText(reader.text(), Limits.timeWordsBytes),
  write: (writer, value) => writer.text(value)
}

export const option = <A>(of: Field<A>): Field<A | undefined> => ({
  schema: Schema.Union([Schema.Undefined, of.schema]),
  least: 1,
  read: (reader) => reader.some() ? of.read(reader) : undefined,
  write: (writer, value) => {
    if (value === undefined) return writer.u8(0)
    writer.u8(1)
    of.write(writer, value)
  }
})

/** A `Vec` of at most `most`. */
export const list = <A>(of: Field<A>, most: number): Field<ReadonlyArray<A>> => ({
  schema: Schema.Array(of.schema).check(Schema.isMaxLength(most)),
  least: 8,
  read: (reader) => {
    const n = bounded(reader, of.least, most, "entries")
    const values: Array<A> = []
    for (let i = 0; i < n && reader.failed === undefined; i++) values.push(of.read(reader))
    return values
  },
  write: (writer, values) => {
    writer.u64(values.length)
    for (const value of values) of.write(writer, value)
  }
})

/** An enum without fields: `names` in wire order. */
export const oneOf = <const Names extends ReadonlyArray<string>>(names: Names): Field<Names[number]> => ({
  schema: Schema.Literals(names),
  least: 4,
  read: (reader) => {
    const index = reader.u32()
    const name = names[index]
    if (name !== undefined) return name
    reader.fail(`variant ${index} of ${names.length}`)
    return names[0] ?? ""
  },
  write: (writer, value) => writer.u32(names.indexOf(value))
})

/** Reads the fields in order into `into`. */
export const readFields = (fields: Fields, reader: Reader, into: Record<string, unknown>): void => {
  for (const name in fields) into[name] = fields[name]?.read(reader)
}

export const writeFields = (fields: Fields, writer: Writer, from: Readonly<Record<string, unknown>>): void => {
  for (const name in fields) fields[name]?.write(writer, from[name])
}

const schemasOf = <const F extends Fields>(fields: F) =>
  Object.fromEntries(Object.entries(fields).map(([name, { schema }]) => [name, schema])) as unknown as {
    readonly [K in keyof F]: Schema.Codec<ValueOf<F[K]>>
  }

/** The schema of a message: its name and its fields. */
export const tagged = <const Name extends string, const F extends Fields>(name: Name, fields: F) =>
  Schema.TaggedStruct(name, schemasOf(fields))

export const struct = <const F extends Fields>(fields: F): Field<Struct<F>> => ({
  schema: Schema.Struct(schemasOf(fields)) as unknown as Schema.Codec<Struct<F>>,
  least: Object.values(fields).reduce((sum, { least }) => sum + least, 0),
  read: (reader) => {
    const value: Record<string, unknown> = {}
    readFields(fields, reader, value)
    return value as Struct<F>
  },
  write: (writer, value) => writeFields(fields, writer, value)
})

/** A whole block, as `chain/Block` reads it; its byte strings are views into the frame. Written unchanged, from its `bytes`. */
export const block: Field<Block.Block> = {
  schema: Schema.declare((value: unknown): value is Block.Block =>
    typeof value === "object" && value !== null && "bytes" in value && value.bytes instanceof Uint8Array &&
    !Block.isMalformed(Block.decode(value.bytes))
  ),
  least: Block.blockLeast,
  read: Block.read,
  write: (writer, value) => writer.raw(value.bytes)
}
