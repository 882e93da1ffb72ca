import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../../src/domain/Limits.ts"
import * as TimeEncoder from "../../../../src/domain/wire/time/TimeEncoder.ts"
import { TimeFraming } from "../../../../src/domain/wire/time/TimeFraming.ts"
import type { TimeMessage } from "../../../../src/domain/wire/time/TimeMessage.ts"
import { TimeReader } from "../../../../src/domain/wire/time/TimeReader.ts"
import { randomFrom } from "../../../harness/random.ts"
import { messages } from "../../../harness/timeMessages.ts"
import { recorded } from "../../../harness/vectors.ts"

/** The names of what a reader gives for the stream in these chunks. */
const names = (chunks: ReadonlyArray<Uint8Array>, reader = new TimeReader()): ReadonlyArray<string> => {
  const read: Array<string> = []
  for (const chunk of chunks) {
    reader.push(chunk)
    for (let next = reader.read(Limits.frameBytes); next !== "none"; next = reader.read(Limits.frameBytes)) {
      if (next === "malformed") return [...read, "malformed"]
      read.push(reader.message()._tag)
    }
  }
  return read
}

const cut = (stream: Uint8Array, random: (n: number) => number, most: number): ReadonlyArray<Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  for (let at = 0; at < stream.length;) {
    const end = Math.min(stream.length, at + 1 + random(most))
    chunks.push(stream.slice(at, end))
    at = end
  }
  return chunks
}

const handshake: TimeMessage = {
  _tag: "Handshake",
  magic: Uint8Array.of(1, 2, 3, 4),
  version: 2,
  network: "testnet",
  commitCount: 2_100
}

const bytes = (message: TimeMessage, commitCount?: number): Uint8Array =>
  TimeEncoder.encode(message, commitCount) ?? new Uint8Array(0)

describe("TimeReader", () => {
  it("reads a conversation alike however it is cut, a byte at a time too", () => {
    const frames = recorded("rec-both-dial").filter(({ dir }) => dir === "from-daemon").map(({ frame }) => frame)
    const stream = Buffer.concat(frames)
    const whole = names(frames)
    assert.strictEqual(whole.length, frames.length)
    assert.notInclude(whole, "BadBody")
    for (const most of [1, 7, 500, 40_000]) assert.deepStrictEqual(names(cut(stream, randomFrom(most), most)), whole)
  })

  it("skips empty and short frames, alone and between others", () => {
    const ping = bytes({ _tag: "GetPeers" })
    const empty = new Uint8Array(4)
    const short = Uint8Array.of(0, 0, 0, 3, 42, 0, 0)
    const stream = Buffer.concat([empty, ping, empty, empty, short, ping, empty])
    const expected = ["Unknown", "GetPeers", "Unknown", "Unknown", "Unknown", "GetPeers", "Unknown"]
    assert.deepStrictEqual(names([stream]), expected)
    for (let seed = 0; seed < 50; seed++) assert.deepStrictEqual(names(cut(stream, randomFrom(seed), 5)), expected)
  })

  it("numbers variants as the peer's first Handshake says", () => {
    const announcement = messages(1, 1).find(({ _tag }) => _tag === "MasternodeAnnouncementV3")
    if (announcement === undefined) return assert.fail("no announcement")
    const early = bytes(announcement, 2_100)
    const second = bytes({ ...handshake, commitCount: 2_344 })
    assert.deepStrictEqual(names([early, bytes(handshake), early, second, early]), [
      "Unknown",
      "Handshake",
      "MasternodeAnnouncementV3",
      "Handshake",
      "MasternodeAnnouncementV3"
    ])
  })

  it("a length over the limit ends it, and sets nothing aside", () => {
    for (const length of [Limits.frameBytes + 1, 0x1503_0300, 0x1603_0100, 0xffff_ffff]) {
      let allocated = 0
      const reader = new TimeReader((n) => {
        allocated += n
        return new Uint8Array(n)
      })
      const head = Buffer.alloc(5)
      head.writeUInt32BE(length)
      assert.deepStrictEqual(names([...head].map((byte) => Uint8Array.of(byte)), reader), ["malformed"])
      assert.strictEqual(reader.fault(Limits.frameBytes), `frame length ${length} exceeds limit ${Limits.frameBytes}`)
      assert.strictEqual(allocated, 0)
    }
    const reader = new TimeReader()
    reader.push(Uint8Array.of(0, 0x80, 0, 0, 10, 0, 0, 0))
    assert.strictEqual(reader.read(Limits.frameBytes), "none") // 8 MiB exactly
    assert.strictEqual(reader.announced, Limits.frameBytes + 4)
  })

  it("has no channels, and bodies of the whole payload", () => {
    const reader = new TimeReader()
    const ping = bytes({ _tag: "GetPeers" })
    reader.push(Buffer.concat([ping, new Uint8Array(4), ping.subarray(0, 5)]))
    assert.strictEqual(reader.read(Limits.frameBytes), "message")
    assert.deepStrictEqual([reader.bodyBytes, reader.payloads(), reader.channel], [4, 0, 0])
    assert.strictEqual(reader.read(Limits.frameBytes), "message")
    assert.strictEqual(reader.bodyBytes, 0)
    assert.strictEqual(reader.read(Limits.frameBytes), "none")
    assert.deepStrictEqual([reader.arriving, reader.pending, reader.announced], [true, 5, 8])
  })

  it("is a framing of this network's name, with room for a handshake before Up and for blocks after it", () => {
    assert.strictEqual(TimeFraming.name, "TIME")
    assert.deepStrictEqual(TimeFraming.limits, { beforeUp: 4_096, up: 8 * 1024 * 1024, payload: 0 })
    let allocated = 0
    const reader = TimeFraming.reader((n) => {
      allocated += n
      return new Uint8Array(n)
    })
    const long = bytes({ _tag: "ConnectivityWarning", message: "x".repeat(500) })
    reader.push(long.subarray(0, 100))
    reader.push(long.subarray(100))
    assert.strictEqual(reader.read(Limits.frameBytes), "message")
    assert.strictEqual(allocated, long.length - 4)
  })
})
