/**
 * Kills a process in the middle of a deep reorganisation, at every statement of it, and checks what it left: the whole old chain with
 * as much of the branch as was stored, or the whole new one.
 *
 * By itself: `node test/harness/branchKill.ts [DEPTH]…` (100, 300 and 12,000 by default).
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert } from "@effect/vitest"
import { Context, Effect, FileSystem, Layer, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { fileURLToPath } from "node:url"
import * as ChainStoreSql from "../../src/layers/chain/ChainStoreSql.ts"
import * as ChainScan from "../../src/layers/chain/tools/ChainScan.ts"
import { ChainStore } from "../../src/services/ChainStore.ts"
import type { StoredBlock } from "../../src/services/ChainStore.ts"
import { after, genesis, isTrue, network } from "./chainBlocks.ts"

const child = fileURLToPath(new URL("./branchKillChild.ts", import.meta.url))

const run = (...args: ReadonlyArray<string | number>) =>
  Effect.scoped(Effect.gen(function*() {
    const process_ = yield* ChildProcess.make(process.execPath, [child, ...args.map(String)])
    yield* Effect.forkScoped(Effect.ignore(Stream.runDrain(process_.stderr)))
    const printed = yield* process_.stdout.pipe(Stream.decodeText(), Stream.mkString)
    yield* Effect.ignore(process_.exitCode)
    return printed.split("\n").slice(0, -1)
  }))

const hashesIn = (filename: string) =>
  Effect.gen(function*() {
    const hashes: Array<string> = []
    yield* ChainScan.blocksOfFile(filename).pipe(Stream.runForEach((found) =>
      Effect.sync(() => {
        assert.isTrue(isTrue(found), `block ${found.height}`)
        hashes.push(found.hash)
      })
    ))
    return hashes
  })

const open = (filename: string) =>
  Effect.map(Layer.build(ChainStoreSql.layerSqlite({ filename, network, genesis })), Context.get(ChainStore))

const hashes = (blocks: ReadonlyArray<StoredBlock>) => blocks.map(({ hash }) => hash)

export interface Killed {
  /** Kills after which the old chain was there, and the new one. */
  readonly old: number
  readonly adopted: number
}

/** Statement by statement, `step` apart, until the reorganisation ends unharmed. `depth`: blocks of the old chain that it replaces. */
export const reorganisation = (depth: number, step: number, moment: "before" | "while") =>
  Effect.scoped(Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const filename = `${yield* fs.makeTempDirectoryScoped()}/chain.db`
    const shared = after(genesis, 50)
    const fork = shared.length
    let salt = 1
    let old = after(shared.at(-1) ?? genesis, depth, salt)
    yield* Effect.scoped(
      Effect.flatMap(open(filename), (store) => Effect.andThen(store.append(0, [...shared, ...old]), store.settle))
    )
    const killed = { old: 0, adopted: 0 }
    for (let at = 0;; at += step) {
      salt += 1
      const branch = after(shared.at(-1) ?? genesis, old.length + 5, salt)
      const printed = yield* run(filename, fork, branch.length, salt, at, moment)
      const context = `killed ${moment} statement ${at} (${printed.join(", ")})`
      const found = yield* hashesIn(filename)
      const whole = (blocks: ReadonlyArray<StoredBlock>) => [genesis.hash, ...hashes(shared), ...hashes(blocks)].join()
      const adopted = found.join() === whole(branch)
      assert.isTrue(
        adopted || found.join() === whole(old),
        `${context}: neither chain is whole (${found.length} blocks)`
      )
      if (printed.at(-1)?.startsWith("did") === true) {
        assert.isTrue(adopted, context)
        return killed satisfies Killed
      }
      killed[adopted ? "adopted" : "old"] += 1
      if (!printed.includes("adopt")) assert.isFalse(adopted, context)
      // Started again without the branch's peer: what is there is as it was, and the branch, if it was whole, can still be adopted.
      yield* Effect.scoped(Effect.gen(function*() {
        const store = yield* open(filename)
        assert.isTrue(yield* store.settled, context)
        const staged = yield* store.branch
        if (adopted) return assert.isUndefined(staged, context)
        if (staged !== undefined) {
          assert.strictEqual(staged.fork, fork, context)
          const there = (yield* store.branchHashes(fork + 1, 2 ** 20)).join()
          assert.isTrue(
            there === hashes(branch.slice(0, staged.tip.height - fork)).join(),
            `${context}: another branch`
          )
        }
        // The next round begins without one.
        if (!printed.includes("adopt")) return yield* store.unstage
        assert.strictEqual(staged?.tip.hash, branch.at(-1)?.hash, context)
        yield* store.adopt
        assert.strictEqual((yield* store.tip).hash, branch.at(-1)?.hash, context)
      }))
      const now = yield* hashesIn(filename)
      if (now.join() === whole(branch)) old = branch
      else assert.strictEqual(now.join(), whole(old), context)
    }
  }))

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const depths = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [100, 300, 12_000]
  for (const depth of depths) {
    for (const moment of ["before", "while"] as const) {
      const killed = await Effect.runPromise(reorganisation(depth, 1, moment).pipe(Effect.provide(NodeServices.layer)))
      process.stdout.write(
        `${depth} blocks deep, killed ${moment} each statement: ${killed.old} times the whole old chain was there, ` +
          `${killed.adopted} times the whole new one, never a part\n`
      )
    }
  }
}
