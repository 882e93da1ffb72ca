/** Connections that wait in the anteroom have no handler and no fiber; they enter or leave once, and none is forgotten. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { Socket } from "effect/socket"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import { Acceptor } from "../../../src/layers/socket/Acceptor.ts"
import { type Accepted, plain } from "../../../src/services/PeerSocket.ts"

const address = { ip: PeerIp.fromStringUnsafe("10.0.0.1"), port: 1 }
const connection = (): Accepted => ({
  socket: Socket.make({ reader: Effect.never, writer: Effect.never }),
  remote: address,
  local: address,
  secured: plain
})

describe("Acceptor", () => {
  it.effect("a connection in the anteroom has a handler once it enters; one that leaves, or is there at the end, is discarded", () =>
    Effect.gen(function*() {
      const [direct, enters, leaves, stays] = [connection(), connection(), connection(), connection()]
      const discarded: Array<Accepted> = []
      const handled: Array<Accepted> = []
      const room = new Map<Accepted, { readonly enter: () => void; readonly leave: () => void }>()
      const acceptor = new Acceptor<Accepted>((one) => discarded.push(one))
      const running = yield* Effect.forkChild(
        acceptor.run(
          (one) => Effect.andThen(Effect.sync(() => handled.push(one)), Effect.never),
          undefined,
          (one, enter, leave) => {
            if (one === direct) return false
            room.set(one, { enter, leave })
            return true
          }
        ),
        { startImmediately: true }
      )
      for (const one of [direct, enters, leaves, stays]) acceptor.offer(one)
      assert.deepStrictEqual(handled, [direct])
      room.get(enters)?.enter()
      room.get(enters)?.leave()
      room.get(leaves)?.leave()
      room.get(leaves)?.enter()
      yield* Effect.yieldNow
      yield* Effect.yieldNow
      assert.deepStrictEqual([handled, discarded], [[direct, enters], [leaves]])
      yield* Fiber.interrupt(running)
      assert.strictEqual(discarded.length, 4)
      assert.includeMembers(discarded, [direct, enters, leaves, stays])
      room.get(stays)?.enter()
      assert.strictEqual(handled.length, 2)
    }))

  it.effect("before it has a handler, the backlog waits for one in order, and what is beyond is discarded", () =>
    Effect.gen(function*() {
      const all = Array.from({ length: Limits.backlog + 1 }, connection)
      const discarded: Array<Accepted> = []
      const handled: Array<Accepted> = []
      const acceptor = new Acceptor<Accepted>((one) => discarded.push(one))
      for (const one of all) acceptor.offer(one)
      assert.deepStrictEqual(discarded, all.slice(-1))
      const running = yield* Effect.forkChild(
        acceptor.run((one) => Effect.andThen(Effect.sync(() => handled.push(one)), Effect.never)),
        { startImmediately: true }
      )
      assert.deepStrictEqual(handled, all.slice(0, -1))
      yield* Fiber.interrupt(running)
      const late = connection()
      acceptor.offer(late)
      acceptor.close()
      assert.strictEqual(discarded.length, all.length + 1)
      assert.strictEqual(discarded.at(-1), late)
    }))
})
