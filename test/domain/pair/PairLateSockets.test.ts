import { assert, describe, it } from "@effect/vitest"
import * as Pair from "../../../src/domain/pair/Pair.ts"
import { a1, a2, accepted, ack, commit, drive, fired, higherUp, welcomed } from "../../harness/PairDrive.ts"

describe("sockets that come too late: the process is up on a newer one (decision 0040)", () => {
  /** An H that is up on end 1, the peer's socket 7. */
  const upOnSeven = (tag = "p") => {
    const pair = drive()
    pair.send(accepted(1))
    pair.send(welcomed(1, "higher", tag, a1, tag, 7))
    pair.send(commit(1))
    return pair
  }

  it("H refuses a late Commit and keeps its connection", () => {
    const pair = upOnSeven()
    pair.send(accepted(2))
    pair.send(welcomed(2, "higher", "p", a1, "p", 6))
    assert.deepStrictEqual(pair.send(commit(2)), ["Close 2 rejected: duplicate!", "Disarm wait 2"])
    assert.strictEqual(Pair.up(pair.state())?.id, 1)
  })

  it("H follows its L to a newer socket, to one of equal number, and to one without", () => {
    for (const order of [8, 7, undefined]) {
      const pair = upOnSeven()
      pair.send(accepted(2))
      pair.send(welcomed(2, "higher", "p", a1, "p", order))
      assert.deepStrictEqual(pair.said(commit(2)), ["Close 1 replaced", "Down 1 replaced", "SendAck 2", "Up 2"])
    }
  })

  it("H follows an L that does not number its sockets, whatever comes later", () => {
    const pair = higherUp()
    pair.send(accepted(2))
    pair.send(welcomed(2, "higher", "p", a1, "p", 1))
    assert.deepStrictEqual(pair.said(commit(2)), ["Close 1 replaced", "Down 1 replaced", "SendAck 2", "Up 2"])
  })

  it("numbers of two processes are not compared", () => {
    const pair = upOnSeven()
    pair.send(accepted(2))
    pair.send(welcomed(2, "higher", "q", a1, "q", 6))
    assert.deepStrictEqual(pair.said(commit(2)), ["SendPing 1 6"])
  })

  it("nor are those of one process to two addresses of ours: it may have restarted", () => {
    const pair = upOnSeven()
    pair.send(accepted(2))
    pair.send(welcomed(2, "higher", "p", a2, "another", 6))
    assert.deepStrictEqual(pair.said(commit(2)), ["SendPing 1 6"])
  })

  it("of two Commits of another process the one on the newer socket is held", () => {
    for (const [first, second, closes] of [[5, 4, 3], [4, 5, 2]] as const) {
      const pair = upOnSeven()
      pair.send(accepted(2))
      pair.send(welcomed(2, "higher", "q", a1, "q", first))
      pair.send(commit(2))
      pair.send(accepted(3))
      pair.send(welcomed(3, "higher", "q", a1, "q", second))
      assert.deepStrictEqual(pair.said(commit(3)), [`Close ${closes} rejected: duplicate!`])
    }
  })

  it("L does not doubt its connection for a dial that the peer aborted when it said Ack", () => {
    for (const [order, said] of [[6, "Close 2 rejected: duplicate!"], [8, "SendPing 1 5"]] as const) {
      const pair = drive()
      pair.send(accepted(1))
      pair.send(welcomed(1, "lower", "p", a1, "p", 7))
      pair.send(ack(1))
      pair.send(accepted(2))
      assert.deepStrictEqual(pair.said(welcomed(2, "lower", "p", a1, "p", order)), [said])
    }
  })

  it("L holds it before the Ack: the peer may not have seen the Commit", () => {
    const pair = drive()
    pair.send(accepted(1))
    pair.send(welcomed(1, "lower", "p", a1, "p", 7))
    pair.send(accepted(2))
    assert.deepStrictEqual(pair.said(welcomed(2, "lower", "p", a1, "p", 6)), [])
    assert.deepStrictEqual(pair.said(fired("commit", 1)), ["Close 1 no-ack", "SendCommit 2"])
  })
})
