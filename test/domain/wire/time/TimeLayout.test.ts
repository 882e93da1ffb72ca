/** Each value type of a TIME message: its bytes, its bounds when it is read, and what its schema takes. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Reader, Writer } from "../../../../src/domain/chain/Bincode.ts"
import * as Block from "../../../../src/domain/chain/Block.ts"
import { testnet } from "../../../../src/domain/chain/ChainParams.ts"
import * as Limits from "../../../../src/domain/Limits.ts"
import * as T from "../../../../src/domain/wire/time/TimeLayout.ts"

const bytesOf = <A>(field: T.Field<A>, value: A): ReadonlyArray<number> => {
  const writer = new Writer(1)
  field.write(writer, value)
  return [...writer.done()]
}
/** The value of the bytes, or the fault and its place. */
const read = <A>(field: T.Field<A>, bytes: ReadonlyArray<number> | Uint8Array) => {
  const reader = new Reader(Uint8Array.from(bytes))
  const value = field.read(reader)
  return reader.failed === undefined ? [value, reader.left] : `${reader.failed} at ${reader.failedAt}`
}
/** Which of the values the field's schema takes. */
const takes = <A>(field: T.Field<A>, values: ReadonlyArray<unknown>): ReadonlyArray<boolean> =>
  values.map(Schema.is(field.schema))
const u64 = (n: number | bigint): ReadonlyArray<number> => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(n)))
  return [...bytes]
}
const safe = Number.MAX_SAFE_INTEGER
const most = 2n ** 64n - 1n
const beyond = "a count of more elements than bytes"

/** Writes to these bytes, reads back from them, leaves what follows, and is bad one byte short. */
const is = <A>(field: T.Field<A>, value: A, bytes: ReadonlyArray<number>): void => {
  assert.deepStrictEqual(bytesOf(field, value), bytes)
  assert.deepStrictEqual(read(field, [...bytes, 7]), [value, 1])
  for (let end = 0; end < bytes.length; end++) assert.isString(read(field, bytes.slice(0, end)), `${end} bytes`)
}

describe("numbers", () => {
  it("of 16 and 32 bits", () => {
    for (const [n, bytes] of [[0, [0, 0]], [0x0102, [2, 1]], [0xffff, [255, 255]]] as const) is(T.u16, n, bytes)
    assert.deepStrictEqual(takes(T.u16, [-1, 0, 0xffff, 0x1_0000, 1.5, 1n]), [false, true, true, false, false, false])
    is(T.u32, 0x0102_0304, [4, 3, 2, 1])
    is(T.u32, 0xffff_ffff, [255, 255, 255, 255])
    assert.deepStrictEqual(takes(T.u32, [-1, 0, 0xffff_ffff, 2 ** 32, 1.5]), [false, true, true, false, false])
  })

  it("of 64 bits, exact, each in one form", () => {
    for (const n of [0, 1, 2 ** 32, safe, BigInt(safe) + 1n, most]) is(T.u64, n, u64(n))
    assert.deepStrictEqual(
      takes(T.u64, [-1, 0, safe, 2 ** 53, 1.5, 0n, BigInt(safe), BigInt(safe) + 1n, most, most + 1n, -1n]),
      [false, true, true, false, false, false, false, true, true, false, false]
    )
    const least = -(2n ** 63n)
    for (const n of [0, -1, -safe, safe, least, -least - 1n]) is(T.i64, n, u64(n))
    assert.deepStrictEqual(
      takes(T.i64, [
        -1,
        0,
        -safe,
        -(2 ** 53),
        0n,
        -BigInt(safe),
        -BigInt(safe) - 1n,
        least,
        least - 1n,
        -least - 1n,
        -least
      ]),
      [true, true, true, false, false, false, true, true, false, true, false]
    )
  })

  it("of 128 bits", () => {
    is(T.u128, 0n, [...u64(0), ...u64(0)])
    is(T.u128, 5n, [...u64(5), ...u64(0)])
    is(T.u128, most + 1n, [...u64(0), ...u64(1)])
    is(T.u128, 2n ** 128n - 1n, [...u64(most), ...u64(most)])
    is(T.u128, (7n << 64n) + 9n, [...u64(9), ...u64(7)])
    assert.deepStrictEqual(takes(T.u128, [-1n, 0n, 2n ** 128n - 1n, 2n ** 128n, 1]), [false, true, true, false, false])
  })

  it("that must be safe integers", () => {
    for (const n of [0, 1, safe]) is(T.natural, n, u64(n))
    assert.strictEqual(read(T.natural, u64(2n ** 53n)), "a number 9007199254740992 is out of range at 8")
    assert.deepStrictEqual(takes(T.natural, [-1, 0, safe, 2 ** 53, 1.5, 1n]), [false, true, true, false, false, false])
  })

  it("bools", () => {
    is(T.bool, false, [0])
    is(T.bool, true, [1])
    assert.strictEqual(read(T.bool, [2]), "a bool of 2 at 1")
    assert.deepStrictEqual(takes(T.bool, [true, false, 1]), [true, true, false])
  })
})

