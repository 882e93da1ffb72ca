import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Loggers from "../../../src/layers/log/Loggers.ts"
import * as LogOutput from "../../../src/layers/log/LogOutput.ts"

/** An output that takes `room` bytes, or fails as the system would. */
const sink = () => {
  let text = ""
  const state: { room: number; error: Error | undefined } = { room: Number.POSITIVE_INFINITY, error: undefined }
  const output = LogOutput.make((bytes) => {
    if (state.error !== undefined) throw state.error
    const taken = Math.min(state.room, bytes.length)
    state.room -= taken
    text += new TextDecoder().decode(bytes.subarray(0, taken))
    return taken
  })
  return { output, state, text: () => text, lines: () => text.split("\n").slice(0, -1) }
}

const full = Object.assign(new Error("write ENOSPC"), { code: "ENOSPC" })

describe("LogOutput", () => {
  it("a reader that stops costs lines, not memory, and what it gets is whole and in order", () => {
    const { lines, output, state } = sink()
    state.room = 25
    const line = "x".repeat(93)
    for (let i = 0; i < 10_000; i++) output.line(`${String(i).padStart(5, "0")} ${line}`)
    const kept = 10_000 - output.dropped()
    assert.isAtMost(kept, Limits.logPendingBytes / 100 + 1)
    assert.isAbove(output.dropped(), 0)
    state.room = Number.POSITIVE_INFINITY
    output.line("again")
    assert.strictEqual(lines().length, kept + 1)
    assert.deepStrictEqual(lines().slice(0, 3).map((text) => text.slice(0, 5)), ["00000", "00001", "00002"])
    assert.strictEqual(lines().at(-1), "again")
    assert.isTrue(lines().slice(0, -1).every((text) => text.endsWith(line)))
  })

  it("a full disk drops lines one by one, with the reason, and takes the next as soon as there is room", () => {
    const { lines, output, state } = sink()
    output.line("before")
    state.error = full
    output.line("lost")
    output.line("lost too")
    assert.strictEqual(output.dropped(), 2)
    assert.strictEqual(output.reason(), "no space left on device")
    state.error = undefined
    output.line("after")
    assert.deepStrictEqual(lines(), ["before", "after"])
  })

  it("a line that a full disk cut is ended before the next one", () => {
    const { lines, output, state } = sink()
    state.room = 3
    output.line("broken")
    state.error = full
    output.flush()
    state.error = undefined
    state.room = Number.POSITIVE_INFINITY
    output.line("whole")
    assert.deepStrictEqual(lines(), ["bro", "whole"])
    assert.strictEqual(output.dropped(), 1)
  })

  it("a progress bar never waits, and is no lost line", () => {
    const { output, state, text } = sink()
    state.room = 0
    output.line("first")
    output.hint("[####]")
    assert.strictEqual(output.dropped(), 0)
    state.room = Number.POSITIVE_INFINITY
    output.flush()
    assert.strictEqual(text(), "first\n")
  })

  it.effect("the log reports how many lines it dropped, once it takes lines again", () =>
    Effect.gen(function*() {
      const { lines, output, state } = sink()
      const logged = Loggers.layer({ format: "pretty", level: "Info", colours: false, output })
      const fiber = yield* Effect.forkChild(
        Effect.gen(function*() {
          state.error = full
          yield* Effect.logInfo("one")
          yield* Effect.logInfo("two")
          yield* TestClock.adjust(3 * Limits.logRetryMs)
          state.error = undefined
          yield* TestClock.adjust(3 * Limits.logRetryMs)
        }).pipe(Effect.provide(Layer.fresh(logged)))
      )
      yield* Fiber.join(fiber)
      assert.strictEqual(lines().length, 1)
      assert.match(lines()[0] ?? "", /WARN +dropped 2 log lines: no space left on device$/)
    }))
})
