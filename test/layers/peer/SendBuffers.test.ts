/** Buffers are used again when, and only when, the socket has passed on what is in them. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import { SendBuffers } from "../../../src/layers/peer/SendBuffers.ts"

const size = 3 * Limits.smallFrameBytes + 1

describe("SendBuffers", () => {
  it("never lends memory that the socket may still read", () => {
    const buffers = new SendBuffers()
    const first = buffers.allocate(size)
    assert.strictEqual(first.length, size)
    // Neither before it is handed over, nor until the socket is flushed.
    assert.notStrictEqual(buffers.allocate(size).buffer, first.buffer)
    buffers.flushed()
    assert.notStrictEqual(buffers.allocate(size).buffer, first.buffer)
    buffers.handedOver([first])
    assert.notStrictEqual(buffers.allocate(size).buffer, first.buffer)
    buffers.flushed()
    assert.strictEqual(buffers.allocate(size).buffer, first.buffer)
    // It is lent again: flushing what was written before is not about it.
    buffers.flushed()
    assert.notStrictEqual(buffers.allocate(size).buffer, first.buffer)
  })

  it("fits what it lends, and knows its own", () => {
    const buffers = new SendBuffers()
    const [short, long] = [buffers.allocate(size), buffers.allocate(4 * size)]
    buffers.handedOver([new Uint8Array(size), short.subarray(0, 10), long])
    buffers.flushed()
    assert.strictEqual(buffers.allocate(2 * size).buffer, long.buffer)
    assert.strictEqual(buffers.allocate(1 + Limits.smallFrameBytes).buffer, short.buffer)
    assert.strictEqual(buffers.allocate(10).buffer.byteLength, 10, "a short frame has its own memory")
  })

  it("uses the same memory as often as it comes back", () => {
    const buffers = new SendBuffers()
    const [first] = [buffers.allocate(64 * 1024)]
    const memory = first?.buffer
    let next = first
    for (let i = 0; i < 2 * Limits.spareSendBytes / (64 * 1024); i++) {
      if (next === undefined) return assert.fail("none")
      buffers.handedOver([next])
      buffers.flushed()
      next = buffers.allocate(64 * 1024)
      assert.strictEqual(next.buffer, memory)
    }
  })

  it("keeps no more than its bound", () => {
    const buffers = new SendBuffers()
    const many = Array.from({ length: 40 }, () => buffers.allocate(64 * 1024))
    buffers.handedOver(many)
    buffers.flushed()
    const old = new Set(many.map(({ buffer }) => buffer))
    const again = Array.from({ length: 40 }, () => buffers.allocate(64 * 1024))
    assert.strictEqual(again.filter(({ buffer }) => old.has(buffer)).length, Limits.spareSendBytes / (64 * 1024))
  })
})
