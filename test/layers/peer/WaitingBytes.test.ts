import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import { Outbox } from "../../../src/layers/peer/Outbox.ts"
import { WaitingBytes } from "../../../src/layers/peer/WaitingBytes.ts"

const MiB = 1024 * 1024
const fresh = { allocate: (bytes: number) => new Uint8Array(bytes) }

const arrival = () => {
  const one = {
    isPaused: false,
    held: 0,
    gaveUp: 0,
    pauseReading: () => {
      assert.isFalse(one.isPaused)
      one.isPaused = true
    },
    resumeReading: () => {
      assert.isTrue(one.isPaused)
      one.isPaused = false
    },
    giveUp: () => {
      one.gaveUp += 1
    }
  }
  return one
}

describe("WaitingBytes of arriving frames", () => {
  it("122 frames of 8 MiB that never end: never more than the budget and what is free, and each has its turn in time", () => {
    const waiting = new WaitingBytes()
    const all = Array.from({ length: 122 }, arrival)
    const read = 64 * 1024
    const live = new Set(all)
    let most = 0
    let now = 0
    for (; live.size > 0; now += 1_000) {
      for (const one of live) {
        for (let i = 0; i < 20 && !one.isPaused && one.held < 7 * MiB; i++) {
          one.held += read
          if (one.held > Limits.arrivingFreeBytes) waiting.want(one, 8 * MiB, now)
        }
      }
      most = Math.max(most, all.reduce((sum, { held }) => sum + held, 0))
      waiting.beat(now)
      for (const one of live) {
        if (one.gaveUp === 0 && (one.isPaused || live.size > 16)) continue
        live.delete(one)
        one.held = 0
        waiting.release(one, now)
      }
    }
    assert.isAtMost(most, Limits.arrivingBytes + all.length * (Limits.arrivingFreeBytes + read))
    assert.strictEqual(waiting.arriving, 0)
    assert.isBelow(now, Limits.frameMs)
  })

  it("first come first served; a frame that ends or a connection that closes lets the next one proceed", () => {
    const waiting = new WaitingBytes()
    const [first, second, third] = [arrival(), arrival(), arrival()]
    waiting.want(first, Limits.arrivingBytes, 0)
    waiting.want(second, 8 * MiB, 0)
    waiting.want(third, 1 * MiB, 0)
    assert.deepStrictEqual([first, second, third].map(({ isPaused }) => isPaused), [false, true, true])
    waiting.release(second, 0)
    assert.isFalse(second.isPaused, "as it was before")
    waiting.release(first, 0)
    assert.isFalse(third.isPaused)
    waiting.release(third, 0)
    assert.strictEqual(waiting.arriving, 0)
  })

  it("a short frame does not overtake a long one that waits: it would wait for ever", () => {
    const waiting = new WaitingBytes()
    const [first, second, long, short] = [arrival(), arrival(), arrival(), arrival()]
    for (const half of [first, second]) waiting.want(half, Limits.arrivingBytes / 2, 0)
    waiting.want(long, Limits.arrivingBytes, 0)
    waiting.want(short, MiB, 0)
    waiting.release(first, 0)
    assert.deepStrictEqual([long.isPaused, short.isPaused], [true, true])
    waiting.release(second, 0)
    assert.deepStrictEqual([long.isPaused, short.isPaused], [false, true])
    waiting.release(long, 0)
    assert.isFalse(short.isPaused)
  })

  it("a slow frame is given up only while others wait", () => {
    const waiting = new WaitingBytes()
    const [slow, other] = [arrival(), arrival()]
    waiting.want(slow, Limits.arrivingBytes, 0)
    waiting.beat(Limits.frameMs)
    assert.strictEqual(slow.gaveUp, 0)
    waiting.want(other, MiB, Limits.frameMs)
    waiting.beat(Limits.frameMs + 1)
    assert.strictEqual(slow.gaveUp, 1)
  })
})

describe("outboxes of one node", () => {
  it("together hold no more than their budget; one within its fair share is never refused for it", () => {
    const waiting = new WaitingBytes()
    const frame = new Uint8Array(MiB / 2)
    const boxes = Array.from({ length: 125 }, () => new Outbox(waiting))
    for (let round = 0; round < 64; round++) for (const box of boxes) box.offerBulk(frame)
    assert.isAtMost(waiting.outgoing, Limits.outboxesBytes + boxes.length * Limits.outboxFairBytes)
    assert.isTrue(boxes.every((box) => box.queuedBytes >= Limits.outboxFairBytes), "each has its share")
    for (const box of boxes) box.end()
    assert.strictEqual(waiting.outgoing, 0)
  })

  it("what is written, cleared or lost is given back exactly", () => {
    const waiting = new WaitingBytes()
    const box = new Outbox(waiting)
    box.offerControl(new Uint8Array(10))
    box.offerBulk(new Uint8Array(1_000))
    const batch = box.take(fresh)
    assert(batch !== undefined)
    box.offerBulk(new Uint8Array(500))
    assert.strictEqual(waiting.outgoing, 1_510)
    box.wrote(batch)
    assert.strictEqual(waiting.outgoing, 500)
    box.take(fresh)
    box.clear()
    assert.strictEqual(waiting.outgoing, 500, "under way")
    box.end()
    box.wrote(batch)
    assert.strictEqual(waiting.outgoing, 0)
  })
})
