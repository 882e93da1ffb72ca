/** How the end of a socket's program reads to an operator: by whom, and with the system's code. */
import { assert, describe, it } from "@effect/vitest"
import { Exit } from "effect"
import { Socket } from "effect/socket"
import { reasonOf } from "../../../src/layers/peer/endReason.ts"

const code = (text: string) => Object.assign(new Error("failed"), { code: text })
const failed = (reason: Socket.SocketErrorReason) => reasonOf(Exit.fail(new Socket.SocketError({ reason })))

describe("the end of a socket's program", () => {
  it("reads as the peer's end where nothing failed, or where the peer closed in order", () => {
    assert.deepStrictEqual(reasonOf(Exit.void), { kind: "eof", by: "remote" })
    assert.deepStrictEqual(failed(new Socket.SocketCloseError({ code: 1000 })), { kind: "eof", by: "remote" })
    assert.deepStrictEqual(failed(new Socket.SocketCloseError({ code: 1006 })), { kind: "eof", by: "local" })
  })

  it("reads as this node's where it was interrupted", () =>
    assert.deepStrictEqual(reasonOf(Exit.interrupt(1)), { kind: "eof", by: "local" }))

  it("reads as this node's fault where its own code broke, with what broke", () =>
    assert.deepStrictEqual(reasonOf(Exit.die(new Error("boom"))), {
      kind: "protocol",
      by: "local",
      detail: "a handler failed: Error: boom"
    }))

  it("reads as a failed dial, with the system's code, else that nothing answered, else nothing more", () => {
    const open = (kind: "Unknown" | "Timeout", cause: unknown) => failed(new Socket.SocketOpenError({ kind, cause }))
    assert.deepStrictEqual(open("Unknown", code("ECONNREFUSED")), {
      kind: "dial-failed",
      by: "remote",
      detail: "ECONNREFUSED"
    })
    assert.strictEqual(open("Timeout", new Error("late")).detail, "no answer")
    assert.strictEqual(open("Unknown", new Error("odd")).detail, "failed")
  })

  it("reads as a reset, with the system's code, else with what failed", () => {
    assert.deepStrictEqual(failed(new Socket.SocketReadError({ cause: code("ECONNRESET") })), {
      kind: "reset",
      by: "remote",
      detail: "ECONNRESET"
    })
    assert.strictEqual(failed(new Socket.SocketWriteError({ cause: new Error("odd") })).detail, "SocketWriteError")
  })
})
