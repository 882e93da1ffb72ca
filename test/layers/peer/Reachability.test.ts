/** Whether others can reach this node: whom it asks, what the answers mean, and how it dials back for others without being a reflector. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Socket } from "effect/socket"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Handshake from "../../../src/domain/pair/Handshake.ts"
import type { DialBackResult } from "../../../src/domain/peer/Reach.ts"
import { NativeWire } from "../../../src/domain/wire/native/NativeWire.ts"
import * as Reachability from "../../../src/layers/peer/Reachability.ts"
import { socketFromEnd } from "../../../src/layers/socket/socketFromEnd.ts"
import type { Dialled } from "../../../src/services/PeerSocket.ts"
import * as hand from "../../harness/peerContext.ts"
import { hello } from "../../harness/rawPeer.ts"

const { ip } = hand
const able = Handshake.Capability.dialBack

const asked = ({ connection }: hand.Connected): ReadonlyArray<number> =>
  connection.sent().flatMap((message) => message._tag === "AskDialBack" ? [message.request] : [])

/** Advances to the next time that the node looks. */
const look = (node: hand.Hand): void => {
  node.pass(1.1275 * Limits.dialBackEveryMs)
}

describe("a node that no outside peer has come in to", () => {
  const start = (options: hand.Options = {}) => {
    const node = hand.make(options)
    Reachability.start(node.ctx)
    node.emitted()
    return node
  }
  const answer = (node: hand.Hand, made: hand.Connected, result: DialBackResult) => {
    const [request = 0] = asked(made)
    Reachability.answered(node.ctx, made.up, {
      _tag: "DialBack",
      request,
      result,
      ip: ip("10.0.0.100"),
      port: hand.port
    })
  }

  it("asks a peer that can dial back, of the netgroup asked longest ago, once each while", () => {
    const node = start()
    const unable = node.up("10.0.0.1", { direction: "outbound" })
    const [a, b] = ["11.1.0.1", "12.1.0.1"].map((at) => node.up(at, { direction: "outbound", capabilities: able }))
    assert(a !== undefined && b !== undefined)
    look(node)
    assert.deepStrictEqual([asked(unable), asked(a).length, asked(b).length], [[], 1, 0])
    look(node)
    assert.deepStrictEqual([asked(a).length, asked(b).length], [0, 1])
    look(node)
    assert.deepStrictEqual([asked(a), asked(b)], [[], []], "both netgroups were asked lately")
    node.pass(Limits.dialBackAgainMs)
    assert.isAbove(asked(a).length, 0)
  })

  it("spreads its looks by its process, so that nodes started together do not ask together", () => {
    const node = start()
    const a = node.up("11.1.0.1", { direction: "outbound", capabilities: able })
    const spread = 0.5 + 0xa0a0a0a0 / 2 ** 32
    node.pass(Limits.dialBackEveryMs * spread - 1)
    assert.deepStrictEqual(asked(a), [])
    node.pass(1)
    assert.strictEqual(asked(a).length, 1)
  })

  it("asks no peer while an answer may still come, while it cannot be reached anywhere, nor once it stops", () => {
    const node = start()
    const [a, b] = ["11.1.0.1", "12.1.0.1"].map((at) => node.up(at, { direction: "outbound", capabilities: able }))
    assert(a !== undefined && b !== undefined)
    node.ctx.dialBacks.ask(a.up, "11.1/16", node.ctx.timers.now() + 2 * Limits.dialBackEveryMs)
    look(node)
    assert.deepStrictEqual([asked(a), asked(b)], [[], []])
    const hidden = start({ advertisePort: 0 })
    hidden.up("11.1.0.1", { direction: "outbound", capabilities: able })
    assert.strictEqual(hidden.hand.timers.size(), 0)
    const stopped = start()
    const c = stopped.up("11.1.0.1", { direction: "outbound", capabilities: able })
    stopped.ctx.slots.close()
    look(stopped)
    assert.deepStrictEqual([asked(c), stopped.hand.timers.size()], [[], 0])
  })

  it("knows that it is reached while an outside peer is in, or was lately, and reports it once", () => {
    const node = start()
    const local = node.up("127.0.0.5")
    node.emitted()
    look(node)
    assert.deepStrictEqual(node.emitted(), [], "a peer of this host proves nothing")
    const outside = node.up("11.1.0.1", { capabilities: able })
    const dialled = node.up("12.1.0.1", { direction: "outbound", capabilities: able })
    node.emitted()
    look(node)
    assert.deepStrictEqual(node.emitted(), [{ _tag: "Reachability", reachable: "yes", detail: "a peer came in" }])
    look(node)
    assert.deepStrictEqual([node.emitted(), asked(dialled), asked(outside), asked(local)], [[], [], [], []])
    outside.end.up = undefined
    node.pass(Limits.dialBackFreshMs + 4 * Limits.dialBackEveryMs)
    assert.strictEqual(asked(dialled).length > 0, true)
  })

  it("believes answers to its question alone: one netgroup that reached it is enough, two that did not are needed", () => {
    const node = start()
    const [a, b, c] = ["11.1.0.1", "12.1.0.1", "13.1.0.1"].map((at) =>
      node.up(at, { direction: "outbound", capabilities: able })
    )
    assert(a !== undefined && b !== undefined && c !== undefined)
    node.emitted()
    Reachability.answered(node.ctx, a.up, {
      _tag: "DialBack",
      request: 1,
      result: "reached",
      ip: ip("10.0.0.100"),
      port: 1
    })
    assert.deepStrictEqual(node.emitted(), [], "nothing was asked")
    const results = (["refused", "refused", "reached"] as const).map((result, i) => {
      look(node)
      answer(node, [a, b, c][i] ?? a, result)
      return node.of("Reachability").map(({ detail, reachable }) => [reachable, detail])
    })
    assert.deepStrictEqual(results, [[], [["no", "its port refuses the dials of peers"]], []])
    const reached = start()
    const only = reached.up("11.1.0.1", { direction: "outbound", capabilities: able })
    reached.emitted()
    look(reached)
    answer(reached, only, "reached")
    assert.deepStrictEqual(reached.of("Reachability").map(({ detail, reachable }) => [reachable, detail]), [[
      "yes",
      "a peer dialled back"
    ]])
  })

  it("says what peers found instead", () => {
    const details = (["no-answer", "another-node", "not-a-node"] as const).map((result) => {
      const node = start()
      const two = ["11.1.0.1", "12.1.0.1"].map((at) => node.up(at, { direction: "outbound", capabilities: able }))
      node.emitted()
      return two.flatMap((made) => {
        look(node)
        answer(node, made, result)
        return node.of("Reachability").map(({ detail }) => detail)
      })
    })
    assert.deepStrictEqual(details, [
      ["dials of peers are not answered"],
      ["peers find another node at its address"],
      ["peers find something else at its port"]
    ])
  })
})

