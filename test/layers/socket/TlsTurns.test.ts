import { assert, describe, it } from "@effect/vitest"
import * as Net from "node:net"
import * as Limits from "../../../src/domain/Limits.ts"
import { HandshakeStream } from "../../../src/layers/socket/HandshakeStream.ts"
import { TlsTurns } from "../../../src/layers/socket/TlsTurns.ts"

/** The event loop, by hand: `next` runs what was asked for the next turn. */
const loop = () => {
  let asked: Array<() => void> = []
  const turns = new TlsTurns((turn) => asked.push(turn))
  const next = (): boolean => {
    const due = asked
    asked = []
    for (const turn of due) turn()
    return due.length > 0
  }
  return { turns, next, asked: () => asked.length }
}

/** A record of so many bytes in all, and several in one chunk. */
const record = (bytes: number): Buffer => {
  const made = Buffer.alloc(bytes, 1)
  made.set([23, 3, 3, (bytes - 5) >> 8, (bytes - 5) & 255])
  return made
}
const chunkOf = (count: number, bytes: number): Buffer =>
  Buffer.concat(Array.from({ length: count }, () => record(bytes)))
/** What Node reads at once: four records as a sender of bulk data writes them. */
const read = 64 * 1024
const bulk = chunkOf(4, read / 4)
const bulkCost = read + 4 * Limits.tlsRecordCostBytes

/** A stranger's connection, and what TLS has of it. A socket without a connection: events come from the test. */
const stranger = (turns: TlsTurns, isSecured = true) => {
  const raw = new Net.Socket()
  const stream = new HandshakeStream(raw, turns, 1_000, () => raw.destroy())
  const passed: Array<number | string> = []
  stream.on("data", (chunk: Buffer) => passed.push(chunk.length))
  stream.on("end", () => passed.push("end"))
  stream.on("close", () => passed.push("close"))
  if (isSecured) stream.secured()
  stream.resume()
  return { raw, stream, passed, hears: (chunk: Buffer) => void raw.emit("data", chunk) }
}

/** Takes all of a turn, and is not held. */
const fills = ({ hears }: ReturnType<typeof stranger>): void => {
  for (let i = 0; i < Limits.tlsTurnBytes / bulkCost; i++) hears(bulk)
}
const sum = (all: ReadonlyArray<{ readonly passed: ReadonlyArray<number | string> }>): number =>
  all.flatMap(({ passed }) => passed).reduce<number>((bytes, n) => bytes + (typeof n === "number" ? n : 0), 0)

