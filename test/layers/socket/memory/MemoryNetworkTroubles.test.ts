/** Troubles of `MemoryNetwork` that simulations use: resets at a byte, processes that do not read. */
import { assert, describe } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import type { Socket } from "effect/socket"
import { TestClock } from "effect/testing"
import { MemoryNetwork } from "../../../../src/layers/socket/memory/MemoryNetwork.ts"
import { isSynchronousReader } from "../../../../src/services/PeerSocket.ts"

import {
  a,
  accepting,
  b,
  c,
  dialling,
  during,
  joined,
  net,
  soon,
  start,
  timed
} from "../../../harness/memoryHarness.ts"
import { at, outcome, readAll, text } from "../../../harness/peerSocketHarness.ts"

/** Reads a socket to its end as a node does, in batches as they come. */
const drain = (socket: Socket.Socket) => {
  const got: { text: string; end: string | undefined } = { text: "", end: undefined }
  const reading = Effect.gen(function*() {
    const reader = yield* socket.reader
    assert(isSynchronousReader(reader))
    return yield* reader.drainTo((batch) => {
      got.text += text(batch)
    })
  })
  return Effect.onExit(Effect.scoped(reading), (exit) =>
    Effect.sync(() => {
      got.end = outcome(exit)
    })).pipe(Effect.ignoreCause, Effect.forkScoped, Effect.as(got))
}

/** A connection from `a` to `b`, read at `b` as a node does. */
const drained = Effect.gen(function*() {
  const network = yield* MemoryNetwork
  const ends: Array<{ readonly text: string; readonly end: string | undefined }> = []
  const listener = yield* network.host(b).listen(at(b, 1))
  yield* Effect.forkScoped(
    listener.run(({ socket }) =>
      Effect.scoped(Effect.andThen(Effect.map(drain(socket), (end) => ends.push(end)), Effect.never))
    ),
    { startImmediately: true }
  )
  const near = yield* dialling(network.host(a), b, 1)
  yield* Effect.yieldNow
  const [far] = ends
  assert(far !== undefined)
  return { network, near, far }
})

describe("MemoryNetwork: a reset at a byte", () => {
  net(
    "the reader gets exactly so many more bytes of what was written, wherever chunks end",
    Effect.gen(function*() {
      const { arrived, hostA, network } = yield* joined
      yield* network.reset(a, b)
      for (const maxChunk of [1, 3, 64]) {
        yield* network.setDefaults({ maxChunk })
        for (const bytes of [1, 2, 5, 19, 20]) {
          const near = yield* dialling(hostA, b, 1)
          const far = arrived.at(-1)
          assert(far !== undefined)
          assert.strictEqual(yield* network.resetAfter(a, b, bytes), 1)
          yield* near.write("twenty bytes of text")
          assert.deepStrictEqual(
            yield* readAll(far.pull),
            ["twenty bytes of text".slice(0, bytes), "SocketReadError ECONNRESET"],
            `${bytes} bytes in chunks of ${maxChunk}`
          )
          assert.strictEqual(outcome(yield* Effect.exit(near.write("x"))), "SocketWriteError ECONNRESET")
          assert.deepStrictEqual(yield* readAll(near.pull), ["", "SocketReadError ECONNRESET"])
        }
      }
    })
  )

  net(
    "counts from now on, in one direction, and across writes",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* near.write("before")
      assert.strictEqual(text(yield* far.pull), "before")
      yield* network.resetAfter(a, b, 6)
      yield* far.write("the other direction is free")
      assert.strictEqual(text(yield* near.pull), "the other direction is free")
      yield* near.write("abc")
      assert.strictEqual(text(yield* far.pull), "abc")
      yield* near.write("def")
      yield* near.write("ghi")
      assert.deepStrictEqual(yield* readAll(far.pull), ["def", "SocketReadError ECONNRESET"])
    })
  )

  net(
    "nothing happens before enough is read, and a later word takes it back",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* network.resetAfter(a, b, 100)
      yield* near.write("under a hundred")
      assert.isUndefined(yield* soon(3_600_000, readAll(far.pull)))
      yield* network.resetAfter(a, b, Number.POSITIVE_INFINITY)
      yield* near.write("x".repeat(200))
      yield* near.finish
      assert.deepStrictEqual(yield* readAll(far.pull), ["x".repeat(200), "1000"])
    })
  )

  net(
    "0 bytes means the first one; connections of other hosts are not hit, several of these are",
    Effect.gen(function*() {
      const { arrived, hostA, network } = yield* joined
      const second = yield* dialling(hostA, b, 1)
      const other = yield* dialling(network.host(c), b, 1)
      assert.strictEqual(yield* network.resetAfter(a, b, 0), 2)
      assert.strictEqual(yield* network.resetAfter(a, c, 0), 0)
      yield* second.write("second")
      yield* other.write("other")
      assert.deepStrictEqual(yield* readAll(arrived[1]?.pull ?? Effect.never), ["s", "SocketReadError ECONNRESET"])
      assert.strictEqual(text(yield* arrived[2]?.pull ?? Effect.never), "other")
      assert.strictEqual((yield* network.connections).length, 2)
    })
  )

  net(
    "between two hosts whoever dialled: the second's reading counts",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      assert.strictEqual(yield* network.resetAfter(b, a, 3), 1)
      yield* near.write("free")
      assert.strictEqual(text(yield* far.pull), "free")
      yield* far.write("counted")
      assert.deepStrictEqual(yield* readAll(near.pull), ["cou", "SocketReadError ECONNRESET"])
    })
  )

  net(
    "over a slow link the reset arrives as much later as a packet takes",
    Effect.gen(function*() {
      const { far, near, network } = yield* drained
      yield* network.setDefaults({ latency: 10, maxChunk: 4 })
      yield* network.resetAfter(a, b, 6)
      yield* near.write("012345")
      yield* TestClock.adjust(19)
      assert.deepStrictEqual(far, { text: "012345", end: undefined })
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(far, { text: "012345", end: "SocketReadError ECONNRESET" })
    })
  )
})