describe("a dial-back for a peer", () => {
  const failing = (kind: "Timeout" | "Unknown", code?: string): Dialled["socket"] =>
    socketFromEnd(
      () => ({ pull: Effect.never, write: () => Effect.never, finish: () => {}, close: () => {} }),
      () =>
        Effect.fail(
          new Socket.SocketError({
            reason: new Socket.SocketOpenError({
              kind,
              cause: code === undefined ? undefined : Object.assign(new Error(code), { code })
            })
          })
        )
    )
  const saying = (...chunks: ReadonlyArray<Uint8Array>): Dialled["socket"] => {
    let left = [...chunks]
    return socketFromEnd(() => ({
      pull: Effect.suspend(() => {
        const [next, ...rest] = left
        left = rest
        return next === undefined
          ? Effect.fail(new Socket.SocketError({ reason: new Socket.SocketCloseError({ code: 1000 }) }))
          : Effect.succeed([next] as const)
      }),
      write: () => Effect.void,
      finish: () => {},
      close: () => {}
    }), () => Effect.void)
  }
  const helloOf = (change: Parameters<typeof hello>[1]): Uint8Array =>
    NativeWire.encode(hello(ip("10.0.0.100"), change))[0]
  const same = { process: "aa".repeat(8), tag: "bb".repeat(16) }

  /** What the peer reads as the result. */
  const result = (socket: Dialled["socket"], change: hand.UpOptions = {}) =>
    Effect.gen(function*() {
      const node = hand.make({
        dial: () => Effect.succeed({ socket, local: Effect.succeedNone, secured: Effect.succeedNone })
      })
      const made = node.up("10.0.0.1", { listens: 4_711, ...same, ...change })
      Reachability.ask(node.ctx, made.peer, made.up, 9)
      yield* node.settle
      yield* node.settle
      return { node, made, said: made.connection.sent() }
    })

  it.effect("goes to the asker's own address at the port of its Hello, and says whom it met there", () =>
    Effect.gen(function*() {
      const cases: ReadonlyArray<readonly [Dialled["socket"], DialBackResult]> = [
        [saying(helloOf(same)), "reached"],
        [saying(helloOf(same).subarray(0, 20), helloOf(same).subarray(20)), "reached"],
        [saying(helloOf({ ...same, process: "cc".repeat(8) })), "another-node"],
        [saying(helloOf({ ...same, tag: "cc".repeat(16) })), "another-node"],
        [saying(NativeWire.encode({ _tag: "Ping", nonce: 1n })[0]), "not-a-node"],
        [saying(new Uint8Array([255, 255, 255, 255, 1])), "not-a-node"],
        [saying(), "not-a-node"],
        [failing("Unknown", "ECONNREFUSED"), "refused"],
        [failing("Unknown", "EHOSTUNREACH"), "no-answer"],
        [failing("Timeout"), "no-answer"]
      ]
      for (const [socket, expected] of cases) {
        const { node, said } = yield* result(socket)
        assert.deepStrictEqual(node.asked, [{ to: { ip: ip("10.0.0.1"), port: 4_711 }, from: ip("10.0.0.100") }])
        assert.deepStrictEqual(said, [{
          _tag: "DialBack",
          request: 9,
          result: expected,
          ip: ip("10.0.0.1"),
          port: 4_711
        }])
      }
    }))

  it.effect("is not made to a privileged port, nor again soon; one that is over makes room for others", () =>
    Effect.gen(function*() {
      const low = yield* result(failing("Timeout"), { listens: Limits.toldPortLeast - 1 })
      assert.deepStrictEqual([low.node.asked, low.said], [[], []])
      const least = yield* result(failing("Timeout"), { listens: Limits.toldPortLeast })
      assert.strictEqual(least.said.length, 1)
      Reachability.ask(least.node.ctx, least.made.peer, least.made.up, 10)
      assert.strictEqual(least.node.asked.length, 1)
      for (let i = 0; i < Limits.dialBacks + 1; i++) {
        const other = least.node.up(`10.1.0.${i}`)
        Reachability.ask(least.node.ctx, other.peer, other.up, 1)
        yield* least.node.settle
      }
      assert.strictEqual(least.node.asked.length, 1 + Limits.dialBacks + 1)
    }))

  it.effect("is not told to a peer that has gone meanwhile, and makes room for others", () =>
    Effect.gen(function*() {
      let leaves: hand.Connected | undefined
      const node = hand.make({
        dial: () =>
          Effect.sync(() => {
            if (leaves !== undefined) leaves.end.up = undefined
            return { socket: saying(helloOf(same)), local: Effect.succeedNone, secured: Effect.succeedNone }
          })
      })
      const ask = (at: string, isLeaving: boolean) =>
        Effect.gen(function*() {
          const made = node.up(at, { listens: 4_711, ...same })
          leaves = isLeaving ? made : undefined
          Reachability.ask(node.ctx, made.peer, made.up, 9)
          yield* node.settle
          return made.connection.tags()
        })
      for (let i = 0; i < Limits.dialBacks; i++) assert.deepStrictEqual(yield* ask(`10.0.0.${i + 1}`, true), [])
      assert.deepStrictEqual(yield* ask("10.0.0.9", false), ["DialBack"])
    }))
})
