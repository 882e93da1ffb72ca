import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { Block } from "../../../src/domain/chain/Block.ts"
import * as ChainParams from "../../../src/domain/chain/ChainParams.ts"
import * as Hash from "../../../src/domain/chain/Hash.ts"
import type { Timed } from "../../../src/simulation/timed/Timed.ts"
import { downs, type Running } from "../../harness/mesh.ts"
import * as rawTime from "../../harness/timed/rawTime.ts"
import { grow, recorded120, stored } from "../../harness/timed/timeChain.ts"
import { assertClean, onTimeMesh } from "../../harness/timed/timeMesh.ts"

const low = "10.0.0.2"
const high = "10.0.0.9"

const tipOf = (node: Running) => Effect.map(node.sync.report, ({ tip }) => tip)

/** Both have the same tip, and nothing is held against the node. */
const assertSame = Effect.fnUntraced(function*(node: Running, daemon: Timed, height: number) {
  const tip = yield* tipOf(node)
  assert.strictEqual(tip.height, height, (yield* node.sync.report).line)
  assert.strictEqual(daemon.chain.height, height)
  assert.strictEqual(Hash.toHex(daemon.chain.hashes[height] ?? Hash.zero), tip.hash)
  assertClean(node, daemon)
  assert.deepStrictEqual(downs(node), [])
})

/** ms until the condition holds, looked at every 100 ms. */
const until = Effect.fnUntraced(function*(most: number, holds: Effect.Effect<boolean>) {
  for (let ms = 0; ms <= most; ms += 100) {
    if (yield* holds) return ms
    yield* TestClock.adjust(100)
  }
  return assert.fail(`not within ${most} ms`)
})

const reaches = (node: Running, height: number) => Effect.map(tipOf(node), (tip) => tip.height === height)

const long: ReadonlyArray<Block> = grow([], 2_480)

