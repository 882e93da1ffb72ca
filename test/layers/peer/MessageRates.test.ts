/** When a connection rests for what it sent, for how long, and that kinds of messages do not pay for one another. */
import { assert, describe, it } from "@effect/vitest"
import { messagePauseMs, messageRates } from "../../../src/domain/Limits.ts"
import { MessageRates } from "../../../src/layers/peer/MessageRates.ts"
import * as HandTimers from "../../harness/handTimers.ts"

const connection = () => {
  const did: Array<string> = []
  return { did, pauseReading: () => did.push("pause"), resumeReading: () => did.push("resume") }
}

describe("a connection", () => {
  it("is read on while a whole token is left, and rests when none is, however dear the message was", () => {
    const { timers } = HandTimers.make()
    const { burst } = messageRates.ping
    for (
      const [tokens, did] of [[burst - 1, []], [burst - 0.5, ["pause"]], [burst, ["pause"]], [5 * burst, [
        "pause"
      ]]] as const
    ) {
      const one = connection()
      new MessageRates().charge(one, { bucket: "ping", tokens }, timers)
      assert.deepStrictEqual(one.did, [...did], `${tokens}`)
    }
  })

  it("rests once, until what it owes is back and enough for the shortest pause besides", () => {
    const { timers, to } = HandTimers.make()
    const rates = new MessageRates()
    const one = connection()
    const { burst, perSecond } = messageRates.ping
    rates.charge(one, { bucket: "ping", tokens: burst + 2 }, timers)
    rates.charge(one, { bucket: "ping", tokens: 1 }, timers)
    assert.deepStrictEqual(one.did, ["pause"])
    assert.strictEqual(timers.size(), 1)
    // From the first message's debt of two tokens.
    const ms = (2 + perSecond * messagePauseMs / 1_000) / perSecond * 1_000
    to(ms - 1)
    assert.deepStrictEqual(one.did, ["pause"])
    to(ms)
    assert.deepStrictEqual(one.did, ["pause", "resume"])
    rates.charge(one, { bucket: "ping", tokens: burst }, timers)
    assert.deepStrictEqual(one.did, ["pause", "resume", "pause"], "it may rest again")
  })

  it("with a rate of one per second waits for one whole token at least", () => {
    const { timers, to } = HandTimers.make()
    const one = connection()
    const { burst } = messageRates.askAddresses
    new MessageRates().charge(one, { bucket: "askAddresses", tokens: burst }, timers)
    to(999)
    assert.deepStrictEqual(one.did, ["pause"])
    to(1_000)
    assert.deepStrictEqual(one.did, ["pause", "resume"])
  })

  it("pays for each kind of message from a bucket of its own", () => {
    const { timers } = HandTimers.make()
    const rates = new MessageRates()
    const one = connection()
    rates.charge(one, { bucket: "ping", tokens: messageRates.ping.burst - 1 }, timers)
    rates.charge(one, { bucket: "pong", tokens: messageRates.pong.burst - 1 }, timers)
    rates.charge(one, { bucket: "handshake", tokens: 1 }, timers)
    assert.deepStrictEqual(one.did, [])
    rates.charge(one, { bucket: "ping", tokens: 1 }, timers)
    assert.deepStrictEqual(one.did, ["pause"])
  })

  it("has its tokens back with time, up to the burst", () => {
    const { timers, to } = HandTimers.make()
    const rates = new MessageRates()
    const one = connection()
    const { burst, perSecond } = messageRates.ping
    rates.charge(one, { bucket: "ping", tokens: burst - 1 }, timers)
    to(1_000)
    rates.charge(one, { bucket: "ping", tokens: perSecond }, timers)
    assert.deepStrictEqual(one.did, [])
    to(1_000_000)
    rates.charge(one, { bucket: "ping", tokens: burst }, timers)
    assert.deepStrictEqual(one.did, ["pause"])
  })

  it("does not share what it has sent with another", () => {
    const { timers } = HandTimers.make()
    const [one, other] = [connection(), connection()]
    new MessageRates().charge(one, { bucket: "ping", tokens: messageRates.ping.burst }, timers)
    new MessageRates().charge(other, { bucket: "ping", tokens: 1 }, timers)
    assert.deepStrictEqual([one.did, other.did], [["pause"], []])
  })
})
