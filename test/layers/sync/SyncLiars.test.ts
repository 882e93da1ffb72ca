/**
 * Honest nodes and liars of every kind around one node that starts at height 0: it ends with the honest chain, says who lied,
 * and blames or loses nobody else.
 */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Block from "../../../src/domain/chain/Block.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as SyncProof from "../../../src/domain/sync/SyncProof.ts"
import type { StoredBlock } from "../../../src/services/ChainStore.ts"
import { connect, type Liar, liars } from "../../harness/chainLiars.ts"
import { downs, ip, type make as makeMesh, onMesh, type Running } from "../../harness/mesh.ts"
import { randomFrom } from "../../harness/random.ts"
import { make, startOfTime } from "../../harness/syntheticChain.ts"

const us = "10.0.0.1"
const height = 600

type Mesh = Effect.Success<typeof makeMesh>

/** The node holds the reference's chain, and blamed nobody but liars, these for what they did. */
const judge = Effect.fnUntraced(function*(
  node: Running,
  reference: StoredBlock,
  honest: ReadonlyArray<string>,
  told: ReadonlyMap<string, Liar>
) {
  const report = yield* node.sync.report
  assert.deepStrictEqual(report.tip, { height: reference.height, hash: reference.hash }, report.line)
  for (const peer of honest) {
    assert.deepStrictEqual(node.of("SyncBlamed", peer), [], `${peer} is honest`)
    assert.deepStrictEqual(downs(node, peer), [], `${peer} stays connected`)
    assert.deepStrictEqual(node.of("Offence", peer), [], `${peer} did nothing wrong`)
  }
  for (const [peer, liar] of told) {
    const faults = node.of("SyncBlamed", peer).map(({ fault }) => fault)
    const details = node.of("SyncBlamed", peer).map(({ detail }) => detail).join()
    const use = report.peers.find((row) => row.ip === peer)?.use ?? "gone"
    if (faults.length === 0 && liar.unused === true) continue
    assert.deepStrictEqual(
      [...new Set(faults)].filter((fault) => !liar.faults.includes(fault)),
      [],
      `${peer} ${use} ${details}`
    )
    assert.isNotEmpty(faults, `${peer} is named: ${use}`)
    // What is proved counts towards a ban, and nothing else does.
    const proved = faults.flatMap((fault) => SyncProof.offenceOf(fault) ?? [])
    assert.deepStrictEqual(node.of("Offence", peer).map(({ kind }) => kind), proved, `${peer} is accused`)
  }
})

const decoded = ({ bytes }: StoredBlock): Block.Block => {
  const block = Block.decode(bytes)
  assert(!Block.isMalformed(block))
  return block
}

/** When the node first had that height, ms after `since`. */
const reached = (node: Running, at: number, since: number) =>
  (node.of("TipChanged").find((event) => event.height >= at)?.at ?? Infinity) - since

const startHonest = ({ start }: Mesh, chain: ReadonlyArray<StoredBlock>, count: number, seed = us) =>
  Effect.forEach(
    Array.from({ length: count }, (_, i) => `10.0.1.${i + 1}`),
    (peer) => Effect.as(start(peer, { chain, peers: [seed] }), peer)
  )

const lie = ({ network }: Mesh, from: string, chain: ReadonlyArray<StoredBlock>, liar: Liar) =>
  connect(network.host(ip(from)), ip(from), ip(us), chain, liar)

/** `name` of `liars`. */
const liarOf = (name: string): Liar => {
  const liar = liars[name]
  assert(liar !== undefined, name)
  return liar
}

const lastOf = (chain: ReadonlyArray<StoredBlock>): StoredBlock => {
  const last = chain.at(-1)
  assert(last !== undefined)
  return last
}

/** Longest that a liar may hold up the sync from honest peers, ms: two waits for an answer, and some seconds. */
const patienceMs = 30_000

