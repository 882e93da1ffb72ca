import { assert, describe, it } from "@effect/vitest"
import {
  a2,
  accepted,
  challenger,
  closed,
  commit,
  connected,
  drive,
  fired,
  flushed,
  foreign,
  higherUp,
  learned,
  pong,
  welcomed
} from "../../harness/PairDrive.ts"

describe("H (H1–H3)", () => {
  it("waits for Commit, answers it, is up", () => {
    const pair = drive()
    pair.send(accepted(1))
    assert.deepStrictEqual(pair.send(welcomed(1, "higher")), ["Disarm hello 1", "Arm wait 1 17000"])
    assert.deepStrictEqual(pair.send(commit(1)), ["SendAck 1", "Disarm wait 1", "Up 1"])
  })

  it("gives up an L that decides nothing", () => {
    const pair = drive()
    pair.send(accepted(1))
    pair.send(welcomed(1, "higher"))
    assert.deepStrictEqual(pair.said(fired("wait", 1)), ["Close 1 no-commit"])
  })

  it("aborts its own dial when L commits", () => {
    const pair = drive()
    pair.send(learned("higher"))
    pair.send(fired("redial"), { id: 1 })
    pair.send(connected(1))
    pair.send(accepted(2))
    pair.send(welcomed(2, "higher"))
    pair.send(welcomed(1, "higher"))
    assert.deepStrictEqual(pair.said(commit(2)), ["Close 1 rejected: duplicate!", "SendAck 2", "Up 2"])
  })

  it("leaves sockets alone on which L has not decided, or not said Hello", () => {
    const pair = drive()
    pair.send(accepted(1))
    pair.send(accepted(2))
    pair.send(accepted(3))
    pair.send(welcomed(2, "higher"))
    pair.send(welcomed(3, "higher"))
    assert.deepStrictEqual(pair.said(commit(3)), ["SendAck 3", "Up 3"])
    assert.deepStrictEqual(pair.state().ends.map(({ id }) => id), [1, 2, 3])
  })

  it("follows its L from socket to socket, Down before Up", () => {
    const pair = higherUp()
    pair.send(accepted(2))
    pair.send(welcomed(2, "higher"))
    assert.deepStrictEqual(pair.said(commit(2)), ["Close 1 replaced", "Down 1 replaced", "SendAck 2", "Up 2"])
  })

  it("protects its connection against another process", () => {
    const pair = foreign()
    assert.deepStrictEqual(flushed(pair), ["Arm probe 0 3000", "Arm quiet 0 1000"])
    assert.deepStrictEqual(pair.said(pong(1, 6n)), ["Close 2 rejected: in-use!"])
  })

  it("goes with another process when its connection is dead", () => {
    for (const event of [fired("probe"), closed(1)]) {
      const pair = foreign()
      flushed(pair, 5_000)
      assert.deepStrictEqual(pair.said(event).slice(-3), [
        event._tag === "Closed" ? "Down 1 EOF" : "Down 1 unanswered",
        "SendAck 2",
        "Up 2"
      ])
    }
  })

  it("a second Commit on a socket whose first is held ends that socket", () => {
    assert.deepStrictEqual(foreign().said(commit(2)), ["Close 2 protocol!"])
  })

  it("a connection that fails under two conflicts leaves nothing of its challenge behind", () => {
    const pair = foreign()
    challenger(pair, 3, "p", a2, "another process")
    flushed(pair)
    assert.deepStrictEqual(pair.said(closed(1)), ["Down 1 EOF", "Close 2 rejected: duplicate!", "SendCommit 3"])
    assert.isUndefined(pair.state().probe)
  })

  it("a slow challenge begins anew, with short times, for a Commit", () => {
    const slow = () => {
      const pair = higherUp()
      challenger(pair, 2, "p", a2, "another process")
      pair.send(accepted(3))
      pair.send(welcomed(3, "higher", "q"))
      return pair
    }
    const queued = slow()
    assert.deepStrictEqual(queued.send(commit(3)), ["Disarm wait 3", "SendPing 1 8", "Arm probe 0 1000"])
    assert.deepStrictEqual(flushed(queued), ["Arm probe 0 3000", "Arm quiet 0 1000"])
    const sent = slow()
    flushed(sent)
    assert.deepStrictEqual(sent.send(commit(3)), [
      "Disarm wait 3",
      "Disarm quiet 0",
      "SendPing 1 9",
      "Arm probe 0 1000"
    ])
    const late = slow()
    flushed(late)
    late.send(fired("quiet"))
    assert.deepStrictEqual(late.send(commit(3)), ["Disarm wait 3"], "over within 4 s in any case")
  })

  it("a Commit cannot be held while a Commit of our own waits for its Ack", () => {
    for (const [tag, reject] of [["p", "duplicate"], ["q", "in-use"]] as const) {
      const pair = drive()
      pair.send(accepted(1))
      pair.send(welcomed(1, "lower"))
      pair.send(accepted(2))
      pair.send(welcomed(2, "higher", tag, a2, "another process"))
      assert.deepStrictEqual(pair.said(commit(2)), [`Close 2 rejected: ${reject}!`])
    }
  })

  it("who was held for the old connection is not held for the new one", () => {
    const pair = higherUp()
    challenger(pair, 2, "p", a2, "another process")
    pair.send(accepted(3))
    pair.send(welcomed(3, "higher"))
    assert.deepStrictEqual(pair.said(commit(3)), [
      "Close 1 replaced",
      "Down 1 replaced",
      "Close 2 rejected: duplicate!",
      "SendAck 3",
      "Up 3"
    ])
  })

  it("a newer Commit replaces the held one", () => {
    const pair = foreign()
    pair.send(accepted(3))
    pair.send(welcomed(3, "higher", "r"))
    assert.deepStrictEqual(pair.said(commit(3)), ["Close 2 rejected: duplicate!"])
    flushed(pair)
    assert.deepStrictEqual(pair.said(fired("probe")).slice(-2), ["SendAck 3", "Up 3"])
  })
})
