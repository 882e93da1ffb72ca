/** One producer over services in the test's hand: when it makes a block, on top of what, and when it leaves its turn out. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Logger, Scope } from "effect"
import { TestClock } from "effect/testing"
import type * as Block from "../../../src/domain/chain/Block.ts"
import * as BlockHeader from "../../../src/domain/chain/BlockHeader.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import { networks } from "../../../src/domain/Network.ts"
import { Capability } from "../../../src/domain/pair/Handshake.ts"
import * as Producer from "../../../src/layers/sync/Producer.ts"
import { ChainStore, type StoredBlock } from "../../../src/services/ChainStore.ts"
import { defaultTuning, NodeConfig, type NodeSetup } from "../../../src/services/NodeConfig.ts"
import { PeerState } from "../../../src/services/PeerState.ts"
import { BlockRefused, Sync } from "../../../src/services/Sync.ts"
import { hasher } from "../../harness/hasher.ts"
import { ip } from "../../harness/mesh.ts"
import { devnet, genesis, startOfTime } from "../../harness/syntheticChain.ts"

const turn = Limits.produceEveryMs

interface World {
  /** Producers that are connected. */
  readonly others?: ReadonlyArray<string>
  /** Peers that are connected and make no blocks. */
  readonly quiet?: ReadonlyArray<string>
  readonly own?: string
  readonly everyMs?: number
  mayProduce?: boolean
  /** What the store has in place of its last block. */
  last?: Uint8Array | "none"
  refuses?: boolean
}

/** A producer that runs, and the blocks that it made. */
const start = (world: World) =>
  Effect.gen(function*() {
    yield* TestClock.setTime(startOfTime)
    const chain: Array<StoredBlock> = [genesis(devnet)]
    const made: Array<Block.Block> = []
    const tip = () => chain.at(-1) ?? assert.fail("no genesis")
    const setup = {
      network: networks.devnet,
      listen: { ip: world.own === "any" ? "any" : ip(world.own ?? "10.0.0.2"), port: 1 },
      advertise: undefined,
      tuning: defaultTuning
    } as unknown as NodeSetup
    const store = {
      tip: Effect.sync(() => ({ height: tip().height, hash: tip().hash })),
      blocks: (from: number) =>
        Effect.sync(() => world.last === "none" ? [] : [world.last ?? chain[from]?.bytes ?? assert.fail("no block")])
    } as unknown as ChainStore["Service"]
    const sync = {
      report: Effect.sync(() => ({ mayProduce: world.mayProduce ?? true })),
      add: (block: Block.Block) =>
        Effect.suspend(() => {
          made.push(block)
          if (world.refuses === true) return Effect.fail(new BlockRefused({ detail: "no" }))
          const hash = BlockHeader.hash(hasher, block.header)
          chain.push({
            height: block.header.height,
            hash: Hash.toHex(hash),
            previous: Hash.toHex(block.header.previousHash),
            bytes: block.bytes,
            txids: undefined
          })
          return Effect.succeed({ height: block.header.height, hash: Hash.toHex(hash) })
        })
    } as unknown as Sync["Service"]
    const peers = {
      connected: Effect.succeed([
        ...(world.others ?? []).map((at) => ({ ip: ip(at), capabilities: Capability.produces | Capability.chain })),
        ...(world.quiet ?? []).map((at) => ({ ip: ip(at), capabilities: Capability.chain }))
      ])
    } as unknown as PeerState["Service"]
    const scope = yield* Scope.make()
    yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
    yield* Layer.buildWithScope(
      Producer.layer({ everyMs: world.everyMs }).pipe(
        Layer.provide([
          Layer.succeed(NodeConfig, setup),
          Layer.succeed(ChainStore, store),
          Layer.succeed(Sync, sync),
          Layer.succeed(PeerState, peers)
        ])
      ),
      scope
    )
    return { made, chain }
  })

