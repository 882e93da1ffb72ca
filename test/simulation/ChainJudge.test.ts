/** What a simulation's disks take, the judgement on it, and the branches that the simulation makes itself. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Fiber, Layer, Random } from "effect"
import { TestClock } from "effect/testing"
import * as Block from "../../src/domain/chain/Block.ts"
import * as Hash from "../../src/domain/chain/Hash.ts"
import * as HeaderRules from "../../src/domain/chain/HeaderRules.ts"
import * as Synthetic from "../../src/domain/chain/Synthetic.ts"
import * as Validation from "../../src/domain/chain/Validation.ts"
import * as HasherLive from "../../src/layers/chain/HasherLive.ts"
import { toStored } from "../../src/layers/chain/StoredBlocks.ts"
import { ChainStore, type StoredBlock } from "../../src/services/ChainStore.ts"
import { branch, ChainJudge } from "../../src/simulation/ChainJudge.ts"
import * as Disk from "../../src/simulation/Disk.ts"
import * as SimulationLimits from "../../src/simulation/plan/Limits.ts"
import { devnet, genesis, make as makeChain, startOfTime } from "../harness/syntheticChain.ts"

const noChecks: Disk.DiskChecks = {
  wrong: () => undefined,
  violated: (detail) => assert.fail(detail)
}

/** The simulator's own way to a disk in memory. */
const storeIn = (disk: Disk.Disk) => disk.use(Effect.succeed)

/** As a process of the node sees it. */
const process = (disk: Disk.Disk, gone: () => boolean) =>
  Effect.map(Layer.build(disk.layer(gone)), (context) => Context.get(context, ChainStore))

/** A disk with `count` blocks of one leader. */
const diskWith = (count: number, checks = noChecks) =>
  Effect.gen(function*() {
    const disk = yield* Disk.make(devnet, checks)
    const blocks = yield* makeChain(count)
    const store = storeIn(disk)
    yield* store.append(0, blocks)
    return { disk, store, blocks }
  })

describe("branch", () => {
  it.effect("every block is valid by the rules of the chain; it leaves where it says and is one block longer", () =>
    Effect.gen(function*() {
      const hasher = yield* HasherLive.make
      const { blocks, disk } = yield* diskWith(60)
      const now = Math.floor(startOfTime / 1_000)
      for (const depth of [0, 1, 2, 7, 40, 59]) {
        const made = branch(storeIn(disk), depth, "fork", now)
        assert(made !== undefined)
        assert.deepStrictEqual([made.after, made.added.length], [60 - depth, depth + 1])
        let parent = blocks[made.after - 1]?.parent
        for (const { bytes, hash, height, previous } of made.added) {
          const block = Block.decode(bytes)
          assert(parent !== undefined && !Block.isMalformed(block))
          const valid = Validation.block(devnet, hasher, parent, block, startOfTime)
          assert.strictEqual(valid._tag, "Valid", `depth ${depth}, height ${height}`)
          assert.deepStrictEqual([height, previous], [parent.height + 1, Hash.toHex(parent.hash)])
          assert(valid._tag === "Valid")
          assert.strictEqual(hash, Hash.toHex(valid.hash))
          assert.notStrictEqual(hash, blocks[height - 1]?.hash, "another block than the one that was there")
          parent = HeaderRules.parentOf(block.header, valid.hash)
        }
        assert.strictEqual(parent?.height, 61)
      }
    }).pipe(Effect.scoped))

  it.effect("stores take it as a reorganisation, and branches of other leaders differ", () =>
    Effect.gen(function*() {
      const { disk } = yield* diskWith(20)
      const now = Math.floor(startOfTime / 1_000)
      const [a, b] = [branch(storeIn(disk), 5, "a", now), branch(storeIn(disk), 5, "b", now)]
      assert(a !== undefined && b !== undefined)
      assert.notDeepEqual(a.added.map(({ hash }) => hash), b.added.map(({ hash }) => hash))
      const tip = yield* storeIn(disk).append(a.after, a.added)
      assert.deepStrictEqual(tip, { height: 21, hash: a.added.at(-1)?.hash ?? "" })
      const next = branch(storeIn(disk), 5, "b", now)
      assert.strictEqual(next?.added.at(-1)?.height, 22)
    }).pipe(Effect.scoped))

  it.effect("never leaves at the genesis or below", () =>
    Effect.gen(function*() {
      yield* HasherLive.make
      const { disk } = yield* diskWith(5)
      assert.isUndefined(branch(storeIn(disk), 5, "fork", 0))
      assert.isUndefined(branch(storeIn(disk), 50, "fork", 0))
      assert.isDefined(branch(storeIn(disk), 4, "fork", 0))
    }).pipe(Effect.scoped))
})

