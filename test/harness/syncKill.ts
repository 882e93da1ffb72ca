/**
 * Kills a process that syncs a chain over TCP into a SQLite file, again and again on the same file, and checks what it left:
 * a prefix of the chain, block by block, no shorter than what it last said; the run that is not killed completes.
 *
 * By itself: `node test/layers/syncKill.ts [ROUNDS] [SEED]` (200 rounds by default).
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert } from "@effect/vitest"
import { Context, Effect, FileSystem, Layer, Ref, Stream } from "effect"
import { ChildProcess } from "effect/process"
import * as crypto from "node:crypto"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as Block from "../../src/domain/chain/Block.ts"
import * as BlockHeader from "../../src/domain/chain/BlockHeader.ts"
import * as Hash from "../../src/domain/chain/Hash.ts"
import { networks } from "../../src/domain/Network.ts"
import * as PeerAddress from "../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import * as ChainStoreMemory from "../../src/layers/chain/ChainStoreMemory.ts"
import * as ChainStoreSql from "../../src/layers/chain/ChainStoreSql.ts"
import * as HasherLive from "../../src/layers/chain/HasherLive.ts"
import * as ChainScan from "../../src/layers/chain/tools/ChainScan.ts"
import * as ChainNode from "../../src/layers/node/ChainNode.ts"
import * as TcpSocket from "../../src/layers/socket/TcpSocket.ts"
import * as PeerStoreMemory from "../../src/layers/store/PeerStoreMemory.ts"
import { ChainStore, type StoredBlock } from "../../src/services/ChainStore.ts"
import { ConnectionManager } from "../../src/services/ConnectionManager.ts"
import { defaultTuning } from "../../src/services/NodeConfig.ts"
import { NodeEvents } from "../../src/services/NodeEvents.ts"
import { randomFrom } from "./random.ts"
import { devnet, genesis, make } from "./syntheticChain.ts"

const child = fileURLToPath(new URL("./syncKillChild.ts", import.meta.url))
const blocks = 12_000
const sourceIp = "127.0.4.1"

/** A node with the whole chain, and the chain. */
const source = Effect.gen(function*() {
  const chain = yield* make(blocks)
  const store = ChainStoreMemory.layer({ genesis: genesis(devnet) })
  const filled = Layer.effect(ChainStore, Effect.tap(ChainStore, (store) => store.append(0, chain))).pipe(
    Layer.provide(store)
  )
  const setup = {
    network: networks.devnet,
    listen: { ip: PeerIp.fromStringUnsafe(sourceIp), port: 0 },
    advertise: undefined,
    peers: [],
    software: "test",
    tuning: defaultTuning
  }
  const context = yield* Layer.build(
    ChainNode.layer(setup).pipe(Layer.provide([TcpSocket.layer, PeerStoreMemory.layer(), filled]))
  )
  const blamed: Array<string> = []
  yield* Context.get(context, NodeEvents).listen((event) => {
    if (event._tag === "SyncBlamed") blamed.push(JSON.stringify(event))
  })
  return { address: PeerAddress.format(Context.get(context, ConnectionManager).address), chain, blamed }
})

type Source = Effect.Success<typeof source>

/** When to kill: this long after it started, or after it said that it has this height. Never: let it complete. */
type Moment = { readonly afterMs: number } | { readonly height: number; readonly afterMs: number } | "never"

/** Runs the syncing process. Gives the tips it said, as lines. */
const run = (filename: string, ip: string, { address }: Source, moment: Moment) =>
  Effect.scoped(Effect.gen(function*() {
    const process_ = yield* ChildProcess.make(process.execPath, [child, filename, ip, address, String(blocks)])
    const kill = Effect.ignore(process_.kill({ killSignal: "SIGKILL" }))
    const printed = yield* Ref.make("")
    const errors = yield* Ref.make("")
    yield* Effect.forkScoped(
      Effect.ignore(
        Stream.runForEach(Stream.decodeText(process_.stderr), (text) => Ref.update(errors, (all) => all + text))
      )
    )
    if (moment !== "never" && !("height" in moment)) {
      yield* Effect.forkScoped(Effect.delay(kill, moment.afterMs))
    }
    let killing = false
    yield* process_.stdout.pipe(
      Stream.decodeText(),
      Stream.runForEach((text) =>
        Effect.flatMap(Ref.updateAndGet(printed, (all) => all + text), (all) => {
          const said = Number(all.slice(0, all.lastIndexOf("\n") + 1).trimEnd().split("\n").at(-1)?.split(" ")[0] ?? -1)
          if (killing || moment === "never" || !("height" in moment) || said < moment.height) return Effect.void
          killing = true
          return Effect.forkScoped(Effect.delay(kill, moment.afterMs))
        })
      ),
      Effect.ignore
    )
    const code = yield* Effect.option(process_.exitCode)
    if (moment === "never") {
      assert.strictEqual(code._tag === "Some" ? Number(code.value) : -1, 0, yield* Ref.get(errors))
    }
    assert.notMatch(yield* Ref.get(errors), /SyncBlamed|StoreFailed/)
    return (yield* Ref.get(printed)).split("\n").slice(0, -1)
  }))

