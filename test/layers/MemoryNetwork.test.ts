import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Layer, Option, Random, Scope } from "effect"
import { TestClock } from "effect/testing"
import { layerHost, MemoryNetwork } from "../../src/layers/socket/MemoryNetwork.ts"
import type { Accepted, DialOptions } from "../../src/services/PeerSocket.ts"
import type { PeerSocket } from "../../src/services/PeerSocket.ts"
import type { Line } from "./peerSocketContract.ts"
import { at, contract, ip, line, outcome, readAll, text } from "./peerSocketContract.ts"

const local = () =>
  layerHost(ip("127.0.0.1"), ip("127.0.0.2"), ip("127.0.0.3"), ip("::1")).pipe(Layer.provideMerge(MemoryNetwork.layer))

describe("MemoryNetwork as a PeerSocket", () => {
  for (const [name, effect] of Object.entries(contract)) {
    it.effect(name, () => effect.pipe(Effect.provide(local())))
  }
})

const a = ip("10.0.0.1")
const b = ip("10.0.0.2")
const c = ip("10.0.0.3")

const net = (name: string, effect: Effect.Effect<void, unknown, MemoryNetwork | Scope.Scope>) =>
  it.effect(name, () => effect.pipe(Effect.provide(MemoryNetwork.layer)))

/** Starts now; the result is there once it is done. */
const start = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })
/** Runs `effect` while `ms` pass. */
const during = <A, E, R>(ms: number, effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* start(effect)
    yield* TestClock.adjust(ms)
    return yield* Fiber.join(fiber)
  })
/** The outcome of `effect` and when it came, or `undefined` if it is still waiting. Interrupts what waits. */
const soon = <A, E, R>(ms: number, effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* start(effect)
    yield* TestClock.adjust(ms)
    const exit = fiber.pollUnsafe()
    if (exit === undefined) yield* Fiber.interrupt(fiber)
    return exit
  })
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.zip(effect, Clock.currentTimeMillis)

/** Everything `from` accepts, in order, read by nobody. */
const accepting = (sockets: PeerSocket["Service"], port: number, where = "0.0.0.0") =>
  Effect.gen(function*() {
    const arrived: Array<Accepted & Line & { readonly time: number }> = []
    const listener = yield* sockets.listen(at(where, port))
    yield* Effect.forkScoped(
      listener.run((accepted) =>
        Effect.scoped(Effect.gen(function*() {
          const opened = yield* line(accepted.socket)
          arrived.push({ ...accepted, ...opened, time: yield* Clock.currentTimeMillis })
          return yield* Effect.never
        }))
      ),
      { startImmediately: true }
    )
    return arrived
  })

const dialling = (sockets: PeerSocket["Service"], to: string, port: number, options?: DialOptions) =>
  Effect.flatMap(sockets.dial(at(to, port), options), ({ socket }) => line(socket))

/** A connection from `a` to `b`, made while the links are perfect. */
const joined = Effect.gen(function*() {
  const network = yield* MemoryNetwork
  const [hostA, hostB] = [network.host(a), network.host(b)]
  const arrived = yield* accepting(hostB, 1)
  const near = yield* dialling(hostA, b, 1)
  const far = arrived[0]
  assert.isDefined(far)
  return { network, near, far, arrived, hostA, hostB }
})