describe("ChainJudge", () => {
  const leader = "10.9.9.9"
  const setup = Effect.gen(function*() {
    const hasher = yield* HasherLive.make
    const judge = new ChainJudge(hasher)
    judge.made([genesis(devnet).hash])
    return { judge, hasher, blocks: yield* makeChain(30, leader) }
  })

  it.effect("blocks of the node itself pass, and then at every other node, one by one or many at once", () =>
    Effect.gen(function*() {
      const { blocks, judge } = yield* setup
      assert.include(judge.wrong("10.0.0.2", 0, blocks.slice(0, 1), 0), "which no producer made")
      for (const block of blocks.slice(0, 10)) {
        assert.isUndefined(judge.wrong(leader, block.height - 1, [block], block.height - 1))
      }
      assert.isUndefined(judge.wrong(leader, 10, blocks.slice(10), 10))
      assert.isUndefined(judge.wrong("10.0.0.2", 0, blocks, 0))
      assert.isUndefined(judge.wrong("10.0.0.3", 5, [], 20), "a rewind within the rules")
    }))

  it.effect("what the simulation says it made passes anywhere", () =>
    Effect.gen(function*() {
      const { blocks, judge } = yield* setup
      judge.made(blocks.map(({ hash }) => hash))
      assert.isUndefined(judge.wrong("10.0.0.2", 0, blocks, 0))
    }))

  it.effect("each wrong change is named", () =>
    Effect.gen(function*() {
      const { blocks, hasher, judge } = yield* setup
      const [one, two, three] = blocks
      assert(one !== undefined && two !== undefined && three !== undefined)
      const bytes = two.bytes.slice()
      bytes[40] = (bytes[40] ?? 0) ^ 1
      const forged = Synthetic.onTop(devnet, hasher, Synthetic.genesisParent(devnet), devnet.genesisTime + 60, {
        leader: "10.0.0.7",
        address: "TIME0other"
      })
      const other = toStored(forged)
      const cases: ReadonlyArray<readonly [string, number, ReadonlyArray<StoredBlock>, number, RegExp]> = [
        ["deeper than the rules allow", 10, [], 10 + devnet.maxReorg + 1, /^a reorganisation \d+ blocks deep$/],
        ["a gap to the chain", 0, [two], 0, /^block 2 after block 0$/],
        ["a gap in the list", 0, [one, three], 0, /^block 3 after block 1$/],
        ["out of order", 0, [two, one], 0, /^block 2 after block 0$/],
        ["twice", 0, [one, one], 0, /^block 1 after block 1$/],
        ["malformed", 0, [one, { ...two, bytes: two.bytes.subarray(0, 50) }], 0, /^block 2 is malformed$/],
        ["bytes of another block", 0, [one, { ...two, bytes: three.bytes }], 0, /^block 2 has hash [0-9a-f]{64}, not /],
        ["a flipped bit", 0, [one, { ...two, bytes }], 0, /^block 2 (has hash|is malformed)/],
        ["of another producer", 0, [other], 0, /^block 1 of 10\.0\.0\.7, which no producer made$/]
      ]
      for (const [name, after, added, height, expected] of cases) {
        // Of every case its own judge: what passed once is known.
        const fresh = new ChainJudge(hasher)
        assert.match(fresh.wrong(leader, after, added, height) ?? "nothing", expected, name)
      }
      assert.isUndefined(judge.wrong(leader, 10, [], 10 + devnet.maxReorg), "as deep as they allow")
      assert.isUndefined(judge.wrong("10.0.0.7", 0, [other], 0), "its maker may")
    }))

  it.effect("a block that did not pass is not known afterwards", () =>
    Effect.gen(function*() {
      const { blocks, judge } = yield* setup
      for (let i = 0; i < 2; i++) {
        assert.strictEqual(judge.wrong("10.0.0.2", 0, blocks, 0), `block 1 of ${leader}, which no producer made`)
      }
    }))
})

