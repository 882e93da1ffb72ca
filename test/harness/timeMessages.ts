/** TIME messages of every kind, made by what reads them: the layouts read from dice instead of from bytes. */
import * as Bincode from "../../src/domain/chain/Bincode.ts"
import * as Block from "../../src/domain/chain/Block.ts"
import * as U64 from "../../src/domain/chain/U64.ts"
import * as T from "../../src/domain/wire/time/TimeLayout.ts"
import { type Message, table, type Tag, tags, type TimeMessage } from "../../src/domain/wire/time/TimeMessage.ts"
import { randomFrom } from "./random.ts"

/** What a daemon answers to a node whose version it refuses. */
export const forkAlert: Message<"ForkAlert"> = {
  _tag: "ForkAlert",
  yourHeight: 0,
  yourHash: new Uint8Array(32),
  consensusHeight: 0,
  consensusHash: new Uint8Array(32),
  consensusPeers: 0,
  message: "please upgrade"
}

type Random = (below: number) => number

const texts = ["", "10.0.0.2", "TIME0abc", "1.2.3.4:24100", "é ü 時", "a\"b/", "x".repeat(70)]

/** Gives any value of each type, small counts, and the ends of ranges often. */
class Dice extends Bincode.Reader {
  private readonly random: Random

  constructor(random: Random) {
    super(new Uint8Array(0))
    this.random = random
  }

  override fail(): void {}

  override u8(): number {
    return this.random(256)
  }

  override u32(): number {
    return this.random(3) === 0 ? this.random(5) : this.random(2) * 0xffff_0000 + this.random(0x1_0000)
  }

  override u64(): U64.U64 {
    const small = this.random(1_000)
    return [small, U64.of(U64.max - BigInt(small)), U64.of(2n ** 53n - 2n + BigInt(small % 4))][this.random(3)] ?? 0
  }

  override i64(): U64.I64 {
    return U64.of(BigInt.asIntN(64, BigInt(this.u64())))
  }

  override small(_: string, signed = false): number {
    const n = this.random(4) === 0 ? Number.MAX_SAFE_INTEGER - this.random(3) : this.random(100_000)
    return signed && n > 0 && this.random(2) === 0 ? -n : n
  }

  override count(least: number): number {
    return this.random(least > 100 ? 3 : 5)
  }

  override raw(n: number): Uint8Array {
    return Uint8Array.from({ length: n }, () => this.random(256))
  }

  override slice(): Uint8Array {
    return new Uint8Array(0)
  }

  override textOf(): string {
    return texts[this.random(texts.length)] ?? ""
  }

  override bool(): boolean {
    return this.random(2) === 0
  }

  override some(): boolean {
    return this.random(2) === 0
  }
}

/** Blocks made of dice get their bytes. */
const withBytes = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withBytes)
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value
  if ("masternodeRewards" in value) return Block.make(value as Block.BlockFields)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withBytes(inner)]))
}

/** The same for the same numbers. */
export const messageOf = (tag: Tag, random: Random): TimeMessage => {
  const message: Record<string, unknown> = { _tag: tag }
  T.readFields(table[tag][1], new Dice(random), message)
  return withBytes(message) as TimeMessage
}

/** `each` messages of every kind, the same for the same seed. */
export const messages = (seed: number, each: number): ReadonlyArray<TimeMessage> => {
  const random = randomFrom(seed)
  return tags.flatMap((tag) => Array.from({ length: each }, () => messageOf(tag, random)))
}