describe("MemoryNetwork: links", () => {
  net(
    "a dial takes a round trip, the acceptor sees it half one later, bytes take the latency",
    Effect.gen(function*() {
      const network = yield* MemoryNetwork
      yield* network.setDefaults({ latency: "50 millis" })
      const arrived = yield* accepting(network.host(b), 1)
      const fiber = yield* start(timed(dialling(network.host(a), b, 1)))
      yield* TestClock.adjust(1_000)
      const [near, connectedAt] = yield* Fiber.join(fiber)
      assert.deepStrictEqual([connectedAt, arrived[0]?.time], [100, 150])
      const reading = yield* start(timed(arrived[0]?.pull ?? Effect.die("nothing arrived")))
      yield* near.write("x")
      yield* TestClock.adjust(1_000)
      const [batch, time] = yield* Fiber.join(reading)
      assert.deepStrictEqual([text(batch), time], ["x", 1_050])
    })
  )

  net(
    "directions differ",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* network.setLink(a, b, { latency: 30 }, { oneWay: true })
      yield* near.write("there")
      const [, there] = yield* during(100, timed(far.pull))
      yield* far.write("back")
      const [, back] = yield* during(100, timed(near.pull))
      assert.deepStrictEqual([there, back], [30, 100])
    })
  )

  net(
    "a small maxChunk re-chunks",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* network.setDefaults({ maxChunk: 2 })
      yield* near.write("abcde")
      assert.deepStrictEqual((yield* far.pull).map((chunk) => text([chunk])), ["ab", "cd", "e"])
    })
  )

  net(
    "bandwidth is exact, and shared by the connections of one direction",
    Effect.gen(function*() {
      const { arrived, far, hostA, near, network } = yield* joined
      const second = yield* dialling(hostA, b, 1)
      yield* network.setLink(a, b, { bandwidth: 3_000, latency: 100, maxChunk: 500 })
      yield* near.write(new Uint8Array(1_000)) // leaves by 333.3
      yield* second.write(new Uint8Array(500)) // leaves by 500
      const times: Array<readonly [string, number, number]> = []
      const watch = (name: string, pull: Line["pull"] | undefined) =>
        Effect.forever(
          Effect.map(timed(pull ?? Effect.never), ([batch, time]) =>
            times.push([name, batch.reduce((sum, { length }) => sum + length, 0), time]))
        )
      yield* start(watch("first", far.pull))
      yield* start(watch("second", arrived[1]?.pull))
      yield* TestClock.adjust(10_000)
      // 500 B at 3,000 B/s take 166.67 ms; arrival is rounded up to whole ms
      assert.deepStrictEqual(times, [["first", 500, 267], ["first", 500, 434], ["second", 500, 600]])
      // a megabyte in one go: no rounding adds up
      yield* network.setLink(a, b, { bandwidth: 1_000_000, latency: 0, maxChunk: 777, bufferBytes: 2_000_000 })
      times.length = 0
      yield* near.write(new Uint8Array(1_000_000))
      yield* TestClock.adjust(999)
      assert.isBelow(times.reduce((sum, [, n]) => sum + n, 0), 1_000_000)
      yield* TestClock.adjust(1)
      assert.strictEqual(times.reduce((sum, [, n]) => sum + n, 0), 1_000_000)
    })
  )

  net(
    "a writer waits for what is beyond the buffer",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* network.setDefaults({ bufferBytes: 1_000 })
      yield* near.write(new Uint8Array(1_000)) // fits
      const writing = yield* start(near.write(new Uint8Array(1_500)))
      yield* TestClock.adjust(60_000)
      assert.isUndefined(writing.pollUnsafe())
      const size = (batch: ReadonlyArray<Uint8Array | string>) => batch.reduce((sum, { length }) => sum + length, 0)
      assert.strictEqual(size(yield* far.pull), 1_000)
      yield* TestClock.adjust(0)
      assert.isUndefined(writing.pollUnsafe())
      assert.strictEqual(size(yield* far.pull), 1_000)
      yield* TestClock.adjust(0)
      assert.isDefined(writing.pollUnsafe())
      assert.strictEqual(size(yield* far.pull), 500)
    })
  )

  const jittered = Effect.gen(function*() {
    const { far, near, network } = yield* joined
    yield* network.setDefaults({ latency: 20, jitter: 30 })
    const arrivals: Array<string> = []
    yield* start(
      Effect.forever(Effect.map(timed(far.pull), ([batch, time]) => arrivals.push(`${text(batch)}@${time}`)))
    )
    for (let i = 0; i < 20; i++) {
      yield* near.write(String.fromCharCode(97 + i))
      yield* TestClock.adjust(5)
    }
    yield* TestClock.adjust(1_000)
    return arrivals
  }).pipe(Effect.provide(MemoryNetwork.layer), Effect.scoped)

  it.effect("jitter stays in bounds, keeps the order, and is the seed's", () =>
    Effect.gen(function*() {
      const again = (seed: string) =>
        Effect.provide(Random.withSeed(jittered, seed), TestClock.layer(), { local: true })
      const [one, same, other] = [yield* again("1"), yield* again("1"), yield* again("2")]
      assert.deepStrictEqual(one, same)
      assert.notDeepEqual(one, other)
      assert.strictEqual(one.map((entry) => entry.split("@")[0]).join(""), "abcdefghijklmnopqrst")
      const delays = one.flatMap((entry) => {
        const [letters, time] = entry.split("@")
        return [Number(time) - 5 * ((letters ?? "").charCodeAt(0) - 97)]
      })
      assert.isTrue(delays.every((delay) => delay >= 20), String(one))
      assert.isTrue(delays.every((delay) => delay <= 51 + 30), String(one)) // held back by the byte before, at most
      assert.isAbove(new Set(delays).size, 3)
    }))
})

