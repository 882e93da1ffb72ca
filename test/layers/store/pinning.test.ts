import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { TestClock } from "effect/testing"
import * as Limits from "../../../src/domain/Limits.ts"
import { fromStringUnsafe as ip } from "../../../src/domain/peer/PeerIp.ts"
import { PinTable } from "../../../src/domain/peer/PinTable.ts"
import { pinning } from "../../../src/layers/store/pinning.ts"
import type { Secured } from "../../../src/services/PeerSocket.ts"

const showing = (key: string): Secured => ({ _tag: "Tls", version: "TLSv1.3", protocol: "timemesh/1", key })
const stranger = (n: number) => ip(`198.51.${n >> 8}.${n & 255}`)

describe("pinning", () => {
  it.effect("strangers that come with one key and then another: every one is refused, few fill the log", () => {
    const lines: Array<unknown> = []
    return Effect.gen(function*() {
      const pins = yield* pinning(new PinTable())
      for (let n = 0; n < 500; n++) {
        assert.isUndefined(pins.judge(stranger(n), showing("a")))
        assert.isDefined(pins.judge(stranger(n), showing("b")))
        assert.strictEqual(pins.report(stranger(n))?.state, "other-key")
      }
      yield* Effect.yieldNow
      assert.strictEqual(lines.length, Limits.pinWarnings.burst)
      // One that was not reported then is reported later; one that was is not again.
      yield* TestClock.adjust("1 minute")
      for (const n of [0, 499]) pins.judge(stranger(n), showing("b"))
      yield* Effect.yieldNow
      assert.strictEqual(lines.length, Limits.pinWarnings.burst + 1)
      assert.include(String(lines.at(-1)), `${stranger(499)}`)
    }).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => lines.push(message))])))
  })

  it.effect("what it remembers of refusals goes with the pin", () =>
    Effect.gen(function*() {
      const table = new PinTable()
      const pins = yield* pinning(table)
      pins.judge(stranger(0), showing("a"))
      pins.judge(stranger(0), showing("b"))
      for (let n = 1; n <= Limits.pins; n++) pins.judge(stranger(n), showing("a"))
      assert.isUndefined(pins.report(stranger(0)))
      pins.judge(stranger(0), showing("b"))
      assert.strictEqual(pins.report(stranger(0))?.state, "pinned")
      assert.strictEqual(table.size, Limits.pins)
    }))
})