describe("Disk", () => {
  const gone = () => false

  it.effect("starts with the genesis; what is written is there, after as long as a disk takes", () =>
    Effect.gen(function*() {
      const disk = yield* Disk.make(devnet, noChecks)
      const blocks = yield* makeChain(3)
      const store = yield* process(disk, gone)
      assert.deepStrictEqual(yield* store.tip, { height: 0, hash: genesis(devnet).hash })
      const began = yield* Clock.currentTimeMillis
      const writing = yield* Effect.forkChild(Effect.zip(store.append(0, blocks), Clock.currentTimeMillis))
      yield* TestClock.adjust(1)
      assert.strictEqual((yield* store.tip).height, 0, "not at once")
      yield* TestClock.adjust(SimulationLimits.diskMs)
      const [tip, at] = yield* Fiber.join(writing)
      assert.strictEqual(tip.height, 3)
      assert.isAtLeast(at - began, 1)
      assert.isAtMost(at - began, SimulationLimits.diskMs)
      assert.deepStrictEqual(yield* (yield* process(disk, gone)).tip, tip, "the next process finds it")
    }).pipe(Effect.scoped, Random.withSeed("disk")))

  it.effect("what a process had begun to write when it ended is not written, and it is not told", () =>
    Effect.gen(function*() {
      const checked: Array<number> = []
      const disk = yield* Disk.make(devnet, {
        wrong: (after) => void checked.push(after),
        violated: (detail) => assert.fail(detail)
      })
      const blocks = yield* makeChain(3)
      let ended = false
      const store = yield* process(disk, () => ended)
      const writing = yield* Effect.forkChild(store.append(0, blocks), { startImmediately: true })
      ended = true
      yield* TestClock.adjust(10 * SimulationLimits.diskMs)
      assert.isUndefined(writing.pollUnsafe())
      assert.strictEqual((yield* storeIn(disk).tip).height, 0)
      assert.deepStrictEqual(checked, [], "it is no change")
      // The next process writes.
      const next = yield* Effect.forkChild((yield* process(disk, gone)).append(0, blocks.slice(0, 1)))
      yield* TestClock.adjust(SimulationLimits.diskMs)
      assert.strictEqual((yield* Fiber.join(next)).height, 1)
      yield* Fiber.interrupt(writing)
    }).pipe(Effect.scoped))

  it.effect("changes are made one after the other, in the order of the calls", () =>
    Effect.gen(function*() {
      const disk = yield* Disk.make(devnet, noChecks)
      const blocks = yield* makeChain(30)
      const store = yield* process(disk, gone)
      const writing = yield* Effect.forEach(blocks, (block) =>
        Effect.forkChild(store.append(block.height - 1, [block]), { startImmediately: true }))
      yield* TestClock.adjust(30 * SimulationLimits.diskMs)
      yield* Effect.forEach(writing, Fiber.join)
      assert.strictEqual((yield* storeIn(disk).tip).height, 30)
    }).pipe(Effect.scoped))

  it.effect("every change is judged before it is made, by the height that the chain then has", () =>
    Effect.gen(function*() {
      const seen: Array<readonly [after: number, added: number, height: number]> = []
      const violations: Array<string> = []
      const disk = yield* Disk.make(devnet, {
        wrong: (after, blocks, height) => {
          seen.push([after, blocks.length, height])
          return after === 1 ? "not this one" : undefined
        },
        violated: (detail) => violations.push(detail)
      })
      const blocks = yield* makeChain(4)
      const store = yield* process(disk, gone)
      for (const [after, added] of [[0, blocks.slice(0, 3)], [1, blocks.slice(1, 2)], [2, []]] as const) {
        const writing = yield* Effect.forkChild(store.append(after, added))
        yield* TestClock.adjust(SimulationLimits.diskMs)
        yield* Fiber.join(writing)
      }
      assert.deepStrictEqual(seen, [[0, 3, 0], [1, 1, 3], [2, 0, 2]])
      assert.deepStrictEqual(violations, ["not this one"])
    }).pipe(Effect.scoped))
})
