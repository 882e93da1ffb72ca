/**
 * Kills a process that writes a chain, again and again on the same file, and checks what it left: a valid chain that is the one
 * last reported, or a step of the change under way.
 *
 * By itself: `node test/layers/chainStoreKill.ts [ROUNDS] [SEED]` (200 rounds by default).
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert } from "@effect/vitest"
import { Context, Effect, FileSystem, Layer, Ref, Stream } from "effect"
import { ChildProcess } from "effect/process"
import * as crypto from "node:crypto"
import { fileURLToPath } from "node:url"
import * as Limits from "../../src/domain/Limits.ts"
import * as ChainStoreSql from "../../src/layers/chain/ChainStoreSql.ts"
import * as ChainScan from "../../src/layers/chain/tools/ChainScan.ts"
import { ChainStore } from "../../src/services/ChainStore.ts"
import { after, block, genesis, isTrue, network } from "./chainBlocks.ts"
import { randomFrom } from "./random.ts"

const child = fileURLToPath(new URL("./chainStoreKillChild.ts", import.meta.url))

/** Runs the writer and kills it when it has printed this many lines; 0 kills it at once. Gives all it printed. */
const killed = (filename: string, seed: number, lines: number) =>
  Effect.scoped(Effect.gen(function*() {
    const process_ = yield* ChildProcess.make(process.execPath, [child, filename, String(seed)])
    const kill = Effect.ignore(process_.kill({ killSignal: "SIGKILL" }))
    const printed = yield* Ref.make("")
    yield* Effect.forkScoped(Effect.ignore(Stream.runDrain(process_.stderr)))
    if (lines === 0) yield* kill
    yield* process_.stdout.pipe(
      Stream.decodeText(),
      Stream.runForEach((text) =>
        Ref.updateAndGet(printed, (all) => all + text).pipe(
          Effect.flatMap((all) => (all.split("\n").length > lines ? Effect.forkScoped(kill) : Effect.void))
        )
      ),
      Effect.ignore
    )
    yield* Effect.ignore(process_.exitCode)
    // What it did not finish printing it did not do.
    return (yield* Ref.get(printed)).split("\n").slice(0, -1)
  }))

/** What it last reported (`HEIGHT HASH`), and the change it had begun after that. */
const progress = (lines: ReadonlyArray<string>) => {
  const last = lines.at(-1)?.split(" ") ?? []
  return {
    reached: lines.findLast((line) => line.startsWith("did "))?.slice(4),
    doing: last[0] === "do" ? last.slice(1).map(Number) : undefined
  }
}

const round = (filename: string, seed: number, lines: number, before: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const { doing, reached } = progress(yield* killed(filename, seed, lines))

    const layer = ChainStoreSql.layerSqlite({ filename, network, genesis })
    const tip = yield* Effect.scoped(
      Effect.flatMap(Layer.build(layer), (built) => Context.get(built, ChainStore).tip)
    )
    let scanned = 0
    const hashes: Array<string> = []
    yield* ChainScan.blocksOfFile(filename).pipe(Stream.runForEach((found) =>
      Effect.sync(() => {
        assert.isTrue(isTrue(found), `block ${found.height}`)
        assert.strictEqual(found.height, scanned++)
        hashes.push(found.hash)
      })
    ))
    const now = `${tip.height} ${tip.hash}`
    assert.strictEqual(`${hashes.length - 1} ${hashes.at(-1)}`, now)
    if (reached === undefined) assert.deepStrictEqual(hashes, before, "killed before it began: nothing changes")
    else if (now !== reached) {
      // Not what it last reported: then it is the change under way, in whole batches; a reorganisation only whole.
      const [from, count, salt] = doing ?? []
      assert.isDefined(from, `${now} was never reported`)
      if (from === undefined || count === undefined || salt === undefined) return hashes
      const parent = hashes[from] ?? ""
      const made = after({ ...block(from, parent), hash: parent }, count, salt)
      const done = tip.height - from
      const reorganises = from < Number(reached.split(" ")[0])
      assert.isTrue(
        done === count || (!reorganises && done > 0 && done % Limits.storeBatchBlocks === 0),
        `${done} of ${count} blocks after ${from}, reported ${reached}`
      )
      assert.strictEqual(made[done - 1]?.hash, tip.hash)
    }
    return hashes
  })

/** Rounds on one file; then a new one, so that making a file is interrupted too. */
const perFile = 5

const fileRounds = (filename: string, count: number, seed: number) =>
  Effect.gen(function*() {
    const random = randomFrom(seed)
    let hashes: ReadonlyArray<string> = [genesis.hash]
    let changes = 0
    for (let i = 0; i < count; i++) {
      // Mostly behind a `do` (the even ones), in the middle of a change; sometimes while it starts, or between two changes.
      const lines = random(5) === 0 ? random(4) : 2 * (1 + random(5))
      const childSeed = random(2 ** 31)
      const next = yield* round(filename, childSeed, lines, hashes).pipe(
        Effect.catchCause((cause) =>
          Effect.die(
            new Error(`round ${i} of file seed ${seed} (child ${childSeed}, ${lines} lines): ${String(cause)}`)
          )
        )
      )
      if (next.at(-1) !== hashes.at(-1)) changes += 1
      hashes = next
    }
    return changes
  })

/** Fails with the file's seed and the round in the message. `changes`: rounds after which the chain was another. */
export const rounds = (count: number, seed: number) =>
  Effect.scoped(Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const directory = yield* fs.makeTempDirectoryScoped()
    const files = Array.from({ length: Math.ceil(count / perFile) }, (_, i) => i)
    const changes = yield* Effect.forEach(files, (i) =>
      fileRounds(`${directory}/chain-${i}.db`, Math.min(perFile, count - i * perFile), seed * 1_000 + i), {
      concurrency: 2
    })
    return {
      changes: changes.reduce((sum, n) =>
        sum + n, 0)
    }
  }))

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const count = Number(process.argv[2] ?? 200)
  const seed = Number(process.argv[3] ?? crypto.randomInt(1_000_000))
  process.stdout.write(`${count} rounds, seed ${seed}\n`)
  const { changes } = await Effect.runPromise(rounds(count, seed).pipe(Effect.provide(NodeServices.layer)))
  process.stdout.write(`${count} times killed, each time a valid chain; ${changes} of them after a change\n`)
}
