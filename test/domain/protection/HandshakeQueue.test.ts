import { assert, describe, it } from "@effect/vitest"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import { type Arrival, HandshakeQueue } from "../../../src/domain/protection/HandshakeQueue.ts"

const from = (ip: string, isKnown = false): Arrival => ({ ip: PeerIp.fromStringUnsafe(ip), isKnown })
/** The n-th stranger of a netgroup. */
const of = (netgroup: number, n: number) => from(`10.${netgroup}.${n >> 8}.${n & 255}`)
const many = (count: number, netgroup: number) => Array.from({ length: count }, (_, n) => of(netgroup, n))

/** All that begin now. */
const begun = (queue: HandshakeQueue<Arrival>, now: number) => {
  const all: Array<Arrival> = []
  for (let next = queue.next(now); next !== undefined; next = queue.next(now)) all.push(next.begins)
  return all
}

const { burst, perSecond } = Limits.tlsHandshakeRate

describe("HandshakeQueue", () => {
  it("begins nothing before its ClientHello is whole", () => {
    const queue = new HandshakeQueue<Arrival>(100, 0)
    const [a] = [of(1, 1)]
    assert.isUndefined(queue.arrive(a))
    assert.deepStrictEqual([queue.next(0), queue.waitMs(0)], [undefined, undefined])
    assert.isFalse(queue.spoken(a))
    assert.deepStrictEqual(begun(queue, 0), [a])
  })

  it("gives netgroups turns: a flood from one has no more of them than a newcomer from another", () => {
    const queue = new HandshakeQueue<Arrival>(10_000, 0)
    const flood = many(1_000, 1)
    for (const arrival of flood) queue.spoken((queue.arrive(arrival), arrival))
    const newcomer = of(2, 1)
    queue.spoken((queue.arrive(newcomer), newcomer))
    assert.strictEqual(begun(queue, 0).indexOf(newcomer), 1)
  })

  it("keeps its pace, and says how long until the next", () => {
    const queue = new HandshakeQueue<Arrival>(10_000, 0)
    for (const arrival of many(1_000, 1)) queue.spoken((queue.arrive(arrival), arrival))
    assert.strictEqual(begun(queue, 0).length, burst)
    assert.strictEqual(queue.waitMs(0), 1_000 / perSecond)
    assert.strictEqual(begun(queue, 1_000 / perSecond).length, 1)
    assert.strictEqual(begun(queue, 500).length, perSecond / 2 - 1)
  })

  it("spends nothing of its pace while no handshake waits", () => {
    const queue = new HandshakeQueue<Arrival>(10_000, 0)
    for (let i = 0; i < 2 * burst; i++) assert.isUndefined(queue.next(0))
    for (const arrival of many(1_000, 1)) queue.spoken((queue.arrive(arrival), arrival))
    assert.strictEqual(begun(queue, 0).length, burst)
  })

  it("begins fewer while handshakes cost more CPU time than usual, and catches up with none", () => {
    const usual = Limits.tlsHandshakeCostMs
    for (const [costMs, begins] of [[usual / 2, perSecond], [usual, perSecond], [5 * usual, perSecond / 5]] as const) {
      const queue = new HandshakeQueue<Arrival>(10_000, 0)
      for (const arrival of many(2_000, 1)) queue.spoken((queue.arrive(arrival), arrival))
      begun(queue, 0)
      let count = 0
      for (let now = 0; now <= 10_000; now += 1) {
        for (let next = queue.next(now); next !== undefined; next = queue.next(now)) {
          count += 1
          queue.spent(costMs, now)
        }
      }
      assert.closeTo(count / 10, begins, 1)
    }
  })

  it("lets a known peer wait for no stranger, and take no stranger's turn", () => {
    const queue = new HandshakeQueue<Arrival>(10, 0)
    for (const arrival of many(burst + 5, 1)) queue.spoken((queue.arrive(arrival), arrival))
    const known = from("10.1.9.9", true)
    assert.isUndefined(queue.arrive(known))
    assert.isTrue(queue.spoken(known))
  })

  it("has so many places, and the oldest of the netgroup that holds most gives way", () => {
    const queue = new HandshakeQueue<Arrival>(10, 0)
    const honest = of(2, 1)
    queue.arrive(honest)
    const flood = many(200, 1)
    const gone = flood.map((arrival) => queue.arrive(arrival))
    assert.deepStrictEqual(gone.slice(9), flood.slice(0, -9))
    queue.spoken(honest)
    assert.deepStrictEqual(begun(queue, 0), [honest], "which is not the honest one, although that came first")
    // Known peers have no place to lose.
    const known = from("10.1.200.200", true)
    assert.isUndefined(queue.arrive(known))
    for (const arrival of many(200, 3)) assert.notStrictEqual(queue.arrive(arrival), known)
  })

  it("keeps a few connections of one IP, and the oldest gives way", () => {
    const queue = new HandshakeQueue<Arrival>(1_000, 0)
    const same = Array.from({ length: Limits.tlsArrivalsPerIp + 2 }, () => from("10.1.1.1", true))
    assert.deepStrictEqual(same.map((arrival) => queue.arrive(arrival)), [
      ...Array.from({ length: Limits.tlsArrivalsPerIp }, () => undefined),
      same[0],
      same[1]
    ])
    for (const arrival of same) queue.leave(arrival)
    assert.isUndefined(queue.arrive(from("10.1.1.1")), "those that left count no more")
  })

  it("bounds handshakes under way: one that stalls gives way to the next, of its own netgroup first", () => {
    const queue = new HandshakeQueue<Arrival>(10_000, 0)
    const honest = of(2, 1)
    queue.spoken((queue.arrive(honest), honest))
    const stalled = many(Limits.tlsHandshakes + 10, 1)
    for (const arrival of stalled) queue.spoken((queue.arrive(arrival), arrival))
    const gone: Array<Arrival | undefined> = []
    for (let now = 0; now < 5_000; now += 10) {
      for (let next = queue.next(now); next !== undefined; next = queue.next(now)) gone.push(next.leaves)
    }
    const leaves = gone.filter((arrival) => arrival !== undefined)
    assert.deepStrictEqual(leaves, stalled.slice(0, 11))
  })

  it("forgets whom it has let go", () => {
    const queue = new HandshakeQueue<Arrival>(10_000, 0)
    const all = many(50, 1)
    for (const arrival of all) queue.spoken((queue.arrive(arrival), arrival))
    for (const arrival of all) queue.leave(arrival)
    assert.deepStrictEqual([begun(queue, 0), queue.waitMs(0)], [[], undefined])
  })
})
