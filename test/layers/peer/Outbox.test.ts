import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import { type Batch, Outbox } from "../../../src/layers/peer/Outbox.ts"

const fresh = { allocate: (bytes: number) => new Uint8Array(bytes) }

const frame = (bytes: number, fill: number) => new Uint8Array(bytes).fill(fill)
const taken = (batch: Batch | undefined): Batch => {
  assert(batch !== undefined)
  return batch
}
const bytesOf = (batch: Batch) => batch.chunks.flatMap((chunk) => [...chunk])

describe("Outbox", () => {
  it("control frames overtake bulk, each kind in order", () => {
    const outbox = new Outbox({ outgoing: 0 })
    outbox.offerBulk(frame(2, 1))
    outbox.offerControl(frame(1, 8))
    outbox.offerBulk(frame(1, 2))
    outbox.offerControl(frame(1, 9))
    assert.deepStrictEqual(bytesOf(taken(outbox.take(fresh))), [8, 9, 1, 1, 2])
    assert.isUndefined(outbox.take(fresh))
  })

  it("small frames leave as one chunk, large payloads uncopied", () => {
    const outbox = new Outbox({ outgoing: 0 })
    for (let i = 0; i < 100; i++) outbox.offerBulk(frame(100, i))
    assert.strictEqual(taken(outbox.take(fresh)).chunks.length, 1)
    const body = frame(100_000, 1)
    outbox.offerBulk([frame(7, 0), body])
    const { chunks } = taken(outbox.take(fresh))
    assert.strictEqual(chunks.at(-1), body)
  })

  it("head and payload of a frame stay together, whatever comes between", () => {
    const outbox = new Outbox({ outgoing: 0 })
    const half = Limits.undrainedBytes / 2
    for (let i = 1; i <= 5; i++) outbox.offerBulk([frame(7, 100 + i), frame(half, i)])
    const seen: Array<number> = []
    while (true) {
      const batch = outbox.take(fresh)
      if (batch === undefined) break
      outbox.wrote(batch)
      outbox.offerControl(frame(1, 255))
      let previous = -1
      for (const chunk of batch.chunks) {
        if (chunk.length === half) assert.strictEqual(previous, 100 + (chunk[0] ?? 0))
        previous = chunk.at(-1) ?? -1
        seen.push(chunk.length)
      }
      if (seen.length > 40) break
    }
    assert.strictEqual(seen.filter((length) => length === half).length, 5)
  })

  it("at most undrainedBytes of bulk leave at once, unless one frame is longer", () => {
    const outbox = new Outbox({ outgoing: 0 })
    for (let i = 0; i < 10; i++) outbox.offerBulk(frame(Limits.undrainedBytes / 4, i))
    const first = taken(outbox.take(fresh))
    assert.strictEqual(first.bytes, Limits.undrainedBytes)
    outbox.wrote(first)
    outbox.clear()
    outbox.offerBulk(frame(2 * Limits.undrainedBytes, 1))
    assert.strictEqual(taken(outbox.take(fresh)).bytes, 2 * Limits.undrainedBytes)
  })

  it("is bounded, and says so", () => {
    const outbox = new Outbox({ outgoing: 0 })
    const big = frame(1024 * 1024, 0)
    let accepted = 0
    while (accepted < 1_000 && outbox.offerBulk(big)) accepted += 1
    assert.strictEqual(accepted, Limits.outboxBytes / big.length)
    let control = 0
    while (control < 1_000_000 && outbox.offerControl(frame(13, 0))) control += 1
    assert.strictEqual(control, Math.floor(Limits.outboxControlBytes / 13))
  })

  it("tells when a frame has left, and frees senders when it is low or cleared", () => {
    const outbox = new Outbox({ outgoing: 0 })
    const log: Array<string> = []
    outbox.offerControl(frame(1, 0), () => log.push("left"))
    const batch = taken(outbox.take(fresh))
    assert.deepStrictEqual(log, [])
    outbox.wrote(batch)
    assert.deepStrictEqual(log, ["left"])
    while (outbox.queuedBytes < 2 * Limits.outboxHighBytes) outbox.offerBulk(frame(Limits.undrainedBytes, 0))
    outbox.whenLow(() => log.push("low"))
    const withdraw = outbox.whenLow(() => log.push("never"))
    withdraw()
    outbox.wrote(taken(outbox.take(fresh)))
    assert.deepStrictEqual(log, ["left"])
    while (outbox.high) outbox.wrote(taken(outbox.take(fresh)))
    assert.deepStrictEqual(log, ["left", "low"])
    // Each at its own mark.
    const before = outbox.queuedBytes
    outbox.whenLow(() => log.push("half"), before / 2)
    outbox.whenLow(() => log.push("nearly"), before - 1)
    outbox.whenLow(() => log.push("cleared"), 0)
    outbox.wrote(taken(outbox.take(fresh)))
    assert.deepStrictEqual(log, ["left", "low", "nearly"])
    while (outbox.queuedBytes > before / 2) outbox.wrote(taken(outbox.take(fresh)))
    assert.deepStrictEqual(log, ["left", "low", "nearly", "half"])
    outbox.clear()
    assert.deepStrictEqual(log, ["left", "low", "nearly", "half", "cleared"])
    assert.strictEqual(outbox.queuedBytes, 0)
  })
})