describe("sync among liars", () => {
  for (const [name, liar] of Object.entries(liars)) {
    it.effect(`one that ${name}, connected first`, () =>
      onMesh(20, (mesh) =>
        Effect.gen(function*() {
          yield* TestClock.setTime(startOfTime)
          const chain = yield* make(height)
          const node = yield* mesh.start(us, { chain: [] })
          yield* lie(mesh, "10.0.9.1", chain, liar)
          yield* TestClock.adjust("3 seconds")
          const before = yield* Clock.currentTimeMillis
          const honest = yield* startHonest(mesh, chain, 2)
          yield* TestClock.adjust("5 minutes")
          yield* judge(node, lastOf(chain), honest, new Map([["10.0.9.1", liar]]))
          assert.isAtMost(reached(node, height, before), patienceMs)
        })))

    it.effect(`one that ${name}, connected last`, () =>
      onMesh(20, (mesh) =>
        Effect.gen(function*() {
          yield* TestClock.setTime(startOfTime)
          const chain = yield* make(height)
          const longer = yield* make(5, "10.3.3.3", chain)
          const node = yield* mesh.start(us, { chain: [] })
          const honest = yield* startHonest(mesh, chain, 2)
          yield* TestClock.adjust("30 seconds")
          yield* lie(mesh, "10.0.9.1", chain, liar)
          yield* TestClock.adjust("10 seconds")
          // The chain grows, for the honest.
          for (const block of longer) {
            yield* node.sync.add(decoded(block))
            yield* TestClock.adjust("2 seconds")
          }
          yield* judge(node, lastOf(longer), honest, new Map([["10.0.9.1", { ...liar, unused: true }]]))
        })))
  }

  it.effect("all of them at once, and one honest peer", () =>
    onMesh(20, (mesh) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const chain = yield* make(height)
        const node = yield* mesh.start(us, { chain: [] })
        const told = new Map(Object.values(liars).map((liar, i) => [`10.0.9.${i + 1}`, liar] as const))
        for (const [from, liar] of told) yield* lie(mesh, from, chain, liar)
        const honest = yield* startHonest(mesh, chain, 1)
        yield* TestClock.adjust("10 minutes")
        yield* judge(
          node,
          lastOf(chain),
          honest,
          new Map([...told].map(([at, liar]) => [at, { ...liar, unused: true }]))
        )
      })))

  for (
    const name of ["withholds a block in silence", "withholds a block and says so", "stops in the middle of an answer"]
  ) {
    it.effect(`one that announces a better chain than anybody's and ${name}`, () =>
      onMesh(20, (mesh) =>
        Effect.gen(function*() {
          yield* TestClock.setTime(startOfTime)
          const chain = yield* make(height)
          const other = [...chain.slice(0, 200), ...yield* make(height, "10.6.6.6", chain.slice(0, 200))]
          const liar = liarOf(name)
          const node = yield* mesh.start(us, { chain: [] })
          yield* lie(mesh, "10.0.9.1", other, { ...liar, faults: [...liar.faults, "inflated-height"] })
          yield* TestClock.adjust("3 seconds")
          const before = yield* Clock.currentTimeMillis
          const honest = yield* startHonest(mesh, chain, 2)
          yield* TestClock.adjust("10 minutes")
          assert.isAtMost(reached(node, height, before), patienceMs)
          // One that gives a block each time it is asked delivers the better chain in the end.
          const delivered = name === "stops in the middle of an answer" ? other : chain
          yield* judge(node, lastOf(delivered), honest, new Map([["10.0.9.1", liar]]))
        })))
  }

  it.effect("a valid fork that is no longer is read and not followed; its peer is not blamed", () =>
    onMesh(20, (mesh) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const chain = yield* make(height)
        const node = yield* mesh.start(us, { chain: [] })
        const forks = [1, 50, 150, height - 1]
        const told = new Map<string, Liar>()
        for (const [i, depth] of forks.entries()) {
          const fork = yield* make(depth - 1, "10.6.6.6", chain.slice(0, height - depth))
          const honestly: Liar = { lie: () => undefined, faults: [], unused: true }
          told.set(`10.0.9.${i + 1}`, honestly)
          yield* lie(mesh, `10.0.9.${i + 1}`, [...chain.slice(0, height - depth), ...fork], honestly)
        }
        yield* TestClock.adjust("20 seconds")
        const honest = yield* startHonest(mesh, chain, 2)
        yield* TestClock.adjust("2 minutes")
        yield* judge(node, lastOf(chain), honest, told)
      })))

  it.effect("a dead branch, longer than the window, that the first peer feeds an empty node does not hold it there", () =>
    onMesh(20, (mesh) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const dead = [...yield* make(Limits.syncWindowBlocks + 500, "10.6.6.6")]
        const chain = yield* make(Limits.syncWindowBlocks + 600)
        const node = yield* mesh.start(us, { chain: [] })
        yield* lie(mesh, "10.0.9.1", dead, { lie: () => undefined, faults: [] })
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* node.sync.report).tip.hash, lastOf(dead).hash)
        const honest = yield* startHonest(mesh, chain, 1)
        yield* TestClock.adjust("2 minutes")
        yield* judge(node, lastOf(chain), honest, new Map())
      })))

  it.effect("a longer fork deeper than the greatest reorg is not followed, and its peer shown as not used", () =>
    onMesh(20, (mesh) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const chain = yield* make(height)
        const deep = yield* make(400, "10.6.6.6", chain.slice(0, height - 101))
        const node = yield* mesh.start(us, { chain: [] })
        const honest = yield* startHonest(mesh, chain, 2)
        yield* TestClock.adjust(Limits.settleAfterMs + 60_000)
        yield* lie(mesh, "10.0.9.1", [...chain.slice(0, height - 101), ...deep], { lie: () => undefined, faults: [] })
        yield* TestClock.adjust("1 minute")
        yield* judge(node, lastOf(chain), honest, new Map())
        const { line, mayProduce, peers, synced } = yield* node.sync.report
        const deepest = peers.find((peer) => peer.ip === "10.0.9.1")
        assert.match(deepest?.use ?? "", /not used: .* too deep/)
        assert.strictEqual(deepest?.height, height - 101 + 400, "what it told stays in the table")
        assert.match(
          line,
          /^height 600, 3 peers, not synced, left behind: 10\.0\.9\.1 .* at height 499, 101 blocks deep/
        )
        assert.deepStrictEqual([synced, mayProduce], [false, true])
        assert.deepStrictEqual(node.of("LeftBehind").map(({ depth, fork, height }) => [height, fork, depth]), [[
          899,
          499,
          101
        ]])
        assert.strictEqual(node.of("Reorg").length, 0)
      })))

  it.effect("a branch just within the greatest reorg is followed", () =>
    onMesh(20, (mesh) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const chain = yield* make(height)
        const branch = yield* make(150, "10.6.6.6", chain.slice(0, height - 100))
        const node = yield* mesh.start(us, { chain })
        yield* mesh.start("10.0.1.1", { chain: [...chain.slice(0, height - 100), ...branch], peers: [us] })
        yield* TestClock.adjust("1 minute")
        yield* judge(node, lastOf(branch), ["10.0.1.1"], new Map())
        assert.deepStrictEqual(node.of("Reorg").map(({ depth, fork }) => [fork, depth]), [[height - 100, 100]])
      })))

  for (const alone of [true, false]) {
    it.effect(`an honest peer at 8 KiB/s ${alone ? "alone gives all it has" : "holds up nobody"}`, () =>
      onMesh(20, (mesh) =>
        Effect.gen(function*() {
          yield* TestClock.setTime(startOfTime)
          const chain = yield* make(alone ? 1_000 : 2_480)
          yield* mesh.network.setLink(ip("10.0.9.1"), ip(us), { bandwidth: 8_192 })
          const node = yield* mesh.start(us, { chain: [] })
          yield* mesh.start("10.0.9.1", { chain, peers: [us] })
          yield* TestClock.adjust("2 seconds")
          const before = yield* Clock.currentTimeMillis
          const honest = alone ? [] : yield* startHonest(mesh, chain, 2)
          yield* TestClock.adjust("5 minutes")
          yield* judge(node, lastOf(chain), ["10.0.9.1", ...honest], new Map())
          assert.isAtMost(reached(node, chain.length, before), alone ? 130_000 : patienceMs)
        })))
  }

  it.effect("a pushed block that breaks a rule names who pushed it, and goes no further", () =>
    onMesh(20, (mesh) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(startOfTime)
        const chain = yield* make(20)
        const [next] = yield* make(1, "10.6.6.6", chain)
        assert(next !== undefined)
        const nodes = [yield* mesh.start(us, { chain }), yield* mesh.start("10.0.1.1", { chain, peers: [us] })]
        yield* TestClock.adjust("10 seconds")
        const bad = { ...decoded(next).header, blockReward: 1 }
        yield* lie(mesh, "10.0.9.1", chain, {
          lie: () => undefined,
          first: () => [{ _tag: "NewBlock", block: Block.make({ ...decoded(next), header: bad }).bytes }],
          faults: []
        })
        yield* TestClock.adjust("10 seconds")
        for (const node of nodes) assert.strictEqual((yield* node.sync.report).tip.height, 20)
        assert.deepStrictEqual(nodes[0]?.of("SyncBlamed").map((event) => [event.ip, event.fault]), [[
          "10.0.9.1",
          "bad-block"
        ]])
        assert.deepStrictEqual(nodes[1]?.of("SyncBlamed"), [])
      })))

  for (let seed = 1; seed <= 30; seed++) {
    it.effect(`a mix, seed ${seed}`, () =>
      onMesh(20, (mesh) =>
        Effect.gen(function*() {
          yield* TestClock.setTime(startOfTime)
          const random = randomFrom(seed)
          const chain = yield* make(300 + random(900))
          const fork = random(chain.length)
          const branch = [
            ...chain.slice(0, fork),
            ...yield* make(random(chain.length - fork), "10.6.6.6", chain.slice(0, fork))
          ]
          const names = Object.keys(liars)
          yield* mesh.network.setDefaults({ latency: 1 + random(200) })
          const node = yield* mesh.start(us, { chain: [], storeMs: random(3) * 500 })
          const told = new Map<string, Liar>()
          const honest: Array<string> = []
          const enter = Array.from({ length: 2 + random(6) }, () => names[random(names.length)] ?? "")
          enter.splice(random(enter.length + 1), 0, "honest")
          if (random(2) === 0) enter.splice(random(enter.length + 1), 0, "honest")
          if (random(3) === 0) enter.splice(random(enter.length + 1), 0, "slow")
          for (const [i, name] of enter.entries()) {
            if (name === "honest" || name === "slow") {
              const peer = `10.0.1.${i + 1}`
              if (name === "slow") yield* mesh.network.setLink(ip(peer), ip(us), { bandwidth: 8_192 })
              yield* mesh.start(peer, { chain, peers: [us] })
              honest.push(peer)
            } else {
              const liar = { ...liarOf(name), unused: true } as const
              told.set(`10.0.9.${i + 1}`, liar)
              yield* lie(mesh, `10.0.9.${i + 1}`, random(4) === 0 ? branch : chain, liar)
            }
            yield* TestClock.adjust(random(4_000))
          }
          yield* TestClock.adjust("5 minutes")
          yield* judge(node, lastOf(chain), honest, told).pipe(
            Effect.catchDefect((defect) =>
              Effect.die(new Error(`seed ${seed} (${enter.join("; ")}): ${String(defect)}`))
            )
          )
        })))
  }
})
