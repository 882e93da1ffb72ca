import { assert, describe } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Option, Scope } from "effect"
import { TestClock } from "effect/testing"
import { MemoryNetwork } from "../../../../src/layers/socket/memory/MemoryNetwork.ts"

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
import { at, ip, line, outcome, readAll, text } from "../../../harness/peerSocketHarness.ts"

describe("MemoryNetwork: resets", () => {
  net(
    "both ends fail, what was under way is lost, blocked writers are freed",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* network.setDefaults({ latency: 10 })
      yield* near.write("lost")
      const writing = yield* start(Effect.exit(far.write(new Uint8Array(1_000_000))))
      const reading = yield* start(Effect.exit(far.pull))
      assert.strictEqual(yield* network.reset(b, a), 1)
      yield* TestClock.adjust(100)
      assert.strictEqual(outcome(yield* Fiber.join(reading)), "SocketReadError ECONNRESET")
      assert.strictEqual(outcome(yield* Fiber.join(writing)), "SocketWriteError ECONNRESET")
      assert.deepStrictEqual(yield* readAll(near.pull), ["", "SocketReadError ECONNRESET"])
      assert.strictEqual(outcome(yield* Effect.exit(near.write("x"))), "SocketWriteError ECONNRESET")
      assert.deepStrictEqual(yield* network.connections, [])
    })
  )

  net(
    "one of several connections",
    Effect.gen(function*() {
      const { far, hostA, near, network } = yield* joined
      const second = yield* dialling(hostA, b, 1)
      assert.strictEqual(yield* network.reset(a, b, ({ initiator }) => initiator.port === far.remote.port), 1)
      assert.strictEqual(outcome(yield* Effect.exit(near.pull)), "SocketReadError ECONNRESET")
      yield* second.write("untouched")
      assert.strictEqual((yield* network.connections).length, 1)
      assert.strictEqual(yield* network.reset(a, c), 0)
    })
  )

  net(
    "closing with bytes unread is a reset; without, it is a FIN, and later bytes are answered with a reset",
    Effect.gen(function*() {
      const { arrived, far, hostA, near, network } = yield* joined
      yield* near.write("never read")
      yield* far.write("lost reason")
      yield* far.close
      assert.deepStrictEqual(yield* readAll(near.pull), ["", "SocketReadError ECONNRESET"])

      const second = yield* dialling(hostA, b, 1)
      yield* network.setDefaults({ latency: 10 })
      yield* arrived[1]?.close ?? Effect.void
      assert.deepStrictEqual(yield* during(10, readAll(second.pull)), ["", "1000"])
      yield* second.write("too late")
      yield* TestClock.adjust(19)
      yield* second.write("not yet known")
      yield* TestClock.adjust(1)
      assert.strictEqual(outcome(yield* Effect.exit(second.write("now"))), "SocketWriteError ECONNRESET")
    })
  )
})

describe("MemoryNetwork: what a close does", () => {
  net(
    "a reset does not overtake the bytes before it",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* network.setDefaults({ latency: 10, bandwidth: 1_000 })
      yield* near.write("unread")
      yield* TestClock.adjust(100)
      yield* far.write("x".repeat(500)) // the last byte arrives after 510 ms
      yield* far.close
      const reading = yield* start(timed(readAll(near.pull)))
      yield* TestClock.adjust(509)
      assert.isUndefined(reading.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.strictEqual((yield* Fiber.join(reading))[1], 610)
    })
  )

  net(
    "bytes under way to a closing end are answered with a reset",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* network.setDefaults({ latency: 10 })
      yield* near.write("crossing")
      yield* far.close
      assert.deepStrictEqual(yield* during(10, readAll(near.pull)), ["", "1000"])
      yield* TestClock.adjust(9)
      assert.strictEqual((yield* network.connections).length, 1)
      yield* TestClock.adjust(1)
      assert.strictEqual(outcome(yield* Effect.exit(near.write("x"))), "SocketWriteError ECONNRESET")
    })
  )

  net(
    "the reader owns what it gets",
    Effect.gen(function*() {
      const { far, near } = yield* joined
      const bytes = Uint8Array.of(1, 2, 3)
      yield* near.write(bytes)
      const got = (yield* far.pull)[0]
      if (got instanceof Uint8Array) got.fill(9)
      assert.deepStrictEqual([...bytes], [1, 2, 3])
    })
  )
})

