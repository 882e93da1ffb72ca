/**
 * What every `PeerSocket` must do. Run once per layer. The host must own 127.0.0.1, 127.0.0.2, 127.0.0.3 and ::1; nothing
 * in here needs the clock to move.
 */
import { assert } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Option, Scope } from "effect"

import { errorCode, PeerSocket } from "../../src/services/PeerSocket.ts"

import { at, dial, ip, line, outcome, pair, pattern, readAll, serve, text } from "./peerSocketHarness.ts"

export const contract: Record<string, Effect.Effect<void, unknown, PeerSocket | Scope.Scope>> = {
  "bytes arrive in order, both ways, and half-close reads as 1000": Effect.gen(function*() {
    const { far, near } = yield* pair()
    yield* near.write("hello ")
    yield* near.writeAll([new TextEncoder().encode("wor"), "ld", "!"])
    yield* near.finish
    assert.deepStrictEqual(yield* readAll(far.pull), ["hello world!", "1000"])
    yield* far.write("and back")
    yield* far.finish
    assert.deepStrictEqual(yield* readAll(near.pull), ["and back", "1000"])
  }),

  "after the own FIN reading continues, and writing fails": Effect.gen(function*() {
    const { far, near } = yield* pair()
    yield* near.finish
    assert.deepStrictEqual(yield* readAll(far.pull), ["", "1000"])
    const error = yield* Effect.exit(near.write("late"))
    assert.strictEqual(outcome(error), "SocketWriteError EPIPE")
    for (const part of ["one", "two"]) {
      yield* far.write(part)
      assert.strictEqual(text(yield* near.pull), part)
    }
  }),

  "what was written survives half-close and close": Effect.gen(function*() {
    const { far, near } = yield* pair()
    yield* near.write("last words")
    yield* near.finish
    yield* far.finish
    assert.deepStrictEqual(yield* readAll(near.pull), ["", "1000"])
    yield* near.close
    assert.deepStrictEqual(yield* readAll(far.pull), ["last words", "1000"])
  }),

  "closing at once still sends what was written": Effect.gen(function*() {
    const { far, near } = yield* pair()
    yield* near.write("bye")
    yield* near.close
    assert.deepStrictEqual(yield* readAll(far.pull), ["bye", "1000"])
  }),

  "closing at once still sends what no buffer had room for, as long as the peer reads": Effect.gen(function*() {
    const { far, near } = yield* pair()
    const total = 32 * 1024 * 1024
    yield* Effect.forkChild(Effect.exit(near.write(new Uint8Array(total))), { startImmediately: true })
    yield* near.close
    let received = 0
    let ended = ""
    while (ended === "") {
      const exit = yield* Effect.exit(far.pull)
      if (Exit.isSuccess(exit)) { for (const part of exit.value) received += part.length }
      else ended = outcome(exit)
    }
    assert.deepStrictEqual([received, ended], [total, "1000"])
  }),

  "closing the reader's scope fails a suspended pull with 1006": Effect.gen(function*() {
    const { near } = yield* pair()
    const fiber = yield* Effect.forkChild(Effect.exit(near.pull), { startImmediately: true })
    yield* near.close
    assert.strictEqual(outcome(yield* Fiber.join(fiber)), "1006")
    assert.strictEqual(outcome(yield* Effect.exit(near.pull)), "1006")
  }),

  "a write before the dial waits for it": Effect.gen(function*() {
    const got = yield* Deferred.make<string>()
    const address = yield* serve(({ socket }) =>
      Effect.gen(function*() {
        const { pull } = yield* socket.reader
        yield* Deferred.succeed(got, text(yield* pull))
      })
    )
    const { socket } = yield* dial(address)
    const { write } = yield* socket.writer
    const doomed = yield* Effect.forkChild(write("never"), { startImmediately: true })
    const early = yield* Effect.forkChild(write("early"), { startImmediately: true })
    yield* Fiber.interrupt(doomed)
    yield* socket.reader
    yield* Fiber.join(early)
    assert.strictEqual(yield* Deferred.await(got), "early")
  }),

  "an interrupted pull loses nothing": Effect.gen(function*() {
    const { far, near } = yield* pair()
    for (let i = 0; i < 10; i++) {
      const doomed = yield* Effect.forkChild(near.pull, { startImmediately: true })
      const write = yield* Effect.forkChild(far.write(`kept${i}`))
      yield* Fiber.interrupt(doomed)
      yield* Fiber.join(write)
      assert.strictEqual(text(yield* near.pull), `kept${i}`)
    }
  }),

  "a blocked writer fails when the peer goes away": Effect.gen(function*() {
    const { far, near } = yield* pair()
    const big = new Uint8Array(1024 * 1024)
    const writing = yield* Effect.forkChild(Effect.exit(Effect.forever(near.write(big))), { startImmediately: true })
    yield* Effect.yieldNow
    yield* far.close
    assert.match(outcome(yield* Fiber.join(writing)), /^SocketWriteError/)
  }),

  "a blocked writer fails when its own scope closes": Effect.gen(function*() {
    const { near } = yield* pair()
    const big = new Uint8Array(64 * 1024 * 1024)
    const writing = yield* Effect.forkChild(Effect.exit(near.write(big)), { startImmediately: true })
    yield* near.close
    // TCP gives what Node still holds `Limits.lingerMs`; either way the writer is not left hanging
    assert.match(outcome(yield* Fiber.join(writing)), /^SocketWriteError/)
  }),

  "a slow reader blocks the writer, and nothing is lost": Effect.gen(function*() {
    const { far, near } = yield* pair()
    const beat = yield* pair()
    const chunk = new Uint8Array(1024 * 1024)
    const total = 64
    let written = 0
    const writing = yield* Effect.forkChild(
      Effect.forEach(Array.from({ length: total }), () => Effect.map(near.write(chunk), () => written++), {
        discard: true
      }),
      { startImmediately: true }
    )
    // written out when it has not moved for 50 round trips of another connection
    for (let still = 0, last = -1; still < 50; still = written === last ? still + 1 : 0, last = written) {
      yield* beat.near.write("x")
      yield* beat.far.pull
      yield* beat.far.write("x")
      yield* beat.near.pull
    }
    assert.isBelow(written, total)
    let received = 0
    while (received < total * chunk.length) for (const part of yield* far.pull) received += part.length
    yield* Fiber.join(writing)
    assert.strictEqual(received, total * chunk.length)
  }),

  "8 MiB arrive intact": Effect.gen(function*() {
    const { far, near } = yield* pair()
    const total = 8 * 1024 * 1024
    const sizes = [1, 4096, 65_536, 100_003, 1_048_576]
    yield* Effect.forkChild(Effect.gen(function*() {
      for (let sent = 0, i = 0; sent < total; i++) {
        const n = Math.min(sizes[i % sizes.length] ?? 1, total - sent)
        const half = n >> 1
        yield* near.writeAll([pattern(half, sent), pattern(n - half, sent + half)])
        sent += n
      }
      yield* near.finish
    }))
    let received = 0
    let ended = ""
    while (ended === "") {
      const exit = yield* Effect.exit(far.pull)
      if (Exit.isFailure(exit)) ended = outcome(exit)
      else {
        for (const part of exit.value) {
          assert.isTrue(part instanceof Uint8Array && part.length > 0)
          if (typeof part === "string") continue
          assert.strictEqual(Buffer.compare(part, pattern(part.length, received)), 0, `differs after ${received}`)
          received += part.length
        }
      }
    }
    assert.deepStrictEqual([received, ended], [total, "1000"])
  }),

  "both ends name the same addresses": Effect.gen(function*() {
    const { address, far, near } = yield* pair({ from: ip("127.0.0.2") })
    const local = yield* near.local
    assert.isTrue(Option.isSome(local))
    if (Option.isSome(local)) {
      assert.deepStrictEqual(local.value, far.remote)
      assert.strictEqual(local.value.ip, "127.0.0.2")
      assert.notStrictEqual(local.value.port, address.port)
    }
    assert.deepStrictEqual(far.local, address)
  }),

  "the local address is unknown before the dial": Effect.gen(function*() {
    const { local } = yield* dial(at("127.0.0.1", 1))
    assert.isTrue(Option.isNone(yield* local))
  }),

  "dialling from an address of another host fails": Effect.gen(function*() {
    const address = yield* serve(() => Effect.never)
    const { socket } = yield* dial(address, { from: ip("203.0.113.9") })
    assert.strictEqual(outcome(yield* Effect.exit(Effect.scoped(socket.reader))), "SocketOpenError EADDRNOTAVAIL")
  }),

  "a dual-stack listener shows IPv4 peers as IPv4, IPv6 peers as IPv6": Effect.gen(function*() {
    const seen: Array<string> = []
    const address = yield* serve(({ local, remote, socket }) =>
      Effect.gen(function*() {
        yield* socket.reader
        const { write } = yield* socket.writer
        seen.push(`${remote.ip} ${local.ip}`)
        yield* write("ok")
        return yield* Effect.never
      }), at("::", 0))
    for (const target of ["127.0.0.1", "127.0.0.2", "::1"]) {
      const { socket } = yield* dial(at(target, address.port), target === "127.0.0.2" ? { from: ip("127.0.0.3") } : {})
      yield* Effect.scoped(Effect.flatMap(socket.reader, ({ pull }) => pull))
    }
    assert.deepStrictEqual(seen, ["127.0.0.1 127.0.0.1", "127.0.0.3 127.0.0.2", "::1 ::1"])
  }),

  "dialling nobody fails with SocketOpenError": Effect.gen(function*() {
    const { socket } = yield* dial(at("127.0.0.1", 1))
    assert.strictEqual(outcome(yield* Effect.exit(Effect.scoped(socket.reader))), "SocketOpenError ECONNREFUSED")
  }),

  "a new acquisition dials again": Effect.gen(function*() {
    const ports = new Set<number>()
    const address = yield* serve(({ remote, socket }) =>
      Effect.gen(function*() {
        ports.add(remote.port)
        yield* socket.reader
        const { write } = yield* socket.writer
        yield* write("hi")
      })
    )
    const { socket } = yield* dial(address)
    const once = Effect.scoped(Effect.flatMap(socket.reader, ({ pull }) => Effect.map(pull, text)))
    assert.deepStrictEqual([yield* once, yield* once, ports.size], ["hi", "hi", 2])
  }),

  "an accepted socket is used once": Effect.gen(function*() {
    const result = yield* Deferred.make<string>()
    const address = yield* serve(({ socket }) =>
      Effect.gen(function*() {
        yield* Effect.scoped(socket.reader)
        yield* Deferred.succeed(result, outcome(yield* Effect.exit(Effect.scoped(socket.reader))))
      })
    )
    yield* (yield* dial(address)).socket.reader
    assert.match(yield* Deferred.await(result), /^SocketOpenError/)
  }),

  "a port in use is an open error with its code": Effect.gen(function*() {
    const sockets = yield* PeerSocket
    const { address } = yield* sockets.listen(at("127.0.0.1", 0))
    for (const where of [address, at("::", address.port), at("0.0.0.0", address.port)]) {
      const error = yield* Effect.flip(sockets.listen(where))
      assert.deepStrictEqual([error.reason._tag, errorCode(error)], ["SocketServerOpenError", "EADDRINUSE"])
    }
    yield* sockets.listen(at("127.0.0.2", address.port)) // another address, the same port
  }),

  "an address of another host cannot be bound": Effect.gen(function*() {
    const sockets = yield* PeerSocket
    assert.strictEqual(errorCode(yield* Effect.flip(sockets.listen(at("203.0.113.9", 0)))), "EADDRNOTAVAIL")
  }),

  "closing the listener frees the port and drops connections nobody accepted": Effect.gen(function*() {
    const sockets = yield* PeerSocket
    const scope = yield* Scope.make()
    const { address } = yield* Scope.provide(sockets.listen(at("127.0.0.1", 0)), scope)
    const { pull } = yield* (yield* dial(address)).socket.reader
    const waiting = yield* Effect.forkChild(Effect.exit(pull), { startImmediately: true })
    yield* Scope.close(scope, Exit.void)
    assert.isTrue(Exit.isFailure(yield* Fiber.join(waiting)))
    yield* sockets.listen(address)
  }),

  "connections wait for a handler, with what was written": Effect.gen(function*() {
    const sockets = yield* PeerSocket
    const got = yield* Deferred.make<string>()
    const listener = yield* sockets.listen(at("127.0.0.1", 0))
    const { write } = yield* line((yield* dial(listener.address)).socket)
    yield* write("patience")
    yield* Effect.forkScoped(
      listener.run(({ socket }) =>
        Effect.scoped(Effect.gen(function*() {
          const { pull } = yield* socket.reader
          yield* Deferred.succeed(got, text(yield* pull))
        }))
      )
    )
    assert.strictEqual(yield* Deferred.await(got), "patience")
  }),

  "interrupting run ends its handlers and their connections": Effect.gen(function*() {
    const sockets = yield* PeerSocket
    const listener = yield* sockets.listen(at("127.0.0.1", 0))
    const handling = yield* Deferred.make<void>()
    const running = yield* Effect.forkChild(
      listener.run(({ socket }) =>
        Effect.scoped(
          Effect.gen(function*() {
            yield* socket.reader
            yield* Deferred.succeed(handling, undefined)
            return yield* Effect.never
          })
        )
      )
    )
    const { pull } = yield* line((yield* dial(listener.address)).socket)
    yield* Deferred.await(handling)
    yield* Fiber.interrupt(running)
    assert.deepStrictEqual(yield* readAll(pull), ["", "1000"])
  }),

  "a handler that returns, fails or dies ends its connection only": Effect.gen(function*() {
    let n = 0
    const address = yield* serve(() => [Effect.void, Effect.fail("no"), Effect.die("bug")][n++ % 3] ?? Effect.void)
    for (let i = 0; i < 4; i++) {
      const { pull } = yield* line((yield* dial(address)).socket)
      assert.deepStrictEqual(yield* readAll(pull), ["", "1000"])
    }
    assert.strictEqual(n, 4)
  }),

  "a dial given up leaves a listener that works": Effect.gen(function*() {
    const address = yield* serve(({ socket }) =>
      Effect.gen(function*() {
        const { pull } = yield* socket.reader
        const { write } = yield* socket.writer
        while (true) yield* write(text(yield* pull))
      })
    )
    for (let i = 0; i < 5; i++) {
      const { socket } = yield* dial(address)
      const dialling = yield* Effect.forkChild(Effect.scoped(Effect.andThen(socket.reader, Effect.never)), {
        startImmediately: true
      })
      yield* Fiber.interrupt(dialling)
    }
    const { pull, write } = yield* line((yield* dial(address)).socket)
    yield* write("still here")
    assert.strictEqual(text(yield* pull), "still here")
  })
}