describe("a producer", () => {
  it.effect("makes one block a turn on top of the chain, in its own name, with the time of its clock", () =>
    Effect.gen(function*() {
      const { chain, made } = yield* start({})
      yield* TestClock.adjust(5 * turn)
      assert.deepStrictEqual(made.map(({ header }) => header.height), [1, 2, 3, 4, 5])
      assert.deepStrictEqual(new Set(made.map(({ header }) => header.leader)), new Set(["10.0.0.2"]))
      for (const [i, { header }] of made.entries()) {
        assert.strictEqual(Hash.toHex(header.previousHash), chain[i]?.hash)
        assert.strictEqual(header.timestamp, startOfTime / 1_000 + (i + 1) * turn / 1_000)
      }
    }))

  it.effect("takes turns with those that make blocks, not with other peers", () =>
    Effect.gen(function*() {
      const { made } = yield* start({ quiet: ["10.0.0.1", "10.0.0.3"] })
      yield* TestClock.adjust(6 * turn)
      assert.strictEqual(made.length, 6)
    }))

  it.effect("steps in for the one before it after half a turn, and leaves the rest to others", () =>
    Effect.gen(function*() {
      const { made } = yield* start({ others: ["10.0.0.1", "10.0.0.3", "10.0.0.4"] })
      // Not the turn in which it started.
      yield* TestClock.adjust(4 * turn)
      const { length } = made
      yield* TestClock.adjust(8 * turn)
      // Of four turns one is its own, and in one more it is next.
      assert.strictEqual(made.length - length, 4)
    }))

  it.effect("makes none while better blocks are to be followed, also among peers that make none", () =>
    Effect.gen(function*() {
      for (const peers of [{ others: ["10.0.0.1"] }, { quiet: ["10.0.0.1"] }]) {
        const world: World = { ...peers, mayProduce: false }
        const { made } = yield* start(world)
        yield* TestClock.adjust(6 * turn)
        assert.strictEqual(made.length, 0)
        world.mayProduce = true
        yield* TestClock.adjust(4 * turn)
        assert.isAtLeast(made.length, 2)
      }
    }))

  it.effect("makes none where the chain's last block cannot be read", () =>
    Effect.gen(function*() {
      for (const last of ["none", new Uint8Array([1, 2, 3])] as const) {
        const { made } = yield* start({ last })
        yield* TestClock.adjust(3 * turn)
        assert.strictEqual(made.length, 0)
      }
    }))

  it.effect("tries again in the same turn when its block is refused", () =>
    Effect.gen(function*() {
      const world: World = { refuses: true }
      const { made } = yield* start(world)
      yield* TestClock.adjust(turn + 3 * Limits.produceBeatMs)
      assert.isAtLeast(made.length, 3)
      assert.deepStrictEqual(new Set(made.map(({ header }) => header.height)), new Set([1]))
      world.refuses = false
      yield* TestClock.adjust(Limits.produceBeatMs)
      const { length } = made
      yield* TestClock.adjust(turn / 2)
      assert.strictEqual(made.length, length, "its turn is over once the block is there")
    }))

  it.effect("looks twenty times a turn, however long that is", () =>
    Effect.gen(function*() {
      const everyMs = 10 * turn
      const { made } = yield* start({ everyMs })
      yield* TestClock.adjust(everyMs)
      assert.strictEqual(made.length, 1)
      yield* TestClock.adjust(everyMs - 1)
      assert.strictEqual(made.length, 1)
      yield* TestClock.adjust(everyMs / 20)
      assert.strictEqual(made.length, 2)
    }))

  it.effect("makes none without an address of its own, and warns of either", () => {
    const warned: Array<string> = []
    return Effect.gen(function*() {
      const { made } = yield* start({ own: "any" })
      yield* TestClock.adjust(5 * turn)
      assert.strictEqual(made.length, 0)
      assert.deepStrictEqual(warned.splice(0), [
        "Warn not producing: this node does not know its own address; give --advertise"
      ])
      yield* start({})
      assert.deepStrictEqual(warned, ["Warn producing test blocks: this is a producer for experiments, not consensus"])
    }).pipe(Effect.provide(Logger.layer([
      Logger.make(({ logLevel, message }) => void warned.push(`${logLevel} ${String(message)}`))
    ])))
  })

  it.effect("does not start with a turn that is too short or too long", () =>
    Effect.gen(function*() {
      for (const everyMs of [Limits.produceEveryLeastMs - 1, Limits.produceEveryMostMs + 1, Number.NaN]) {
        const exit = yield* Effect.exit(start({ everyMs }))
        assert(Exit.isFailure(exit))
        const [reason] = exit.cause.reasons
        assert(reason?._tag === "Fail" && reason.error._tag === "NodeSetupError")
        assert.deepStrictEqual([reason.error.field, reason.error.input, reason.error.problem, reason.error.fix], [
          "everyMs",
          String(everyMs),
          "is not the length of a turn in ms",
          `use ${Limits.produceEveryLeastMs} to ${Limits.produceEveryMostMs}`
        ])
      }
      for (const everyMs of [Limits.produceEveryLeastMs, Limits.produceEveryMostMs]) yield* start({ everyMs })
    }))
})
