import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../src/domain/DisconnectReason.ts"

describe("DisconnectReason", () => {
  it("keeps the wire order of reject reasons", () => {
    assert.deepStrictEqual([...DisconnectReason.rejectReasons], [
      "duplicate",
      "in-use",
      "full",
      "banned",
      "incompatible",
      "alias",
      "self",
      "shutdown",
      "operator",
      "evicted",
      "protocol",
      "application"
    ])
  })

  it("labels", () => {
    assert.strictEqual(DisconnectReason.label(DisconnectReason.remote("eof")), "EOF")
    assert.strictEqual(DisconnectReason.label(DisconnectReason.local("silent", "45 s")), "silent")
    assert.strictEqual(DisconnectReason.label(DisconnectReason.rejected("duplicate", "remote")), "rejected: duplicate")
    assert.strictEqual(DisconnectReason.label(DisconnectReason.rejected("shutdown", "remote")), "shutdown")
  })

  it("gives reasons of a live connection their own kind, and keeps what the Reject said", () => {
    for (const reject of DisconnectReason.rejectReasons) {
      const reason = DisconnectReason.rejected(reject, "remote", "why")
      const own = ["shutdown", "operator", "banned", "evicted", "protocol", "application"].includes(reject)
      assert.strictEqual(reason.kind, own ? reject : "rejected")
      assert.deepStrictEqual([reason.by, reason.reject, reason.detail], ["remote", reject, "why"])
    }
  })

  it("has no empty detail", () => {
    assert.notProperty(DisconnectReason.rejected("full", "local", ""), "detail")
    assert.notProperty(DisconnectReason.local("operator"), "detail")
    assert.notProperty(DisconnectReason.remote("reset"), "detail")
    assert.strictEqual(DisconnectReason.remote("reset", "ECONNRESET").detail, "ECONNRESET")
  })
})
