/** What peers send at one moment is handled in parts, with turns of the event loop between them: long lists by entries, messages by the time they take. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { concat } from "../../../../src/domain/bytes.ts"
import * as Limits from "../../../../src/domain/Limits.ts"
import { NativeWire } from "../../../../src/domain/wire/native/NativeWire.ts"
import { ListTurns } from "../../../../src/layers/peer/ListTurns.ts"
import { ReadTurns } from "../../../../src/layers/peer/ReadTurns.ts"
import { downs, ip, onMesh, port } from "../../../harness/mesh.ts"
import { join } from "../../../harness/rawPeer.ts"

/** Turns that were asked for, each run when the test says so. */
const turns = () => {
  const asked: Array<Effect.Effect<void>> = []
  return {
    asked,
    fork: (effect: Effect.Effect<void>) => asked.push(effect),
    next: () => Effect.runSync(asked.shift() ?? Effect.die("no turn was asked for"))
  }
}

/** A connection that counts for how many reasons it is not read. */
const connection = () => {
  const held = { holds: 0, pauseReading: () => held.holds += 1, resumeReading: () => held.holds -= 1 }
  return held
}

describe("long lists", () => {
  it("so many entries a turn of all peers together, in order, each peer in turn; a peer whose list waits is not read", () => {
    const { asked, fork, next } = turns()
    const lists = new ListTurns(fork)
    const peers = ["a", "b", "c"].map((name) => ({ name, connection: connection(), handled: 0 }))
    let entries = 0
    const perTurn: Array<number> = []
    const length = 2 * Limits.listEntriesPerTurn + 5
    for (const peer of peers) {
      lists.push(peer.connection, length, (from, to) => {
        assert.strictEqual(from, peer.handled, "in order, none twice")
        peer.handled = to
        entries += to - from
      })
      assert.strictEqual(peer.connection.holds, 1)
    }
    perTurn.push(entries)
    for (let at = 0; asked.length > 0; at++) {
      assert.strictEqual(asked.length, 1, "one turn is asked for, however many wait")
      next()
      perTurn.push(entries - perTurn.reduce((a, b) => a + b, 0))
      if (at === 2) {
        assert.isTrue(peers.every(({ handled }) => handled > 0), "no peer waits for the whole of another's list")
      }
      for (const { connection, handled } of peers) assert.strictEqual(connection.holds, handled < length ? 1 : 0)
    }
    assert.deepStrictEqual(peers.map(({ handled }) => handled), [length, length, length])
    assert.isAtMost(Math.max(...perTurn), Limits.listEntriesPerTurn)
    assert.isAtMost(perTurn.length, Math.ceil(3 * length / Limits.listEntriesPerTurn) + 1, "no turn is wasted")
    assert.strictEqual(lists.size, 0)
  })

  it("a short list is handled at once, and its peer is read on", () => {
    const { asked, fork } = turns()
    const peer = connection()
    let handled = 0
    new ListTurns(fork).push(peer, 10, (from, to) => handled += to - from)
    assert.deepStrictEqual([handled, peer.holds, asked.length], [10, 0, 0])
    const ranges: Array<readonly [number, number]> = []
    const lists = new ListTurns(fork)
    lists.push(peer, Limits.listEntriesPerTurn, (from, to) => ranges.push([from, to]))
    lists.push(peer, 0, () => assert.fail("an empty list has no entries"))
    assert.deepStrictEqual([ranges, peer.holds, asked.length], [[[0, Limits.listEntriesPerTurn]], 0, 0])
  })

  it("a list behind one that waits is not begun before its turn; the last turn that is needed is the last one asked for", () => {
    const { asked, fork, next } = turns()
    const lists = new ListTurns(fork)
    const [a, b] = [connection(), connection()]
    const ranges: Array<readonly [string, number, number]> = []
    const most = Limits.listEntriesPerTurn
    lists.push(a, most + 2, (from, to) => ranges.push(["a", from, to]))
    lists.push(b, 3, (from, to) => ranges.push(["b", from, to]))
    assert.deepStrictEqual([ranges.splice(0), lists.size, asked.length], [[["a", 0, most]], 2, 1])
    next()
    assert.deepStrictEqual(ranges.splice(0), [["a", most, most + 2], ["b", 0, 3]])
    assert.deepStrictEqual([lists.size, asked.length, a.holds, b.holds], [0, 0, 0, 0])
    // A list that takes the whole turn: nothing waits behind it.
    const full = new ListTurns(fork)
    full.push(a, most, () => {})
    full.push(b, most, () => {})
    assert.deepStrictEqual([full.size, asked.length], [1, 1])
    next()
    assert.deepStrictEqual([full.size, asked.length], [0, 0])
  })

  it.effect("full lists of addresses from eight peers at once: all of them are learnt, and what a peer says behind its list is heard after it", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const n = yield* start("10.0.0.1")
        const liars = yield* Effect.forEach(
          Array.from({ length: 8 }, (_, i) => i),
          (i) =>
            join(network.host(ip(`11.${i}.0.1`)), ip("10.0.0.1"), [], { process: i.toString(16).padStart(16, "0") })
        )
        yield* TestClock.adjust("1 second")
        for (const [i, raw] of liars.entries()) {
          const peers = Array.from({ length: 200 }, (_, at) => ({ ip: ip(`${30 + i}.${at}.9.1`), port }))
          const said = [{ _tag: "Peers", peers }, { _tag: "Ping", nonce: BigInt(100 + i) }] as const
          yield* Effect.forkScoped(raw.bytes(concat(...said.flatMap((message) => NativeWire.encode(message)))))
        }
        const answered = () => new Set<unknown>(n.of("PongSent").map(({ nonce }) => nonce))
        // The lists take their turns; on a busy machine the clock of the test does not wait for all of them.
        for (let i = 0; i < 20 && !liars.every((_, at) => answered().has(BigInt(100 + at))); i++) {
          yield* TestClock.adjust("100 millis")
        }
        const { book } = yield* n.state.sizes
        assert.isAtLeast(book.new, 8 * 200 * 0.9, "the book has what its buckets have room for")
        assert.isAtMost(n.of("PeerLearned").length, Limits.candidates + 8)
        for (const i of liars.keys()) assert.isTrue(answered().has(BigInt(100 + i)), `the ping behind list ${i}`)
        assert.deepStrictEqual(downs(n), [])
      })))
})

