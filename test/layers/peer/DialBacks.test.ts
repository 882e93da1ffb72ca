/** What a node remembers of dials back: one question waits at a time, and dials for others have bounds. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import { fromStringUnsafe as ip } from "../../../src/domain/peer/PeerIp.ts"
import { DialBacks } from "../../../src/layers/peer/DialBacks.ts"
import type { Up } from "../../../src/layers/peer/PeerEnd.ts"

/** Connections are told apart by identity alone. */
const up = (from = "50.1.0.1"): Up => ({ end: { ip: ip(from) } }) as Up

describe("this node's own question", () => {
  it("waits for the answer of the peer that was asked, with the number of the question, once", () => {
    const backs = new DialBacks()
    const [asked, other] = [up(), up()]
    assert.isFalse(backs.isWaiting(0))
    const request = backs.ask(asked, "g", 1_000)
    assert.isTrue(backs.isWaiting(1_000))
    assert.isFalse(backs.answered(other, request), "another peer's answer")
    assert.isFalse(backs.answered(asked, request + 1), "the answer to another question")
    assert.isTrue(backs.isWaiting(1_000))
    assert.isTrue(backs.answered(asked, request))
    assert.isFalse(backs.isWaiting(1_000))
    assert.isFalse(backs.answered(asked, request), "a second answer")
  })

  it("knows the dial back that comes of it: of the peer that was asked, once, within the time of an answer", () => {
    const backs = new DialBacks()
    const over = 1_000 + Limits.dialBackAnswerMs
    assert.isFalse(backs.took(ip("50.1.0.1"), 1_000), "none was asked for")
    const asked = up("50.1.0.1")
    const request = backs.ask(asked, "g", 1_000)
    assert.isFalse(backs.took(ip("50.1.0.2"), 1_001), "another peer")
    // The answer may come before this end hears that the dial is over.
    assert.isTrue(backs.answered(asked, request))
    assert.isTrue(backs.took(ip("50.1.0.1"), over - 1))
    assert.isFalse(backs.took(ip("50.1.0.1"), over - 1), "a second one")
    backs.ask(asked, "g", 1_000)
    assert.isFalse(backs.took(ip("50.1.0.1"), over), "too late")
  })

  it("is given up after its time", () => {
    const backs = new DialBacks()
    backs.ask(up(), "g", 1_000)
    const over = 1_000 + Limits.dialBackAnswerMs
    assert.deepStrictEqual([backs.isWaiting(over - 1), backs.isWaiting(over)], [true, false])
  })

  it("has a new number each time, and says when a netgroup was asked last", () => {
    const backs = new DialBacks()
    assert.strictEqual(backs.askedAt("g"), -Infinity)
    const first = backs.ask(up(), "g", 1_000)
    const second = backs.ask(up(), "h", 2_000)
    assert.isAbove(second, first)
    backs.ask(up(), "g", 3_000)
    assert.deepStrictEqual([backs.askedAt("g"), backs.askedAt("h")], [3_000, 2_000])
  })
})

describe("a dial for another", () => {
  const asker = (n: number) => ip(`50.1.0.${n}`)

  it("is made again for the same asker only after a while", () => {
    const backs = new DialBacks()
    assert.isTrue(backs.mayDial(asker(1), 0))
    backs.dialled()
    const again = Limits.dialBackAgainMs
    assert.isFalse(backs.mayDial(asker(1), again - 1))
    assert.isTrue(backs.mayDial(asker(1), again))
  })

  it("is one of a few at a time; one that is over makes room", () => {
    const backs = new DialBacks()
    for (let n = 0; n < Limits.dialBacks; n++) assert.isTrue(backs.mayDial(asker(n), 0), `${n}`)
    assert.isFalse(backs.mayDial(asker(200), 0))
    backs.dialled()
    // What was refused for want of room was no dial: that asker may come now.
    assert.isTrue(backs.mayDial(asker(200), 60_000))
  })

  it("is one of a bounded number in all, whoever asks", () => {
    const backs = new DialBacks()
    let dials = 0
    for (let n = 0; n < 250; n++) {
      if (!backs.mayDial(asker(n), 0)) continue
      dials += 1
      backs.dialled()
    }
    assert.strictEqual(dials, Math.floor(Limits.dialBackRate.burst))
  })
})
