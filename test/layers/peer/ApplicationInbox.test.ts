/** Messages of channels: to whom, what waits for a receiver and for how much, and a receiver that throws. */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import { ApplicationInbox, type ChannelHandler, type Trouble } from "../../../src/layers/peer/ApplicationInbox.ts"
import { ip } from "../../harness/peerContext.ts"

const from = (n: number) => ({ ip: ip(`10.0.${n >> 8}.${n & 255}`), connection: n })
const bytes = (...all: ReadonlyArray<number>) => all.map((length) => new Uint8Array(length).fill(length & 255))

const receiver = () => {
  const got: Array<readonly [connection: number, lengths: ReadonlyArray<number>]> = []
  const handler: ChannelHandler = ({ connection }, payloads) =>
    got.push([connection, payloads.map(({ length }) => length)])
  return { handler, got }
}
const never = (): never => assert.fail("no trouble was expected")

describe("a channel", () => {
  it("gives a batch to its receiver, and only one may receive", () => {
    const inbox = new ApplicationInbox()
    const { got, handler } = receiver()
    assert.isTrue(inbox.open(1, handler, never))
    assert.isFalse(inbox.open(1, () => assert.fail("the second"), never))
    assert.isTrue(inbox.open(2, never, never))
    assert.isUndefined(inbox.deliver(from(1), 1, bytes(1, 2)))
    assert.deepStrictEqual(got, [[1, [1, 2]]])
    inbox.close(1)
    assert.isTrue(inbox.open(1, handler, never))
  })

  it("without a receiver holds copies of its messages, counts them, and gives each once, in order", () => {
    const inbox = new ApplicationInbox()
    const [first] = bytes(3)
    assert(first !== undefined)
    inbox.deliver(from(1), 1, [first])
    inbox.deliver(from(2), 1, bytes(4, 5))
    inbox.deliver(from(1), 2, bytes(6))
    first.fill(99)
    assert.strictEqual(inbox.heldMessages, 4)
    let copied: Uint8Array | undefined
    const { got, handler } = receiver()
    inbox.open(1, (origin, payloads) => {
      copied ??= payloads[0]
      handler(origin, payloads)
    }, never)
    assert.deepStrictEqual(got, [[1, [3]], [2, [4, 5]]])
    assert.deepStrictEqual(copied, new Uint8Array([3, 3, 3]), "a view's bytes may change meanwhile")
    assert.strictEqual(inbox.heldMessages, 1)
    inbox.close(1)
    inbox.open(1, never, never)
    assert.strictEqual(inbox.heldMessages, 1)
  })

  it("holds for one peer up to its share, and a first message whatever its length; what comes after is dropped and counted", () => {
    const inbox = new ApplicationInbox()
    const cost = Limits.heldMessageBytes
    const fits = Limits.heldBytesPerPeer - cost - 100 - cost
    assert.isUndefined(inbox.deliver(from(1), 1, bytes(100, fits)))
    assert.deepStrictEqual(inbox.deliver(from(1), 2, bytes(0, 0)), {
      _tag: "Dropped",
      from: from(1),
      channel: 2,
      messages: 2,
      why: "no receiver"
    })
    assert.isUndefined(inbox.deliver(from(2), 1, bytes(2 * Limits.heldBytesPerPeer)))
    assert.isDefined(inbox.deliver(from(2), 1, bytes(0)))
    assert.strictEqual(inbox.heldMessages, 3)
    const over = inbox.deliver(from(3), 1, bytes(10, Limits.heldBytesPerPeer, 10))
    assert.deepStrictEqual(over?._tag === "Dropped" && over.messages, 2, "nothing is held behind one that does not fit")
    const exact = new ApplicationInbox()
    assert.isDefined(exact.deliver(from(1), 1, bytes(100, fits + 1)), "one byte too many")
  })

  it("gives the share back when its messages are received", () => {
    const inbox = new ApplicationInbox()
    inbox.deliver(from(1), 1, bytes(Limits.heldBytesPerPeer))
    assert.isDefined(inbox.deliver(from(1), 2, bytes(1)))
    inbox.open(1, () => {}, never)
    assert.isUndefined(inbox.deliver(from(1), 2, bytes(1)))
  })

  it("holds for all peers together no more than its bound, to the byte", () => {
    const inbox = new ApplicationInbox()
    const each = Limits.heldBytesPerPeer - Limits.heldMessageBytes
    const count = Limits.heldBytes / Limits.heldBytesPerPeer
    for (let i = 0; i < count - 1; i++) assert.isUndefined(inbox.deliver(from(i), 1, bytes(each)))
    assert.isDefined(inbox.deliver(from(90), 1, bytes(each + 1)))
    assert.isUndefined(inbox.deliver(from(91), 1, bytes(each)))
    assert.isDefined(inbox.deliver(from(92), 1, bytes(0)))
    inbox.open(1, () => {}, never)
    for (let i = 0; i < count; i++) {
      assert.isUndefined(inbox.deliver(from(i), 2, bytes(each)), `${i} after all is given`)
    }
  })
})