describe("MemoryNetwork: a reset at a byte, with more behind it", () => {
  net(
    "the reader gets nothing more, no end either, until the reset arrives",
    Effect.gen(function*() {
      const { far, near, network } = yield* drained
      yield* network.setDefaults({ latency: 10, maxChunk: 4 })
      yield* network.resetAfter(a, b, 6)
      yield* near.write("0123456789")
      yield* TestClock.adjust(15)
      assert.deepStrictEqual(far, { text: "012345", end: undefined })
      yield* near.write("more")
      yield* TestClock.adjust(4)
      assert.deepStrictEqual(far, { text: "012345", end: undefined })
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(far, { text: "012345", end: "SocketReadError ECONNRESET" })
    })
  )

  net(
    "one that pulls as well",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* network.setDefaults({ latency: 10, maxChunk: 4 })
      yield* network.resetAfter(a, b, 6)
      yield* near.write("0123456789")
      const reading = yield* start(timed(readAll(far.pull)))
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(yield* Fiber.join(reading), [["012345", "SocketReadError ECONNRESET"], 20])
    })
  )
})

describe("MemoryNetwork: a process that does not read", () => {
  net(
    "gets nothing until it reads again, then all of it, and still writes",
    Effect.gen(function*() {
      const { far, near, network } = yield* drained
      yield* near.write("before ")
      yield* TestClock.adjust(1)
      yield* network.holdReads(b, true)
      yield* near.write("while ")
      yield* near.write("held ")
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(far.text, "before ")
      yield* network.holdReads(b, false)
      yield* near.write("after")
      yield* TestClock.adjust(1)
      assert.strictEqual(far.text, "before while held after")
      yield* near.finish
      yield* TestClock.adjust(1)
      assert.strictEqual(far.end, "1000")
    })
  )

  net(
    "held before the bytes arrive or after: the reader that waits is not woken; what it writes arrives",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      const reading = yield* start(far.pull)
      yield* network.holdReads(b, true)
      yield* near.write("waits")
      yield* far.write("reply")
      assert.strictEqual(text(yield* near.pull), "reply")
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(reading.pollUnsafe())
      yield* network.holdReads(b, false)
      yield* TestClock.adjust(0)
      assert.strictEqual(text(yield* Fiber.join(reading)), "waits")
    })
  )

  net(
    "nor is it given what has arrived when it asks for more",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* near.write("arrived")
      yield* network.holdReads(b, true)
      const reading = yield* start(far.pull)
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(reading.pollUnsafe())
      yield* network.holdReads(b, false)
      assert.strictEqual(text(yield* during(1, Fiber.join(reading))), "arrived")
    })
  )

  net(
    "a reset is noticed nevertheless",
    Effect.gen(function*() {
      const { far, near, network } = yield* drained
      yield* network.holdReads(b, true)
      yield* near.write("lost")
      yield* network.reset(a, b)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(far, { text: "", end: "SocketReadError ECONNRESET" })
    })
  )

  net(
    "the window fills and the writer waits until it reads again",
    Effect.gen(function*() {
      const { far, near, network } = yield* drained
      yield* network.setDefaults({ bufferBytes: 1_000 })
      yield* network.holdReads(b, true)
      const writing = yield* start(near.write("x".repeat(5_000)))
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(writing.pollUnsafe())
      yield* network.holdReads(b, false)
      yield* TestClock.adjust(1)
      yield* Fiber.join(writing)
      yield* TestClock.adjust(1)
      assert.strictEqual(far.text.length, 5_000)
    })
  )

  net(
    "connections made meanwhile are not read either; those of other hosts are",
    Effect.gen(function*() {
      const network = yield* MemoryNetwork
      const atB = yield* accepting(network.host(b), 1)
      const atC = yield* accepting(network.host(c), 1)
      yield* network.holdReads(b, true)
      const [toB, toC] = [yield* dialling(network.host(a), b, 1), yield* dialling(network.host(a), c, 1)]
      const reading = yield* start(Effect.suspend(() => atB[0]?.pull ?? Effect.never))
      yield* toB.write("b")
      yield* toC.write("c")
      assert.strictEqual(text(yield* atC[0]?.pull ?? Effect.never), "c")
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(reading.pollUnsafe())
      yield* network.holdReads(b, false)
      yield* TestClock.adjust(0)
      assert.strictEqual(text(yield* Fiber.join(reading)), "b")
    })
  )

  net(
    "the process that starts next reads",
    Effect.gen(function*() {
      const { hostA, network } = yield* joined
      yield* network.holdReads(b, true)
      yield* network.crash(b)
      const arrived = yield* accepting(network.host(b), 1)
      const near = yield* dialling(hostA, b, 1)
      const reading = yield* start(Effect.suspend(() => arrived[0]?.pull ?? Effect.never))
      yield* near.write("hello")
      assert.strictEqual(text(yield* during(1, Fiber.join(reading))), "hello")
    })
  )

  net(
    "its own closing ends its reading at once",
    Effect.gen(function*() {
      const { far, network } = yield* joined
      const reading = yield* start(Effect.exit(far.pull))
      yield* network.holdReads(b, true)
      yield* far.close
      yield* TestClock.adjust(0)
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(reading)))
    })
  )
})
