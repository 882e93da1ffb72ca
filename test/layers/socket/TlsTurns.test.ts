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
  return { raw, stream, passed, hears: (bytes: number) => void raw.emit("data", Buffer.alloc(bytes)) }
}

const read = 64 * 1024
const sum = (all: ReadonlyArray<{ readonly passed: ReadonlyArray<number | string> }>): number =>
  all.flatMap(({ passed }) => passed).reduce<number>((bytes, n) => bytes + (typeof n === "number" ? n : 0), 0)

describe("TlsTurns", () => {
  it("a hundred strangers that pour: each turn decrypts a bounded number of bytes, and each has its turn in order", () => {
    const { next, turns } = loop()
    const all = Array.from({ length: 100 }, () => stranger(turns))
    for (const one of all) one.hears(read)
    const most = Limits.tlsTurnBytes + read
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
    assert.isAtMost(rounds, Math.ceil(100 * read / Limits.tlsTurnBytes))
  })

  it("a ping never waits, whatever the others send", () => {
    const { turns } = loop()
    const flood = Array.from({ length: 20 }, () => stranger(turns))
    for (const one of flood) one.hears(read)
    assert.isAbove(turns.size, 0)
    const honest = stranger(turns)
    honest.hears(35)
    assert.deepStrictEqual(honest.passed, [35])
  })

  it("handshakes: two messages in a turn, however many arrive at once", () => {
    const { next, turns } = loop()
    const all = Array.from({ length: 9 }, () => stranger(turns, false))
    const counts: Array<number> = []
    for (const one of all) one.hears(600)
    do counts.push(all.filter(({ passed }) => passed.length > 0).length)
    while (next() && turns.size > 0)
    counts.push(all.filter(({ passed }) => passed.length > 0).length)
    assert.deepStrictEqual(counts, [2, 4, 6, 8, 9])
  })

  it("a connection that waits is not read, and is read again afterwards unless TLS wants no more", () => {
    const { next, turns } = loop()
    const [first, second] = [stranger(turns), stranger(turns)]
    first.hears(Limits.tlsTurnBytes)
    second.hears(read)
    assert.deepStrictEqual([first.raw.isPaused(), second.raw.isPaused()], [false, true])
    second.stream.resume()
    assert.isTrue(second.raw.isPaused(), "TLS may ask for more meanwhile: not before its turn")
    next()
    assert.deepStrictEqual([second.passed, second.raw.isPaused()], [[read], false])
    first.hears(Limits.tlsTurnBytes)
    second.hears(read)
    second.stream.pause()
    next()
    assert.deepStrictEqual([second.passed, second.raw.isPaused()], [[read, read], true])
  })

  it("the end of a stream comes after what waits, and a connection that is gone has no turn", () => {
    const { next, turns } = loop()
    const [first, ends, gone] = [stranger(turns), stranger(turns), stranger(turns)]
    first.hears(Limits.tlsTurnBytes)
    ends.hears(read)
    gone.hears(read)
    ends.raw.emit("end")
    gone.raw.emit("close")
    assert.deepStrictEqual([ends.passed, gone.passed, turns.size], [[], ["close"], 1])
    next()
    assert.deepStrictEqual([ends.passed, gone.passed], [[read, "end"], ["close"]])
  })

  it("asks for no turn when there is nothing to do", () => {
    const { asked, next, turns } = loop()
    stranger(turns).hears(35)
    assert.strictEqual(asked(), 1)
    next()
    assert.strictEqual(asked(), 0)
  })
})
