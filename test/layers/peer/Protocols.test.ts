/** The node's own protocols: nothing that arrives between Up and the first listener is lost, and nothing outlives its connection. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import { Protocol } from "../../../src/layers/peer/Protocols.ts"
import type { PeerListener } from "../../../src/services/PeerMessages.ts"
import * as hand from "../../harness/peerContext.ts"

const listener = () => {
  const calls: Array<readonly unknown[]> = []
  const made: PeerListener<string> = {
    onUp: ({ connection, ip }, tip, capabilities, session) =>
      calls.push(["up", ip, connection, tip.height, capabilities, session]),
    onDown: ({ connection, ip }) => calls.push(["down", ip, connection]),
    onMessage: ({ connection, ip }, message) => calls.push(["message", ip, connection, message]),
    onProgress: ({ connection, ip }) => calls.push(["progress", ip, connection])
  }
  return { made, calls: () => calls.splice(0) }
}

const one = () => {
  const node = hand.make()
  const made = node.up("10.0.0.1", { capabilities: 5, self: "10.0.0.77" })
  const { end, up } = made
  const session = { ownNonce: end.helloNonce, peerNonce: up.greeting.nonce, ownIp: hand.ip("10.0.0.77") }
  return { ...made, node, protocol: new Protocol<string>(true), came: ["up", "10.0.0.1", end.id, 3, 5, session] }
}

describe("a protocol", () => {
  it("tells its listener of what comes up and goes, of messages and of progress", () => {
    const { came, end, protocol, up } = one()
    const { calls, made } = listener()
    protocol.listen(made, [])
    protocol.onUp(up)
    protocol.onMessage(up, "a")
    protocol.onProgress(up)
    protocol.onDown(up)
    const of = ["10.0.0.1", end.id]
    assert.deepStrictEqual(calls(), [came, ["message", ...of, "a"], ["progress", ...of], ["down", ...of]])
  })

  it("catches a late listener up: each connection with what it sent, in order; later messages come as they arrive", () => {
    const { came, end, node, protocol, up } = one()
    const { end: second, up: other } = node.up("10.0.0.2")
    protocol.onUp(up)
    for (const message of ["a", "b"]) protocol.onMessage(up, message)
    protocol.onMessage(other, "c")
    const { calls, made } = listener()
    protocol.listen(made, [up, other])
    const [first, a, b, next, c] = calls()
    assert.deepStrictEqual([first, a, b], [came, ["message", "10.0.0.1", end.id, "a"], [
      "message",
      "10.0.0.1",
      end.id,
      "b"
    ]])
    assert.deepStrictEqual([next?.slice(0, 3), c], [["up", "10.0.0.2", second.id], [
      "message",
      "10.0.0.2",
      second.id,
      "c"
    ]])
    protocol.onMessage(up, "d")
    assert.deepStrictEqual(calls(), [["message", "10.0.0.1", end.id, "d"]])
    const again = listener()
    protocol.listen(again.made, [up])
    assert.deepStrictEqual(again.calls(), [came], "nothing is told twice")
  })

  it("drops what waits with its connection, and what a listener's own answer ended", () => {
    const { end, protocol, up } = one()
    protocol.onMessage(up, "a")
    protocol.onDown(up)
    const late = listener()
    protocol.listen(late.made, [])()
    protocol.listen(late.made, [up])()
    assert.deepStrictEqual(late.calls().map(([what]) => what), ["up"])
    for (const message of ["a", "b"]) protocol.onMessage(up, message)
    const ending = listener()
    const made: PeerListener<string> = {
      ...ending.made,
      onMessage: (from, message) => {
        ending.made.onMessage(from, message)
        end.up = undefined
      }
    }
    protocol.listen(made, [up])
    assert.deepStrictEqual(ending.calls().map(([what, , , message]) => [what, message]), [["up", 3], [
      "message",
      "a"
    ]])
  })

  it("stops reading a connection once so many messages wait, once, and reads on when they are told", () => {
    const { connection, protocol, up } = one()
    for (let i = 1; i < Limits.earlyMessages; i++) protocol.onMessage(up, "a")
    assert.strictEqual(connection.holds, 0)
    protocol.onMessage(up, "a")
    protocol.onMessage(up, "a")
    assert.strictEqual(connection.holds, 1)
    protocol.listen(listener().made, [up])
    assert.strictEqual(connection.holds, 0)
  })

  it("or once so many bytes do, counted from the first of them", () => {
    const { connection, protocol, up } = one()
    connection.bytesReceived = 50 * Limits.earlyBytes
    protocol.onMessage(up, "a")
    connection.bytesReceived += Limits.earlyBytes - 1
    protocol.onMessage(up, "a")
    assert.strictEqual(connection.holds, 0)
    connection.bytesReceived += 1
    protocol.onMessage(up, "a")
    assert.strictEqual(connection.holds, 1)
  })

  it("without a listener to come drops everything; one that came and went is waited for again", () => {
    const { protocol, up } = one()
    const never = new Protocol<string>(false)
    const { calls, made } = listener()
    for (let i = 0; i < 2 * Limits.earlyMessages; i++) never.onMessage(up, "a")
    assert.isFalse(up.connection.isPaused)
    never.listen(made, [up])
    assert.deepStrictEqual(calls().map(([what]) => what), ["up"])
    protocol.listen(made, [])()
    protocol.onProgress(up)
    protocol.onUp(up)
    protocol.onMessage(up, "kept")
    assert.deepStrictEqual(calls(), [])
    protocol.listen(made, [up])
    assert.deepStrictEqual(calls().map(([what]) => what), ["up", "message"])
  })

  it("a listener that was replaced does not remove its successor", () => {
    const { protocol, up } = one()
    const [a, b] = [listener(), listener()]
    const remove = protocol.listen(a.made, [])
    protocol.listen(b.made, [])
    remove()
    protocol.onMessage(up, "x")
    assert.deepStrictEqual([a.calls().length, b.calls().length], [0, 1])
  })
})
