/** What is counted in a node: each count against its bound, in the turn that uses it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { Peer } from "../../../src/layers/peer/Peer.ts"
import { PeerEnd } from "../../../src/layers/peer/PeerEnd.ts"
import { Slots } from "../../../src/layers/peer/Slots.ts"
import { ip } from "../../harness/mesh.ts"

const [a, b, c] = [ip("10.0.0.1"), ip("10.0.0.2"), ip("10.0.0.3")]
const peer = new Peer(a, undefined, "inbound")
const slots = () => new Slots((n) => n)
const end = (id: number, direction: "inbound" | "outbound" = "inbound") => new PeerEnd(id, peer, direction, BigInt(id))

describe("Slots", () => {
  it("ids stay the same until one is taken, and ascend", () => {
    const s = new Slots((n) => n * 10)
    assert.deepStrictEqual([s.nextId, s.nextId], [10, 10])
    s.tookId()
    assert.strictEqual(s.nextId, 20)
  })

  it("a peer has one place however often it takes it, until it gives it back", () => {
    const s = slots()
    for (const peer of [a, a, b]) s.takePlace(peer, false)
    assert.strictEqual(s.placesTaken, 2)
    s.givePlaceBack(a)
    s.givePlaceBack(c)
    assert.deepStrictEqual([s.placesTaken, s.hasPlace(a), s.hasPlace(b)], [1, false, true])
  })

  it("counts the places of chosen peers: once each, whichever end comes first, until they are given back", () => {
    const s = slots()
    s.takePlace(a, false)
    s.takePlace(b, true)
    s.takePlace(b, true)
    assert.strictEqual(s.chosenPlaces, 1)
    s.takePlace(b, false)
    assert.strictEqual(s.chosenPlaces, 1, "it answers our dial with one of its own")
    s.takePlace(a, true)
    assert.strictEqual(s.chosenPlaces, 2)
    for (const peer of [a, a, c]) s.givePlaceBack(peer)
    assert.strictEqual(s.chosenPlaces, 1)
    s.givePlaceBack(b)
    assert.deepStrictEqual([s.chosenPlaces, s.placesTaken], [0, 0])
  })

  it("no peer comes up without a place, nor over the limit whatever the places say", () => {
    const s = slots()
    assert.isUndefined(s.wentUp(a, 2))
    for (const peer of [a, b, c]) s.takePlace(peer, false)
    assert.deepStrictEqual([s.wentUp(a, 2), s.wentUp(b, 2), s.wentUp(c, 2)], [1, 2, undefined])
    assert.strictEqual(s.upCount, 2)
    s.wentDown()
    assert.strictEqual(s.wentUp(c, 2), 3, "numbers keep ascending")
    assert.strictEqual(s.upCount, 2)
  })

  it("a Hello with the nonce of one of our dials is our own until that dial has ended", () => {
    const s = slots()
    const dial = end(7, "outbound")
    s.dialled(dial)
    assert.deepStrictEqual([s.isOwnNonce(7n), s.isOwnNonce(8n)], [true, false])
    s.released(dial)
    assert.isFalse(s.isOwnNonce(7n))
  })

  it("sockets without a Hello are counted, oldest first, until they say it or close", () => {
    const s = slots()
    assert.isUndefined(s.firstToLeave)
    const ends = [end(1), end(2), end(3)] as const
    for (const one of ends) s.accepted(one)
    assert.deepStrictEqual([s.unidentifiedCount, s.firstToLeave], [3, ends[0]])
    s.identified(ends[0])
    s.released(ends[1])
    assert.deepStrictEqual([s.unidentifiedCount, s.firstToLeave], [1, ends[2]])
  })

  it.effect("is drained when it is closed and the last program has ended", () =>
    Effect.gen(function*() {
      const s = slots()
      yield* s.drained
      const [incoming, dial] = [end(1), end(2, "outbound")]
      s.opened(incoming)
      s.opened(dial)
      assert.deepStrictEqual([...s.openDials()], [dial])
      const waiting = yield* Effect.forkChild(s.drained, { startImmediately: true })
      assert.isFalse(s.closed)
      s.close()
      assert.isTrue(s.closed)
      s.ended(incoming)
      yield* Effect.yieldNow
      assert.isUndefined(waiting.pollUnsafe())
      s.ended(dial)
      yield* Fiber.join(waiting)
      assert.deepStrictEqual([...s.openDials()], [])
    }))
})