describe("TlsTurns", () => {
  it("a hundred strangers that pour: each turn decrypts a bounded number of bytes, and each has its turn in order", () => {
    const { next, turns } = loop()
    const all = Array.from({ length: 100 }, () => stranger(turns))
    for (const one of all) one.hears(bulk)
    const most = Limits.tlsTurnBytes + Limits.tlsTurnShareBytes
    assert.isAtMost(sum(all), most)
    let before = sum(all)
    let rounds = 0
    for (; turns.size > 0; rounds++) {
      assert.isTrue(next(), "a turn is asked for while one waits")
      assert.isAtMost(sum(all) - before, most)
      before = sum(all)
      const done = all.findIndex(({ passed }) => passed.length === 0)
      assert.isTrue(done < 0 || all.slice(done).every(({ passed }) => passed.length === 0), "first come, first served")
    }
    assert.strictEqual(sum(all), 100 * read)
    assert.isAtMost(rounds, Math.ceil(100 * bulkCost / Limits.tlsTurnBytes))
  })

  it("a ping never waits, whatever the others send", () => {
    const { turns } = loop()
    const flood = Array.from({ length: 20 }, () => stranger(turns))
    for (const one of flood) one.hears(bulk)
    assert.isAbove(turns.size, 0)
    const honest = stranger(turns)
    honest.hears(record(35))
    assert.deepStrictEqual(honest.passed, [35])
  })

  it("handshakes: two messages in a turn, however many arrive at once", () => {
    const { next, turns } = loop()
    const all = Array.from({ length: 9 }, () => stranger(turns, false))
    const counts: Array<number> = []
    for (const one of all) one.hears(record(600))
    do counts.push(all.filter(({ passed }) => passed.length > 0).length)
    while (next() && turns.size > 0)
    counts.push(all.filter(({ passed }) => passed.length > 0).length)
    assert.deepStrictEqual(counts, [2, 4, 6, 8, 9])
  })

  it("a connection that waits is not read, and is read again afterwards unless TLS wants no more", () => {
    const { next, turns } = loop()
    const [first, second] = [stranger(turns), stranger(turns)]
    fills(first)
    second.hears(bulk)
    assert.deepStrictEqual([first.raw.isPaused(), second.raw.isPaused()], [false, true])
    assert.strictEqual(second.stream.bytesRead, 0, "what waits is no overhead of TLS")
    second.stream.resume()
    assert.isTrue(second.raw.isPaused(), "TLS may ask for more meanwhile: not before its turn")
    next()
    assert.deepStrictEqual([second.passed, second.raw.isPaused()], [[read], false])
    fills(first)
    second.hears(bulk)
    second.stream.pause()
    next()
    assert.deepStrictEqual(
      [second.passed, turns.size],
      [[read], 0],
      "TLS wants no more: what it has is bounded by that"
    )
    second.stream.resume()
    next()
    assert.deepStrictEqual([second.passed, second.raw.isPaused()], [[read, read], false])
  })

  it("short records cost what they take: a chunk of them is cut, and their number in a turn is bounded", () => {
    const { next, turns } = loop()
    const most = Limits.tlsTurnBytes / Limits.tlsRecordCostBytes + Limits.tlsTurnShareBytes / Limits.tlsRecordCostBytes
    const all = Array.from({ length: 5 }, () => stranger(turns))
    for (const one of all) one.hears(chunkOf(2_000, 25))
    let before = 0
    for (let rounds = 0; before < 10_000 * 25; rounds++) {
      const now = sum(all)
      assert.isAtMost((now - before) / 25, most)
      assert.isAtMost(rounds, 10_000 * (25 + Limits.tlsRecordCostBytes) / Limits.tlsTurnBytes + 1)
      before = now
      next()
    }
    const [first] = all
    assert.isAbove(first?.passed.length ?? 0, 5)
    assert.isTrue(first?.passed.every((bytes) => typeof bytes === "number" && bytes % 25 === 0), "cut between records")
    assert.strictEqual(turns.size, 0)
  })

  it("data that came with the end of a handshake has its turn after it", () => {
    const { next, turns } = loop()
    const one = stranger(turns, false)
    one.stream.once("data", () => one.stream.secured())
    one.hears(Buffer.concat([record(1_000), chunkOf(1_000, 25)]))
    assert.deepStrictEqual(one.passed, [1_000])
    for (let rounds = 0; next() && rounds < 30; rounds++);
    assert.strictEqual(sum([one]), 26_000)
    assert.isAbove(one.passed.length, 3)
  })

  it("the end of a stream comes after what waits, and a connection that is gone has no turn", () => {
    const { next, turns } = loop()
    const [first, ends, gone] = [stranger(turns), stranger(turns), stranger(turns)]
    fills(first)
    ends.hears(bulk)
    gone.hears(bulk)
    ends.raw.emit("end")
    gone.raw.emit("close")
    assert.deepStrictEqual([ends.passed, gone.passed, turns.size], [[], ["close"], 1])
    next()
    assert.deepStrictEqual([ends.passed, gone.passed], [[read, "end"], ["close"]])
  })

  it("asks for no turn when there is nothing to do", () => {
    const { asked, next, turns } = loop()
    stranger(turns).hears(record(35))
    assert.strictEqual(asked(), 1)
    next()
    assert.strictEqual(asked(), 0)
  })
})