describe("MemoryNetwork: hosts that go", () => {
  net(
    "drop: silence at both ends, nothing under way arrives, nothing is answered",
    Effect.gen(function*() {
      const { far, hostA, hostB, near, network } = yield* joined
      yield* network.setDefaults({ latency: 10, bufferBytes: 1_000 })
      yield* far.write("arrived ")
      yield* TestClock.adjust(10)
      yield* far.write("under way")
      yield* network.drop(b)
      assert.strictEqual(text(yield* near.pull), "arrived ")
      assert.isUndefined(yield* soon(3_600_000, near.pull))
      yield* near.write(new Uint8Array(1_000)) // the kernel takes it
      assert.isUndefined(yield* soon(3_600_000, near.write("x")))
      assert.strictEqual(outcome(yield* during(5_000, Effect.exit(dialling(hostA, b, 1)))), "SocketOpenError Timeout")
      // the dead process: hangs, until its scopes close
      assert.isUndefined(yield* soon(3_600_000, far.pull))
      assert.isUndefined(yield* soon(3_600_000, far.write("x")))
      assert.isUndefined(yield* soon(3_600_000, dialling(hostB, a, 1)))
      assert.isUndefined(yield* soon(3_600_000, Effect.scoped(hostB.listen(at("0.0.0.0", 2)))))
      assert.deepStrictEqual(
        (yield* network.connections).map((it) => [it.initiatorOpen, it.acceptorOpen]),
        [[true, false]]
      )
      yield* far.close
      assert.strictEqual(outcome(yield* Effect.exit(far.pull)), "1006")
    })
  )

  net(
    "restore: old connections are reset when their other end writes",
    Effect.gen(function*() {
      const { hostA, near, network } = yield* joined
      yield* network.setDefaults({ latency: 10 })
      yield* network.drop(b)
      yield* TestClock.adjust(60_000)
      yield* network.restore(b)
      assert.isUndefined(yield* soon(3_600_000, near.pull)) // silent until it writes
      assert.strictEqual(
        outcome(yield* during(20, Effect.exit(dialling(hostA, b, 1)))),
        "SocketOpenError ECONNREFUSED"
      )
      yield* near.write("hello?")
      const reading = yield* start(timed(Effect.exit(near.pull)))
      const begin = yield* Clock.currentTimeMillis
      yield* TestClock.adjust(100)
      const [exit, time] = yield* Fiber.join(reading)
      assert.deepStrictEqual([outcome(exit), time - begin], ["SocketReadError ECONNRESET", 20])
      // the next process
      yield* accepting(network.host(b), 1)
      assert.strictEqual(outcome(yield* during(20, Effect.exit(dialling(hostA, b, 1)))), "success")
    })
  )

  net(
    "restore: what was written while the machine was down is answered at once",
    Effect.gen(function*() {
      const { near, network } = yield* joined
      yield* network.setDefaults({ latency: 10 })
      yield* network.drop(b)
      yield* near.write("ping")
      const reading = yield* start(timed(Effect.exit(near.pull)))
      yield* TestClock.adjust(1_000)
      assert.isUndefined(reading.pollUnsafe())
      yield* network.restore(b)
      yield* TestClock.adjust(1_000)
      const [exit, time] = yield* Fiber.join(reading)
      assert.deepStrictEqual([outcome(exit), time], ["SocketReadError ECONNRESET", 1_020])
    })
  )

  net(
    "crash: the kernel closes, and frees the ports for the next process",
    Effect.gen(function*() {
      const { arrived, far, hostA, hostB, near, network } = yield* joined
      const second = yield* dialling(hostA, b, 1)
      yield* second.write("never read")
      yield* far.write("sent before")
      yield* network.crash(b)
      assert.deepStrictEqual(yield* readAll(near.pull), ["sent before", "1000"])
      assert.deepStrictEqual(yield* readAll(second.pull), ["", "SocketReadError ECONNRESET"])
      assert.strictEqual(outcome(yield* Effect.exit(dialling(hostA, b, 1))), "SocketOpenError ECONNREFUSED")
      assert.isUndefined(yield* soon(3_600_000, far.pull))
      assert.isUndefined(yield* soon(3_600_000, dialling(hostB, a, 1)))
      const again = yield* accepting(network.host(b), 1)
      const third = yield* dialling(hostA, b, 1)
      yield* third.write("new process")
      assert.strictEqual(text(yield* again[0]?.pull ?? Effect.die("nothing")), "new process")
      assert.strictEqual(arrived.length, 2)
    })
  )
})