describe("a receiver that throws", () => {
  const failing = () => {
    const inbox = new ApplicationInbox()
    let isFailing = true
    let calls = 0
    inbox.open(1, () => {
      calls += 1
      if (isFailing) throw new Error("no")
    }, never)
    const deliver = (n: number): Trouble | undefined => inbox.deliver(from(n), 1, bytes(1, 1))
    return {
      inbox,
      deliver,
      calls: () => calls,
      mend: () => {
        isFailing = false
      },
      failures: (n: number) => {
        const trouble = deliver(n)
        return trouble?._tag === "Failed" ? trouble.failures : trouble?._tag
      }
    }
  }

  it("is reported with its cause and how often in a row, and after three of one peer gets no more of that peer", () => {
    const { calls, deliver, failures } = failing()
    const first = deliver(1)
    assert.deepStrictEqual(first, {
      _tag: "Failed",
      from: from(1),
      channel: 1,
      cause: first?._tag === "Failed" ? first.cause : undefined,
      failures: 1
    })
    assert.deepStrictEqual([failures(1), failures(2), failures(1)], [2, 1, 3])
    const before = calls()
    assert.deepStrictEqual(deliver(1), {
      _tag: "Dropped",
      from: from(1),
      channel: 1,
      messages: 2,
      why: "receiver failed"
    })
    assert.deepStrictEqual([calls(), failures(2)], [before, 2])
  })

  it("begins to count anew after a success, and as another receiver", () => {
    const { deliver, failures, inbox, mend } = failing()
    failures(1)
    failures(1)
    failures(2)
    mend()
    assert.isUndefined(deliver(1))
    inbox.close(1)
    inbox.open(1, () => {
      throw new Error("again")
    }, never)
    assert.deepStrictEqual([failures(1), failures(2)], [1, 1])
    const once = failing()
    once.failures(1)
    once.failures(1)
    once.mend()
    assert.isUndefined(once.deliver(1))
    assert.isUndefined(once.inbox.deliver(from(1), 1, bytes(1)))
  })

  it("in one channel is not held against the peer's others, and messages that were held fail one by one", () => {
    const inbox = new ApplicationInbox()
    for (let i = 0; i < 5; i++) inbox.deliver(from(1), 1, bytes(1))
    inbox.deliver(from(1), 2, bytes(1))
    const troubles: Array<Trouble> = []
    inbox.open(1, () => {
      throw new Error("no")
    }, (trouble) => troubles.push(trouble))
    assert.deepStrictEqual(troubles.map(({ _tag }) => _tag), ["Failed", "Failed", "Failed", "Dropped", "Dropped"])
    const { got, handler } = receiver()
    inbox.open(2, handler, never)
    assert.strictEqual(got.length, 1)
  })

  it("remembers a bounded number of peers: the one that failed first is forgotten first", () => {
    const { failures } = failing()
    for (let i = 0; i < Limits.knownPeers; i++) failures(i)
    assert.strictEqual(failures(5), 2, "which is known takes no new place")
    assert.strictEqual(failures(0), 2)
    failures(Limits.knownPeers)
    assert.deepStrictEqual([failures(1), failures(0)], [2, 1])
  })
})