/** Opens the file as a node does, then compares every block. The height. */
const check = Effect.fnUntraced(function*(filename: string, chain: ReadonlyArray<StoredBlock>) {
  if (!existsSync(filename)) return 0
  const layer = ChainStoreSql.layerSqlite({ filename, network: "devnet", genesis: genesis(devnet) })
  const tip = yield* Effect.scoped(
    Effect.flatMap(Layer.build(layer), (built) => Context.get(built, ChainStore).tip)
  )
  const hasher = yield* HasherLive.make
  let height = 0
  yield* ChainScan.blocksOfFile(filename).pipe(Stream.runForEach((found) =>
    Effect.sync(() => {
      const expected = found.height === 0 ? genesis(devnet) : chain[found.height - 1]
      assert.strictEqual(found.height, height++)
      assert.strictEqual(found.hash, expected?.hash)
      assert.strictEqual(found.previous, expected?.previous)
      const block = Block.decode(found.bytes)
      assert(!Block.isMalformed(block))
      assert.strictEqual(Hash.toHex(BlockHeader.hash(hasher, block.header)), found.hash, "the hash of the bytes")
      assert.strictEqual(Buffer.compare(found.bytes, expected?.bytes ?? new Uint8Array()), 0, "the same bytes")
    })
  ))
  assert.strictEqual(tip.height, height - 1)
  return tip.height
})

/** Rounds on one file; the one behind them is not killed. Then a new file. */
const perFile = 5

const fileRounds = Effect.fnUntraced(function*(
  from: Source,
  filename: string,
  ip: string,
  count: number,
  seed: number
) {
  const random = randomFrom(seed)
  let height = 0
  let moved = 0
  for (let i = 0; i <= count; i++) {
    const moment: Moment = i === count
      ? "never"
      : random(4) === 0
      ? { afterMs: random(1_500) }
      : { height: height + random(Math.floor((blocks - height) / 2)), afterMs: random(40) }
    const [said, next] = yield* run(filename, ip, from, moment).pipe(
      Effect.flatMap((lines) => Effect.map(check(filename, from.chain), (next) => [lines, next] as const)),
      Effect.catchCause((cause) =>
        Effect.die(new Error(`round ${i} of file seed ${seed}, killed at ${JSON.stringify(moment)}: ${String(cause)}`))
      )
    )
    const at = `round ${i} of file seed ${seed}`
    assert.isAtLeast(next, height, `${at}: nothing that was stored is lost`)
    assert.isAtLeast(next, Number(said.at(-1)?.split(" ")[0] ?? 0), `${at}: what it said it has, it has`)
    if (next > height && next < blocks) moved += 1
    height = next
  }
  assert.strictEqual(height, blocks, `file seed ${seed}: the last run completes`)
  return moved
})

/** Fails with the file's seed and the round in the message. `moved`: rounds that were killed in the middle of the sync. */
export const rounds = (count: number, seed: number) =>
  Effect.scoped(Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const directory = yield* fs.makeTempDirectoryScoped()
    const from = yield* source
    const files = Array.from({ length: Math.ceil(count / perFile) }, (_, i) => i)
    const moved = yield* Effect.forEach(files, (i) => {
      const most = Math.min(perFile, count - i * perFile)
      return fileRounds(from, `${directory}/chain-${i}.db`, `127.0.5.${i + 1}`, most, seed * 1_000 + i).pipe(
        Effect.tap(() => fs.remove(`${directory}/chain-${i}.db`))
      )
    }, { concurrency: 2 })
    assert.deepStrictEqual(from.blamed, [])
    return { moved: moved.reduce((sum, n) => sum + n, 0) }
  }))

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const count = Number(process.argv[2] ?? 200)
  const seed = Number(process.argv[3] ?? crypto.randomInt(1_000_000))
  process.stdout.write(`${count} rounds, seed ${seed}\n`)
  const { moved } = await Effect.runPromise(rounds(count, seed).pipe(Effect.provide(NodeServices.layer)))
  process.stdout.write(
    `${count} times killed, each time a valid prefix, every last run complete; ${moved} in mid-sync\n`
  )
}