describe("messages of one turn", () => {
  it("a connection that has had its share waits, and so does every one when the turn is over; each gets a turn of its own", () => {
    const { asked, fork, next } = turns()
    let now = 0
    const reads = new ReadTurns(() => now, fork)
    const says = (by: ReturnType<typeof connection>, ms: number) => {
      reads.begins()
      now += ms
      reads.handled(by)
    }
    const [quick, slow, late] = [connection(), connection(), connection()]
    says(quick, Limits.readShareMs / 2)
    assert.deepStrictEqual([quick.holds, asked.length], [0, 0])
    says(slow, Limits.readTurnMs)
    assert.strictEqual(slow.holds, 1, "its share is used up")
    says(late, 0.001)
    assert.strictEqual(late.holds, 1, "the turn is over, whoever used it up")
    // Time between two batches is nobody's.
    now += 1_000
    next()
    assert.deepStrictEqual([slow.holds, late.holds, reads.size], [0, 1, 1])
    says(quick, Limits.readShareMs / 2)
    assert.strictEqual(quick.holds, 0, "a new turn")
    next()
    assert.deepStrictEqual([late.holds, reads.size, asked.length], [0, 0, 0])
  })

  it("no connection waits while messages leave time for everything else, however many they are", () => {
    const { asked, fork } = turns()
    let now = 0
    const reads = new ReadTurns(() => now, fork)
    const one = connection()
    for (let at = 0; at < 1_000; at++) {
      now += Limits.readShareMs
      reads.begins()
      now += Limits.readShareMs / 2
      reads.handled(one)
    }
    assert.deepStrictEqual([one.holds, asked.length], [0, 0])
    // Nothing of the kind is left when a crowd comes in one turn.
    const crowd = Array.from({ length: 20 }, connection)
    for (const each of crowd) {
      reads.begins()
      now += Limits.readShareMs / 2
      reads.handled(each)
    }
    const handled = crowd.filter(({ holds }) => holds === 0).length
    assert.isAtMost(handled * Limits.readShareMs / 2, Limits.readTurnMs)
    assert.isAtLeast(reads.size, 12)
  })
})
