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

  it("beyond its own share is bounded by what the node's outboxes hold together", () => {
    const all = { outgoing: 0 }
    const outbox = new Outbox(all)
    const share = Limits.outboxFairBytes
    all.outgoing = Limits.outboxesBytes
    assert.isTrue(outbox.offerBulk(frame(share, 1)), "its share is its own, however full the others are")
    assert.isFalse(outbox.offerBulk(frame(1, 1)))
    assert.strictEqual(all.outgoing, Limits.outboxesBytes + share)
    all.outgoing = Limits.outboxesBytes - 5
    assert.isFalse(outbox.offerBulk(frame(6, 1)))
    assert.isTrue(outbox.offerBulk([frame(2, 1), frame(3, 1)]))
    assert.deepStrictEqual([outbox.queuedBytes, all.outgoing], [share + 5, Limits.outboxesBytes])
  })

  it("is high over its mark, control frames and what is being written included", () => {
    const outbox = new Outbox({ outgoing: 0 })
    outbox.offerBulk(frame(Limits.outboxHighBytes, 1))
    assert.isFalse(outbox.high)
    outbox.offerControl(frame(1, 1))
    assert.isTrue(outbox.high)
    const batch = taken(outbox.take(fresh))
    assert.isTrue(outbox.high)
    outbox.wrote(batch)
    assert.isFalse(outbox.high)
  })

  it("counts what is queued and being written, its own and the node's, until it is written or dropped", () => {
    const all = { outgoing: 1_000 }
    const outbox = new Outbox(all)
    outbox.offerControl(frame(3, 1))
    outbox.offerBulk([frame(2, 1), frame(5, 1)])
    const batch = taken(outbox.take(fresh))
    assert.deepStrictEqual([batch.bytes, outbox.queuedBytes, all.outgoing], [10, 10, 1_010])
    outbox.offerControl(frame(4, 1))
    outbox.offerBulk(frame(6, 1))
    outbox.clear()
    assert.deepStrictEqual([outbox.queuedBytes, all.outgoing], [10, 1_010], "it is being written")
    assert.isUndefined(outbox.take(fresh))
    outbox.wrote(batch)
    assert.deepStrictEqual([outbox.queuedBytes, all.outgoing], [0, 1_000])
    outbox.offerBulk(frame(6, 1))
    outbox.take(fresh)
    outbox.offerControl(frame(4, 1))
    outbox.end()
    assert.deepStrictEqual([outbox.queuedBytes, all.outgoing], [0, 1_000])
  })

  it("that is cleared reports no frame that it dropped, and one that leaves is reported once", () => {
    const outbox = new Outbox({ outgoing: 0 })
    const log: Array<string> = []
    outbox.offerControl(frame(1, 0), () => log.push("dropped"))
    outbox.clear()
    outbox.offerControl(frame(1, 0), () => log.push("left"))
    const batch = taken(outbox.take(fresh))
    outbox.offerControl(frame(1, 0))
    outbox.wrote(batch)
    const next = taken(outbox.take(fresh))
    assert.deepStrictEqual([next.onFlushed, log], [[], ["left"]])
  })

  it("takes many frames in order, whatever was taken before", () => {
    const outbox = new Outbox({ outgoing: 0 })
    const size = Limits.undrainedBytes / 1_500
    const count = 4_000
    for (let i = 0; i < count; i++) outbox.offerBulk(frame(Math.floor(size), i & 255))
    const firsts: Array<number> = []
    for (let batch = outbox.take(fresh); batch !== undefined; batch = outbox.take(fresh)) {
      assert.isAtMost(batch.bytes, Limits.undrainedBytes)
      for (const chunk of batch.chunks) {
        for (let at = 0; at < chunk.length; at += Math.floor(size)) firsts.push(chunk[at] ?? -1)
      }
      outbox.wrote(batch)
    }
    assert.deepStrictEqual(firsts, Array.from({ length: count }, (_, i) => i & 255))
    assert.strictEqual(outbox.queuedBytes, 0)
  })

  it("joins runs of at least two small frames up to a slab, and nothing that is long", () => {
    const lengths = (...frames: ReadonlyArray<number>) => {
      const outbox = new Outbox({ outgoing: 0 })
      for (const length of frames) outbox.offerBulk(frame(length, 1))
      return taken(outbox.take(fresh)).chunks.map(({ length }) => length)
    }
    const small = Limits.smallFrameBytes - 1
    assert.deepStrictEqual(lengths(3), [3])
    assert.deepStrictEqual(lengths(3, 4), [7])
    assert.deepStrictEqual(lengths(small, small + 1, 3), [small, small + 1, 3])
    assert.deepStrictEqual(lengths(small + 1, 3, 4), [small + 1, 7])
    const fit = Math.floor(Limits.slabBytes / small)
    const rest = Limits.slabBytes - fit * small
    const many = Array.from({ length: fit }, () => small)
    assert.deepStrictEqual(lengths(...many, rest, 5, 6), [Limits.slabBytes, 11])
    assert.deepStrictEqual(lengths(...many, rest + 1, 6), [fit * small, rest + 7])
  })

  it("with a bound on control frames takes the last that fits exactly", () => {
    const outbox = new Outbox({ outgoing: 0 })
    assert.isTrue(outbox.offerControl(frame(Limits.outboxControlBytes - 2, 0)))
    assert.isFalse(outbox.offerControl(frame(3, 0)))
    assert.isTrue(outbox.offerControl(frame(2, 0)))
  })
})