describe("MemoryNetwork: many hosts", () => {
  net(
    "hosts with several addresses, across families",
    Effect.gen(function*() {
      const network = yield* MemoryNetwork
      const dual = network.host(a, ip("2001:db8::1"))
      const six = network.host(ip("2001:db8::2"))
      const four = network.host(b)
      const atDual = yield* accepting(dual, 1, "::")
      const atFour = yield* accepting(four, 1)
      for (const [from, to] of [[six, "2001:db8::1"], [four, a], [six, a], [dual, b]] as const) {
        yield* dialling(from, to, 1)
      }
      const { local, socket } = yield* dual.dial(at(b, 1), { from: ip("2001:db8::1") })
      yield* line(socket)
      yield* Effect.yieldNow
      assert.deepStrictEqual(atDual.map(({ local, remote }) => `${remote.ip} to ${local.ip}`), [
        "2001:db8::2 to 2001:db8::1",
        "10.0.0.2 to 10.0.0.1",
        "2001:db8::2 to 10.0.0.1"
      ])
      assert.deepStrictEqual(atFour.map(({ remote }) => remote.ip), [a, ip("2001:db8::1")])
      assert.deepStrictEqual(Option.getOrThrow(yield* local), atFour[1]?.remote)
      yield* network.drop(ip("2001:db8::1")) // the machine, not the address
      assert.strictEqual(outcome(yield* during(5_000, Effect.exit(dialling(four, a, 1)))), "SocketOpenError Timeout")
    })
  )

  net(
    "simultaneous dials are accepted in the order they were made",
    Effect.gen(function*() {
      const network = yield* MemoryNetwork
      yield* network.setDefaults({ latency: 5 })
      const arrived = yield* accepting(network.host(a), 1)
      const ips = Array.from({ length: 50 }, (_, i) => ip(`10.0.1.${(i * 37) % 50 + 1}`))
      for (const from of ips) yield* start(dialling(network.host(from), a, 1))
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(arrived.map(({ remote }) => remote.ip), ips)
    })
  )

  net(
    "a dial given up before it connects is never seen",
    Effect.gen(function*() {
      const network = yield* MemoryNetwork
      yield* network.setDefaults({ latency: 50 })
      const arrived = yield* accepting(network.host(b), 1)
      const early = yield* start(Effect.scoped(dialling(network.host(a), b, 1)))
      yield* TestClock.adjust(99)
      yield* Fiber.interrupt(early)
      yield* TestClock.adjust(1_000)
      assert.deepStrictEqual([arrived.length, (yield* network.connections).length], [0, 0])
      // given up after: the acceptor reads the end
      const scope = yield* Scope.make()
      const late = yield* start(Scope.provide(dialling(network.host(a), b, 1), scope))
      yield* TestClock.adjust(100)
      yield* Fiber.join(late)
      yield* Scope.close(scope, Exit.void)
      const reading = yield* start(Effect.suspend(() => readAll(arrived[0]?.pull ?? Effect.never)))
      yield* TestClock.adjust(50)
      yield* Fiber.interrupt(reading)
      assert.deepStrictEqual(yield* readAll(arrived[0]?.pull ?? Effect.never), ["", "1000"])
    })
  )

  net(
    "a full mesh of 12 for half a virtual hour",
    Effect.gen(function*() {
      const network = yield* MemoryNetwork
      yield* network.setDefaults({ latency: 20, jitter: 10 })
      const nodes = Array.from({ length: 12 }, (_, i) => ip(`10.0.2.${i + 1}`))
      let pongs = 0
      for (const node of nodes) {
        const listener = yield* network.host(node).listen(at(node, 1))
        yield* Effect.forkScoped(listener.run(({ socket }) =>
          Effect.scoped(Effect.gen(function*() {
            const { pull, write } = yield* line(socket)
            while (true) yield* write(text(yield* pull))
          }))
        ))
      }
      for (const [i, from] of nodes.entries()) {
        for (const to of nodes.slice(i + 1)) {
          yield* Effect.forkScoped(Effect.scoped(Effect.gen(function*() {
            const { pull, write } = yield* dialling(network.host(from), to, 1)
            while (true) {
              yield* write("ping")
              yield* pull
              pongs++
              yield* Effect.sleep(15_000)
            }
          })))
        }
      }
      yield* TestClock.adjust("30 minutes")
      assert.strictEqual((yield* network.connections).length, 66)
      assert.strictEqual(pongs, 66 * 120)
    })
  )
})