describe("byte strings", () => {
  it("of a length that is not written", () => {
    is(T.raw(3), Uint8Array.of(1, 2, 3), [1, 2, 3])
    assert.deepStrictEqual(takes(T.raw(3), [2, 3, 4].map((n) => new Uint8Array(n))), [false, true, false])
    assert.deepStrictEqual(takes(T.hash, [31, 32, 33].map((n) => new Uint8Array(n))), [false, true, false])
  })

  it("of a length up to a bound, which is checked before anything is taken", () => {
    const field = T.bytes(3)
    is(field, new Uint8Array(0), u64(0))
    is(field, Uint8Array.of(1, 2, 3), [...u64(3), 1, 2, 3])
    assert.strictEqual(read(field, [...u64(4), 1, 2, 3, 4]), "4 bytes, over 3 at 8")
    assert.strictEqual(read(field, [...u64(4), 1, 2, 3]), `${beyond} at 8`)
    assert.strictEqual(read(field, u64(most)), `${beyond} at 8`)
    assert.deepStrictEqual(takes(field, [0, 3, 4].map((n) => new Uint8Array(n))), [true, true, false])
  })

  it("that are public keys", () => {
    const key = Uint8Array.from({ length: 32 }, (_, i) => i)
    is(T.publicKey, key, [...u64(32), ...key])
    for (const n of [0, 31, 33]) {
      assert.strictEqual(read(T.publicKey, [...u64(n), ...new Uint8Array(40)]), `a public key of ${n} bytes at 8`)
    }
    assert.deepStrictEqual(takes(T.publicKey, [31, 32, 33].map((n) => new Uint8Array(n))), [false, true, false])
  })
})

describe("texts", () => {
  it("as they were written, up to a bound in bytes", () => {
    is(T.text, "", u64(0))
    is(T.text, "aé\n", [...u64(4), 0x61, 0xc3, 0xa9, 0x0a])
    const text = (n: number) => [...u64(n), ...new Uint8Array(n).fill(0x78)]
    const longest = Limits.timeTextBytes
    assert.deepStrictEqual(read(T.text, text(longest)), ["x".repeat(longest), 0])
    assert.strictEqual(read(T.text, text(longest + 1)), `${longest + 1} bytes of text, over ${longest} at 8`)
    assert.strictEqual(read(T.text, [...u64(1), 0xff]), "ill-formed UTF-8 at 8")
    assert.deepStrictEqual(
      takes(T.text, [
        "",
        "x".repeat(longest),
        "x".repeat(longest + 1),
        "é".repeat(longest / 2),
        "é".repeat(longest / 2 + 1),
        "\ud800",
        1
      ]),
      [true, true, false, true, false, false, false]
    )
  })

  it("for people, printable and cut, of any length on the wire", () => {
    is(T.words, "aé", [...u64(3), 0x61, 0xc3, 0xa9])
    assert.deepStrictEqual(read(T.words, [...u64(3), 0x61, 0x1b, 0x62]), ["a?b", 0])
    const longest = Limits.timeWordsBytes
    const words = (n: number) => [...u64(n), ...new Uint8Array(n).fill(0x78)]
    assert.deepStrictEqual(read(T.words, words(longest)), ["x".repeat(longest), 0])
    assert.deepStrictEqual(read(T.words, words(longest + 1)), ["x".repeat(longest), 0])
    assert.deepStrictEqual(
      takes(T.words, ["", "x".repeat(longest), "x".repeat(longest + 1), "\n", 1]),
      [true, true, false, false, false]
    )
  })
})

