/** When the seeds are asked, how long each wait is, and what becomes of their answers: by timers moved by hand. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import type { PeerIp } from "../../../src/domain/peer/PeerIp.ts"
import type { Seed } from "../../../src/domain/peer/Seed.ts"
import * as Seeds from "../../../src/layers/peer/Seeds.ts"
import { NameError, NameResolver } from "../../../src/services/NameResolver.ts"
import * as hand from "../../harness/peerContext.ts"

const { ip, port } = hand
const named: Seed = { _tag: "Name", name: "seed.example.org", port: 4_711 }
const listed: Seed = { _tag: "Address", address: { ip: ip("10.0.9.9"), port: 4_712 } }

const start = (
  seeds: ReadonlyArray<Seed> | undefined,
  answer: (name: string) => Effect.Effect<ReadonlyArray<PeerIp>, NameError> = () => Effect.never,
  prepare: (node: hand.Hand) => void = () => {}
) => {
  const node = hand.make(seeds === undefined ? {} : { seeds })
  prepare(node)
  const asked: Array<readonly [name: string, at: number]> = []
  /** What was put into the book, and whose gossip it counts as. */
  const added: Array<readonly [ip: PeerIp, from: unknown]> = []
  const add = node.ctx.book.add.bind(node.ctx.book)
  node.ctx.book.add = (address, from, now) => {
    added.push([address.ip, from])
    assert.strictEqual(now, node.ctx.nowMs())
    return add(address, from, now)
  }
  Effect.runSync(Effect.provideService(Seeds.start(node.ctx), NameResolver, {
    resolve: (name) => {
      asked.push([name, node.hand.timers.now()])
      return answer(name)
    }
  }))
  return {
    ...node,
    asked,
    added,
    /** When the seeds were asked since the last call, ms. */
    times: () => asked.splice(0).map(([, at]) => at),
    told: () => node.of("SeedAsked").map(({ addresses, detail, seed }) => [seed, addresses, detail] as const)
  }
}

describe("the seeds", () => {
  it("are asked soon by a node that knows no peer, and later by one that does", () => {
    const empty = start([named])
    empty.pass(Limits.seedFirstMs - 1)
    assert.deepStrictEqual(empty.times(), [])
    empty.pass(1)
    assert.deepStrictEqual(empty.asked, [["seed.example.org", Limits.seedFirstMs]])
    const known = start([named], undefined, ({ ctx }) => {
      ctx.book.add({ ip: ip("10.0.1.1"), port }, "operator", ctx.nowMs())
    })
    known.pass(Limits.seedLaterMs - 1)
    assert.deepStrictEqual(known.times(), [])
    known.pass(1)
    assert.deepStrictEqual(known.times(), [Limits.seedLaterMs])
    const configured = start([named], undefined, ({ ctx }) => {
      Object.assign(ctx, { setup: { ...ctx.setup, peers: [{ ip: ip("10.0.1.1"), port }] } })
    })
    configured.pass(Limits.seedLaterMs - 1)
    assert.deepStrictEqual(configured.times(), [])
  })

  it("that are none arm no timer", () => {
    assert.deepStrictEqual([start(undefined).hand.timers.size(), start([]).hand.timers.size()], [0, 0])
  })

  it("are asked at waits that double up to a bound, each drawn from three quarters to five quarters", () => {
    const node = start([named])
    const times: Array<number> = []
    for (let i = 0; i < 20; i++) {
      node.pass(Limits.seedMaxMs)
      times.push(...node.times())
    }
    const waits = times.slice(1).map((at, i) => at - (times[i] ?? 0))
    const { seedAgainMs: again, seedMaxMs: most } = Limits
    assert.deepStrictEqual(waits.slice(0, 4), [again, 2 * again, 4 * again, 8 * again].map((ms) => Math.min(ms, most)))
    assert.strictEqual(waits.at(-1), most)
    for (const [drawn, part] of [[0, 0.75], [0.999_999, 1.25]] as const) {
      const other = start([named], undefined, ({ random }) => random(() => drawn))
      other.pass(Limits.seedFirstMs * 2)
      assert.approximately(other.times()[0] ?? 0, Limits.seedFirstMs * part, 1)
    }
  })

  it("are not asked while a peer is up; when it has gone, the waits are short again", () => {
    const node = start([named])
    // A few rounds without a peer.
    node.pass(Limits.seedFirstMs + Limits.seedAgainMs * 3)
    assert.strictEqual(node.times().length, 3)
    const made = node.up("10.0.0.1")
    node.pass(3 * Limits.seedMaxMs)
    assert.deepStrictEqual(node.times(), [])
    made.end.up = undefined
    node.ctx.slots.wentDown()
    const from = node.hand.timers.now()
    node.pass(Limits.seedAgainMs)
    const [first] = node.times()
    assert.isAtMost((first ?? Infinity) - from, Limits.seedAgainMs)
    node.pass(Limits.seedAgainMs)
    assert.deepStrictEqual(node.times(), [(first ?? 0) + Limits.seedAgainMs])
  })

  it("are not asked once the node closes", () => {
    const node = start([named])
    node.ctx.slots.close()
    node.pass(10 * Limits.seedMaxMs)
    assert.deepStrictEqual([node.times(), node.hand.timers.size()], [[], 0])
  })

  it("are all asked in each round", () => {
    const node = start([named, { ...named, name: "other" }, listed])
    node.pass(Limits.seedFirstMs)
    assert.deepStrictEqual(node.asked.map(([name]) => name), ["seed.example.org", "other"])
    assert.deepStrictEqual(node.told(), [["10.0.9.9:4712", 1, undefined]])
  })
})