describe("sync with a daemon", () => {
  it.effect("reads the recorded chain of 120 blocks, byte for byte", () =>
    onTimeMesh(5, ({ node, timed }) =>
      Effect.gen(function*() {
        const { timed: daemon } = yield* timed({ ip: low, chain: recorded120 })
        const ours = yield* node(high, { peers: [low], chain: [] })
        const ms = yield* until(3_000, reaches(ours, 120))
        assert.isAtMost(ms, 2_000)
        yield* TestClock.adjust("2 minutes")
        yield* assertSame(ours, daemon, 120)
      })))

  it.effect("reads 2,480 blocks within 20 s, at the pace that the daemon allows", () =>
    onTimeMesh(5, ({ node, timed }) =>
      Effect.gen(function*() {
        const { timed: daemon } = yield* timed({ ip: low, chain: long })
        const ours = yield* node(high, { peers: [low], chain: [] })
        const ms = yield* until(20_000, reaches(ours, 2_480))
        assert.isAtMost(ms, 20_000)
        yield* assertSame(ours, daemon, 2_480)
        const pages = daemon.uses(high)?.heard.filter(({ message }) => message._tag === "GetBlocks") ?? []
        assert.isAtMost(pages.length, 60, "no page twice")
        for (const [at, page] of pages.entries()) {
          const before = pages[at - 1]
          if (before !== undefined) assert.isAtLeast(page.at - before.at, 200)
        }
      })))

  it.effect("serves 2,480 blocks to a daemon that begins at genesis", () =>
    onTimeMesh(5, ({ node, timed }) =>
      Effect.gen(function*() {
        const { timed: daemon } = yield* timed({ ip: low })
        const ours = yield* node(high, { peers: [low], chain: stored(long) })
        yield* until(40_000, Effect.sync(() => daemon.chain.height === 2_480))
        yield* assertSame(ours, daemon, 2_480)
      })))

  it.effect("follows each block that the daemon makes, and the daemon each of ours", () =>
    onTimeMesh(5, ({ node, timed }) =>
      Effect.gen(function*() {
        const { timed: daemon } = yield* timed({ ip: low, chain: long.slice(0, 100) })
        const ours = yield* node(high, { peers: [low], chain: stored(long.slice(0, 100)) })
        yield* TestClock.adjust("20 seconds")
        for (let height = 101; height <= 110; height++) {
          const block = long[height - 1]
          assert(block !== undefined)
          if (height % 2 === 0) daemon.chain.adds([block])
          else yield* ours.sync.add(block)
          yield* TestClock.adjust("1 second")
          yield* assertSame(ours, daemon, height)
        }
        // Its finality lock goes by the tips that it was told: each of ours is told before its height.
        const heard = daemon.uses(high)?.heard.map(({ message }) => message) ?? []
        for (const height of [101, 103, 105, 107, 109]) {
          const tip = heard.findIndex((message) => message._tag === "ChainTipResponse" && message.height === height)
          const inventory = heard.findIndex((message) => message._tag === "BlockInventory" && message.height === height)
          assert.isAtLeast(tip, 0)
          assert.isAbove(inventory, tip)
        }
      })))

  it.effect("follows what a producer makes, which announces it by a proposal alone, once it has taken the block", () =>
    onTimeMesh(5, ({ node, timed }) =>
      Effect.gen(function*() {
        const { timed: daemon } = yield* timed({ ip: low, chain: long.slice(0, 100) })
        const ours = yield* node(high, { peers: [low], chain: stored(long.slice(0, 100)) })
        yield* TestClock.adjust("20 seconds")
        for (let height = 101; height <= 105; height++) {
          const block = long[height - 1]
          assert(block !== undefined)
          daemon.proposes(block)
          yield* TestClock.adjust("1 second")
          assert.strictEqual((yield* tipOf(ours)).height, height - 1, "a proposal is not believed")
          daemon.chain.append([block])
          daemon.proposes(block)
          yield* TestClock.adjust("1 second")
          yield* assertSame(ours, daemon, height)
        }
      })))

  for (const depth of [1, 40, 99]) {
    it.effect(`follows the daemon to a longer chain that leaves ours ${depth} blocks below the tip`, () =>
      onTimeMesh(5, ({ node, timed }) =>
        Effect.gen(function*() {
          const trunk = long.slice(0, 200 - depth)
          const other = [...trunk, ...grow(trunk, depth + 5, "10.11.0.3")]
          const { timed: daemon } = yield* timed({ ip: low, chain: other })
          const ours = yield* node(high, { peers: [low], chain: stored(long.slice(0, 200)), settled: true })
          yield* until(20_000, reaches(ours, 205))
          yield* assertSame(ours, daemon, 205)
          assert.strictEqual(ours.of("Reorg").length, 1)
        })))
  }

  for (const depth of [1, 40, 99]) {
    it.effect(`leads the daemon to a longer chain that leaves its own ${depth} blocks below the tip`, () =>
      onTimeMesh(5, ({ node, timed }) =>
        Effect.gen(function*() {
          const trunk = long.slice(0, 200 - depth)
          const other = [...trunk, ...grow(trunk, depth + 1, "10.11.0.3")]
          const { timed: daemon } = yield* timed({ ip: low, chain: long.slice(0, 200) })
          const ours = yield* node(high, { peers: [low], chain: stored(other), settled: true })
          yield* until(90_000, Effect.sync(() => daemon.chain.height === 201))
          yield* assertSame(ours, daemon, 201)
          assert.strictEqual(daemon.chain.refusedForks, 0, "it was told the tip before it asked")
        })))
  }

  it.effect("shows a daemon that does not take our chain where it parts so seldom that none of it is a violation", () =>
    onTimeMesh(5, ({ node, timed }) =>
      Effect.gen(function*() {
        const trunk = long.slice(0, 190)
        const { timed: daemon } = yield* timed({ ip: low, chain: long.slice(0, 200) })
        // Others that are ahead, on a chain of their own: its finality lock refuses ours.
        for (const last of [11, 12]) {
          const peer = yield* rawTime.dial(`10.0.0.${last}`, low)
          yield* peer.say(rawTime.handshake)
          const hash = new Uint8Array(32).fill(last)
          yield* Effect.forkScoped(
            Effect.forever(
              Effect.andThen(peer.say({ _tag: "ChainTipResponse", height: 220, hash }), Effect.sleep("10 seconds"))
            )
          )
        }
        const chain = stored([...trunk, ...grow(trunk, 20, "10.11.0.3")])
        const ours = yield* node(high, { peers: [low], chain, settled: true })
        yield* TestClock.adjust("20 minutes")
        assert.strictEqual(daemon.chain.height, 200)
        assert.isAbove(daemon.chain.refusedForks, 0)
        assert.deepStrictEqual(daemon.ledger.entries(ours.ip), [])
        assert.strictEqual(ours.of("Down").length, 0)
      })))

  it.effect("follows it when it changes its chain while connected", () =>
    onTimeMesh(5, ({ node, timed }) =>
      Effect.gen(function*() {
        const { timed: daemon } = yield* timed({ ip: low, chain: long.slice(0, 150) })
        const ours = yield* node(high, { peers: [low], chain: [] })
        yield* until(20_000, reaches(ours, 150))
        daemon.chain.becomes([...long.slice(0, 100), ...grow(long.slice(0, 100), 60, "10.11.0.4")])
        yield* until(40_000, reaches(ours, 160))
        yield* assertSame(ours, daemon, 160)
      })))

  it.effect("one chain comes over both wires at once", () =>
    onTimeMesh(5, ({ node, timed }) =>
      Effect.gen(function*() {
        const { timed: daemon } = yield* timed({ ip: low, chain: long })
        yield* node("10.0.0.3", { chain: stored(long) })
        const ours = yield* node(high, { peers: [low, "10.0.0.3"], chain: [] })
        yield* until(20_000, reaches(ours, 2_480))
        yield* assertSame(ours, daemon, 2_480)
        const { peers } = yield* ours.sync.report
        for (const peer of peers) assert.isAbove(peer.blocks, 0, peer.ip)
      })))

  it.effect("waits for a block that is early by this node's clock, and blames no daemon for it", () =>
    onTimeMesh(5, ({ node, timed }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(ChainParams.dueAt(ChainParams.testnet, 121) * 1_000 - 60_000)
        const { timed: daemon } = yield* timed({ ip: low, chain: long.slice(0, 120) })
        const ours = yield* node(high, { peers: [low], chain: [] })
        yield* until(10_000, reaches(ours, 120))
        daemon.chain.adds(long.slice(120, 121))
        yield* until(60_000, reaches(ours, 121))
        assert.deepStrictEqual(ours.of("SyncBlamed"), [])
        yield* assertSame(ours, daemon, 121)
      })))

  it.effect("is not used while this node refuses its blocks, and stays connected; another's chain is read", () =>
    onTimeMesh(5, ({ node, timed }) =>
      Effect.gen(function*() {
        // A chain that the network's daemon would hold after a reorganisation: its rules were not asked.
        const bad = grow([], 40, " 10.11.0.9")
        const worse = [...bad, ...grow(bad, 200, "10.11.0.9")]
        const { timed: daemon } = yield* timed({ ip: low, chain: worse })
        const { timed: good } = yield* timed({ ip: "10.0.0.3", chain: long.slice(0, 120) })
        const ours = yield* node(high, { peers: [low, "10.0.0.3"], chain: [] })
        yield* until(60_000, reaches(ours, 120))
        assert.deepStrictEqual(downs(ours), [])
        assert.strictEqual(ours.of("SyncBlamed").filter(({ ip }) => ip === low).length, 1)
        assert.strictEqual(daemon.live(high).length, 1)
        assert.strictEqual(good.live(high).length, 1)
        assert.deepStrictEqual(daemon.ledger.entries(high), [])
      })))
})