describe("composed types", () => {
  it("options", () => {
    is(T.option(T.u16), undefined, [0])
    is(T.option(T.u16), 0x0102, [1, 2, 1])
    assert.strictEqual(read(T.option(T.u16), [2, 2, 1]), "an Option tag of 2 at 1")
    assert.deepStrictEqual(takes(T.option(T.u16), [undefined, 1, null, -1]), [true, true, false, false])
    assert.strictEqual(T.option(T.hash).least, 1)
  })

  it("lists up to a bound, whose count must be possible by the least length of an element", () => {
    const field = T.list(T.u16, 2)
    is(field, [], u64(0))
    is(field, [1, 2], [...u64(2), 1, 0, 2, 0])
    assert.strictEqual(read(field, [...u64(3), 1, 0, 2, 0, 3, 0]), "3 entries, over 2 at 8")
    assert.strictEqual(read(field, [...u64(2), 1, 0, 2]), `${beyond} at 8`)
    assert.strictEqual(read(field, u64(most)), `${beyond} at 8`)
    assert.deepStrictEqual(takes(field, [[], [1, 2], [1, 2, 3], [-1], 1]), [true, true, false, false, false])
    assert.strictEqual(field.least, 8)
  })

  it("lists that end at the first bad element", () => {
    let reads = 0
    const counting: T.Field<boolean> = {
      ...T.bool,
      read: (reader) => {
        reads += 1
        return T.bool.read(reader)
      }
    }
    assert.strictEqual(read(T.list(counting, 9), [...u64(5), 1, 9, 1, 1, 1]), "a bool of 9 at 10")
    assert.strictEqual(reads, 2)
  })

  it("names in the order of the wire", () => {
    const field = T.oneOf(["a", "b"])
    is(field, "a", [0, 0, 0, 0])
    is(field, "b", [1, 0, 0, 0])
    assert.strictEqual(read(field, [2, 0, 0, 0]), "variant 2 of 2 at 4")
    assert.strictEqual(read(field, [0, 0, 0, 1]), "variant 16777216 of 2 at 4")
    assert.strictEqual(field.read(new Reader(Uint8Array.of(2, 0, 0, 0))), "a", "some name, of the type")
    assert.strictEqual(T.oneOf([]).read(new Reader(new Uint8Array(4))), "")
    assert.deepStrictEqual(takes(field, ["a", "b", "c", 0]), [true, true, false, false])
  })

  it("structs, field by field, at least as long as all their fields", () => {
    const field = T.struct({ a: T.u16, b: T.option(T.u32), c: T.bool })
    is(field, { a: 1, b: undefined, c: true }, [1, 0, 0, 1])
    is(field, { a: 1, b: 2, c: false }, [1, 0, 1, 2, 0, 0, 0, 0])
    assert.strictEqual(field.least, 4)
    assert.strictEqual(T.struct({}).least, 0)
    assert.deepStrictEqual(
      takes(field, [{ a: 1, b: 2, c: true }, { a: 1, b: undefined, c: true }, { a: -1, b: 2, c: true }, {
        a: 1,
        b: 2
      }]),
      [true, true, false, false]
    )
    const schema = T.tagged("Name", { a: T.u16 })
    assert.deepStrictEqual(
      [{ _tag: "Name", a: 1 }, { _tag: "Other", a: 1 }, { _tag: "Name", a: -1 }].map(Schema.is(schema)),
      [true, false, false]
    )
  })

  it("say of a value out of bounds what it should be", () => {
    const cases: ReadonlyArray<readonly [{ readonly schema: Schema.Codec<unknown> }, unknown, string]> = [
      [T.u64, 1n, "a number where it is a safe integer"],
      [T.raw(3), new Uint8Array(2), "3 bytes"],
      [T.bytes(3), new Uint8Array(4), "at most 3 bytes"],
      [T.text, "\ud800", `text of at most ${Limits.timeTextBytes} bytes of UTF-8`],
      [T.words, "\n", "printable text"]
    ]
    for (const [{ schema }, value, expected] of cases) {
      assert.include(String(Schema.decodeUnknownExit(schema)(value)), `Expected ${expected}`)
    }
  })

  it("have the least length of what they encode", () => {
    const shortest: ReadonlyArray<readonly [T.Field<never>, unknown]> = [
      [T.u16, 0],
      [T.u32, 0],
      [T.u64, 0],
      [T.i64, 0],
      [T.u128, 0n],
      [T.natural, 0],
      [T.bool, false],
      [T.hash, new Uint8Array(32)],
      [T.raw(4), new Uint8Array(4)],
      [T.bytes(9), new Uint8Array(0)],
      [T.publicKey, new Uint8Array(32)],
      [T.text, ""],
      [T.words, ""],
      [T.option(T.u64), undefined],
      [T.list(T.u64, 3), []],
      [T.oneOf(["a"]), "a"],
      [T.struct({ a: T.u16, b: T.text }), { a: 0, b: "" }]
    ] as unknown as ReadonlyArray<readonly [T.Field<never>, unknown]>
    for (const [field, value] of shortest) assert.strictEqual(field.least, bytesOf(field, value as never).length)
  })
})

describe("a block", () => {
  const { genesis } = testnet

  it("is written as its bytes, and is its bytes as a view", () => {
    assert.deepStrictEqual(bytesOf(T.block, genesis), [...genesis.bytes])
    const frame = Uint8Array.of(9, ...genesis.bytes, 9)
    const reader = new Reader(frame, 1)
    const block = T.block.read(reader)
    assert.strictEqual(reader.left, 1)
    assert.strictEqual(block.bytes.buffer, frame.buffer)
    assert.deepStrictEqual([...block.bytes], [...genesis.bytes])
    assert.strictEqual(T.block.least, Block.blockLeast)
  })

  it("is anything whose bytes decode as one", () => {
    const cut = genesis.bytes.subarray(0, -1)
    assert.deepStrictEqual(
      takes(T.block, [
        genesis,
        { ...genesis, bytes: cut },
        { bytes: genesis.bytes },
        {},
        { bytes: [] },
        null,
        undefined,
        1,
        "bytes"
      ]),
      [true, false, true, false, false, false, false, false, false]
    )
  })
})