describe("an answer", () => {
  it.effect("of a name is addresses of its port, each once, that go into the book as the seed's and into the table", () =>
    Effect.gen(function*() {
      const ips = ["10.0.1.1", "10.0.1.2", "10.0.1.1", "10.0.0.100", "224.0.0.1"].map(ip)
      const node = start([named], () => Effect.succeed(ips))
      node.pass(Limits.seedFirstMs)
      yield* node.settle
      assert.deepStrictEqual(node.told(), [["seed.example.org:4711", 2, undefined]])
      const rows = [...node.ctx.table.peers()].map((peer) => [`${peer.ip}`, peer.book.port, peer.book.source])
      assert.deepStrictEqual(rows.toSorted(), [["10.0.1.1", 4_711, "gossip"], ["10.0.1.2", 4_711, "gossip"]])
      const from = { seed: "seed.example.org" }
      assert.sameDeepMembers(node.added, [[ip("10.0.1.1"), from], [ip("10.0.1.2"), from]])
    }))

  it("of a list is an address that the operator gave", () => {
    const node = start([listed])
    node.pass(Limits.seedFirstMs)
    assert.deepStrictEqual(node.added, [[ip("10.0.9.9"), "operator"]])
    assert.strictEqual(node.ctx.table.get(ip("10.0.9.9"))?.book.port, 4_712)
  })

  it.effect("of many addresses is a random part of them", () =>
    Effect.gen(function*() {
      const ips = Array.from({ length: 2 * Limits.seedAddresses }, (_, i) => ip(`10.1.${i >> 8}.${i & 255}`))
      const took = (drawn: number) =>
        Effect.gen(function*() {
          const node = start([named], () => Effect.succeed(ips), ({ random }) => random(() => drawn))
          node.pass(Limits.seedFirstMs * 2)
          yield* node.settle
          return new Set(node.added.map(([at]) => at))
        })
      const first = yield* took(0)
      const last = yield* took(0.999_999)
      assert.deepStrictEqual(first, new Set(ips.slice(0, Limits.seedAddresses)))
      assert.deepStrictEqual(last, new Set(ips.slice(Limits.seedAddresses)))
    }))

  it.effect("without a usable address, and none at all, are told apart", () =>
    Effect.gen(function*() {
      const useless = start([named], () => Effect.succeed([ip("224.0.0.1")]))
      useless.pass(Limits.seedFirstMs)
      yield* useless.settle
      assert.deepStrictEqual(useless.told(), [
        ["seed.example.org:4711", 0, "none of its addresses can be a peer's"]
      ])
      const unknown = start([named], (name) => Effect.fail(new NameError({ name, code: "ENOTFOUND" })))
      unknown.pass(Limits.seedFirstMs)
      yield* unknown.settle
      assert.deepStrictEqual(unknown.told(), [
        ["seed.example.org:4711", 0, "seed.example.org does not resolve (ENOTFOUND)"]
      ])
      assert.deepStrictEqual([...unknown.ctx.table.peers()], [])
    }))

  it.effect("names an address that has a row already without a place of its own, and learns its port", () =>
    Effect.gen(function*() {
      const node = start([named], () => Effect.succeed([ip("10.2.0.1")]), ({ ctx, row }) => {
        for (let i = 0; i < Limits.candidates; i++) row(`11.0.${i >> 8}.${i & 255}`)
        ctx.table.add(ip("10.2.0.1"), undefined, "inbound")
      })
      node.pass(Limits.seedFirstMs)
      yield* node.settle
      assert.strictEqual(node.ctx.table.get(ip("10.2.0.1"))?.book.port, 4_711)
      assert.isUndefined([...node.ctx.table.peers()].find(({ forgotten }) => forgotten))
    }))

  it.effect("finds rows for no more gossip than there is room for, but names them all in the book", () =>
    Effect.gen(function*() {
      const node = start([named], () => Effect.succeed([ip("10.2.0.1"), ip("10.2.0.2")]), ({ row }) => {
        for (let i = 0; i < Limits.candidates - 1; i++) row(`11.0.${i >> 8}.${i & 255}`)
      })
      node.pass(Limits.seedFirstMs)
      yield* node.settle
      const known = ["10.2.0.1", "10.2.0.2"].map((at) => node.ctx.table.get(ip(at)) !== undefined)
      assert.deepStrictEqual(known.filter(Boolean).length, 1)
      assert.deepStrictEqual(["10.2.0.1", "10.2.0.2"].map((at) => node.ctx.book.get(ip(at)) !== undefined), [
        true,
        true
      ])
    }))
})
