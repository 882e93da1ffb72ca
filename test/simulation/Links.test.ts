/** Links with several troubles at once: the worst of all counts, and the end of one undoes its own part only. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { PeerIp } from "../../src/domain/peer/PeerIp.ts"
import * as PeerIps from "../../src/domain/peer/PeerIp.ts"
import { type LinkOptions, MemoryNetwork } from "../../src/layers/socket/memory/MemoryNetwork.ts"
import { Links } from "../../src/simulation/Links.ts"
import type { LinkTrouble } from "../../src/simulation/Links.ts"
import { long } from "../harness/long.ts"
import { randomFrom } from "../harness/random.ts"

const ipsOf = (node: number) =>
  [PeerIps.fromStringUnsafe(`10.0.0.${node}`), PeerIps.fromStringUnsafe(`10.1.0.${node}`)] as const

interface Told {
  options: Partial<LinkOptions>
  cut: boolean
}

/** A network that only writes down what it is told, and links between nodes 1, 2 and 3 on it. */
const make = () => {
  const told = new Map<string, Told>()
  const of = (from: PeerIp, to: PeerIp): Told => {
    const key = `${from}>${to}`
    const state = told.get(key) ?? { options: {}, cut: false }
    told.set(key, state)
    return state
  }
  const cut = (to: boolean): MemoryNetwork["Service"]["cut"] => (a, b, direction) =>
    Effect.sync(() => {
      assert.isTrue(direction?.oneWay)
      assert.notStrictEqual(of(a, b).cut, to, "told only what changes")
      of(a, b).cut = to
    })
  const unused = () => assert.fail("not for links")
  const network = MemoryNetwork.of({
    host: unused,
    setDefaults: unused,
    secure: unused,
    refuse: unused,
    block: unused,
    allow: unused,
    reset: unused,
    resetAfter: unused,
    holdReads: unused,
    crash: unused,
    drop: unused,
    restore: unused,
    connections: Effect.die("not for links"),
    cut: cut(true),
    heal: cut(false),
    setLink: (a, b, options, direction) =>
      Effect.sync(() => {
        assert.isTrue(direction?.oneWay)
        of(a, b).options = { ...of(a, b).options, ...options }
      })
  })
  const links = new Links(network, ipsOf)
  links.add(1, 2, { latencyMs: 20, jitterMs: 5, maxChunk: 1_460 })
  links.add(1, 3, { latencyMs: 30, jitterMs: 0, maxChunk: 100 })
  links.add(2, 3, { latencyMs: 40, jitterMs: 0, maxChunk: 536 })
  /** Of the link between two nodes, the same between each two of their addresses. */
  const now = (from: number, to: number) => {
    const all = ipsOf(from).flatMap((a) => ipsOf(to).map((b) => told.get(`${a}>${b}`)))
    for (const other of all) assert.deepStrictEqual(other, all[0])
    const [state] = all
    assert(state !== undefined)
    const { bandwidth, jitter, latency, maxChunk } = state.options
    return { latency, jitter, bandwidth, maxChunk, cut: state.cut }
  }
  return { links, now, told }
}

const fast = Number.POSITIVE_INFINITY
const good = { latency: 20, jitter: 5, bandwidth: fast, maxChunk: 1_460, cut: false }

describe("Links", () => {
  it("without trouble a link is as it is by nature, both ways, between all addresses", () => {
    const { now, told } = make()
    assert.deepStrictEqual([now(1, 2), now(2, 1)], [good, good])
    assert.deepStrictEqual(now(3, 1), { latency: 30, jitter: 0, bandwidth: fast, maxChunk: 100, cut: false })
    assert.strictEqual(told.size, 3 * 2 * 4)
  })

  it("the worst of all troubles counts; one that is milder than the link's nature changes nothing", () => {
    const { links, now } = make()
    links.trouble(1, 2, "storm", { latencyMs: 500, jitterMs: 1 })
    links.trouble(1, 2, "clog", { latencyMs: 3_000 })
    links.trouble(1, 2, "narrow", { bandwidth: 5_000 })
    links.trouble(1, 2, "narrower", { bandwidth: 1_000 })
    assert.deepStrictEqual(now(1, 2), { ...good, latency: 3_000, bandwidth: 1_000 })
    assert.deepStrictEqual(now(2, 1), good, "one way only")
    links.trouble(1, 3, "mild", { latencyMs: 1, bandwidth: fast })
    assert.deepStrictEqual(now(1, 3), { ...now(3, 1) })
  })

  it("the end of one undoes its own part only", () => {
    const { links, now } = make()
    links.trouble(1, 2, "cut 1", { cut: true })
    links.trouble(1, 2, "cut 2", { cut: true, latencyMs: 700 })
    links.trouble(1, 2, "clog", { latencyMs: 300 })
    links.trouble(1, 2, "cut 1", undefined)
    assert.deepStrictEqual(now(1, 2), { ...good, latency: 700, cut: true })
    links.trouble(1, 2, "cut 2", undefined)
    assert.deepStrictEqual(now(1, 2), { ...good, latency: 300 })
    links.trouble(1, 2, "cut 2", undefined)
    links.trouble(1, 2, "never begun", undefined)
    links.trouble(1, 2, "clog", undefined)
    assert.deepStrictEqual(now(1, 2), good)
  })

  it("the same trouble again replaces what it was; of nodes that do not exist nothing is told", () => {
    const { links, now, told } = make()
    links.trouble(1, 2, "clog", { latencyMs: 900 })
    links.trouble(1, 2, "clog", { latencyMs: 100 })
    assert.strictEqual(now(1, 2).latency, 100)
    const { size } = told
    links.trouble(1, 9, "clog", { latencyMs: 100, cut: true })
    assert.strictEqual(told.size, size)
  })

  it("any sequence of begins and ends leaves what the troubles that are left make of it", long, () => {
    for (let seed = 1; seed <= 50; seed++) {
      const n = randomFrom(seed)
      const { links, now } = make()
      const left = new Map<string, LinkTrouble>()
      for (let i = 0; i < 200; i++) {
        const name = `${n(6)}`
        if (n(2) === 0) {
          left.delete(name)
          links.trouble(2, 1, name, undefined)
        } else {
          const trouble: LinkTrouble = {
            latencyMs: n(2) === 0 ? undefined : n(1_000),
            jitterMs: n(2) === 0 ? undefined : n(100),
            bandwidth: n(2) === 0 ? undefined : 1 + n(10_000),
            cut: n(4) === 0 ? true : undefined
          }
          left.set(name, trouble)
          links.trouble(2, 1, name, trouble)
        }
        const all = [...left.values()]
        assert.deepStrictEqual(now(2, 1), {
          latency: Math.max(20, ...all.map(({ latencyMs = 0 }) => latencyMs)),
          jitter: Math.max(5, ...all.map(({ jitterMs = 0 }) => jitterMs)),
          bandwidth: Math.min(fast, ...all.map(({ bandwidth = fast }) => bandwidth)),
          maxChunk: 1_460,
          cut: all.some(({ cut }) => cut === true)
        }, `seed ${seed}, step ${i}`)
        assert.deepStrictEqual(now(1, 2), good, `seed ${seed}, step ${i}: the other way`)
      }
    }
  })
})