describe("MemoryNetwork: cut and heal", () => {
  net(
    "bytes wait for the heal; what had arrived can be read; the other direction works when one is cut",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* network.setDefaults({ latency: 10 })
      yield* near.write("before ")
      yield* TestClock.adjust(10)
      yield* near.write("under way")
      yield* network.cut(a, b, { oneWay: true })
      assert.strictEqual(text(yield* far.pull), "before ")
      assert.isUndefined(yield* soon(60_000, far.pull))
      yield* far.write("this way")
      assert.strictEqual(text(yield* during(10, near.pull)), "this way")
      const reading = yield* start(timed(far.pull))
      yield* network.heal(a, b, { oneWay: true })
      yield* TestClock.adjust(5)
      const [batch, time] = yield* Fiber.join(reading)
      assert.deepStrictEqual([text(batch), time], ["under way", 60_020])
    })
  )

  net(
    "a close across a cut is seen after the heal",
    Effect.gen(function*() {
      const { far, near, network } = yield* joined
      yield* network.cut(a, b)
      yield* near.write("last")
      yield* near.close
      assert.isUndefined(yield* soon(60_000, far.pull))
      yield* network.heal(a, b)
      assert.deepStrictEqual(yield* readAll(far.pull), ["last", "1000"])
    })
  )

  net(
    "dials hang until their timeout, or the heal",
    Effect.gen(function*() {
      const { hostA, network } = yield* joined
      yield* network.cut(a, b)
      const short = yield* start(timed(Effect.exit(dialling(hostA, b, 1, { timeoutMs: 700 }))))
      const normal = yield* start(timed(Effect.exit(dialling(hostA, b, 1))))
      const long = yield* start(timed(Effect.exit(dialling(hostA, b, 1, { timeoutMs: 60_000 }))))
      yield* TestClock.adjust(10_000)
      yield* network.heal(a, b)
      yield* TestClock.adjust(1)
      const said: Array<unknown> = []
      for (const fiber of [short, normal, long]) {
        const [exit, time] = yield* Fiber.join(fiber)
        said.push(`${outcome(exit)} at ${time}`)
      }
      assert.deepStrictEqual(said, [
        "SocketOpenError Timeout at 700",
        "SocketOpenError Timeout at 5000",
        "success at 10000"
      ])
      assert.strictEqual((yield* network.connections).length, 2) // the abandoned dials left nothing
    })
  )
})

describe("MemoryNetwork: refuse and block", () => {
  net(
    "refused dials fail after a round trip, connections live on",
    Effect.gen(function*() {
      const { far, hostA, near, network } = yield* joined
      yield* network.setDefaults({ latency: 25 })
      yield* network.refuse(b)
      const [exit, time] = yield* during(1_000, timed(Effect.exit(dialling(hostA, b, 1))))
      assert.strictEqual(`${outcome(exit)} at ${time}`, "SocketOpenError ECONNREFUSED at 50")
      yield* near.write("alive")
      assert.strictEqual(text(yield* during(25, far.pull)), "alive")
      yield* network.allow(b)
      assert.strictEqual(outcome(yield* during(100, Effect.exit(dialling(hostA, b, 1)))), "success")
    })
  )

  net(
    "a blocked host, a blocked direction and a host that does not exist time out",
    Effect.gen(function*() {
      const { hostA, hostB, network } = yield* joined
      const hostC = network.host(c)
      yield* accepting(hostA, 1)
      const tried = (from: PeerSocket["Service"], to: string) =>
        Effect.map(during(5_000, Effect.exit(dialling(from, to, 1))), outcome)
      yield* network.block(b, a)
      assert.deepStrictEqual(
        [yield* tried(hostA, b), yield* tried(hostC, b), yield* tried(hostB, a)],
        ["SocketOpenError Timeout", "success", "success"]
      )
      yield* network.allow(b, a)
      yield* network.block(b)
      assert.deepStrictEqual(
        [yield* tried(hostA, b), yield* tried(hostC, b), yield* tried(hostA, "10.9.9.9")],
        ["SocketOpenError Timeout", "SocketOpenError Timeout", "SocketOpenError Timeout"]
      )
      yield* network.allow(b)
      assert.strictEqual(yield* tried(hostA, b), "success")
    })
  )
})

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
