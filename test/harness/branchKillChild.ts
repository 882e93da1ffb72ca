/**
 * Stages a branch beside a chain and adopts it, and kills itself before or while the database's thread runs a statement of that.
 * Says what it begins (`stage` with its first height, `adopt`) and what is done (`did HEIGHT HASH`), each written at once.
 *
 * Arguments: file, fork, blocks of the branch, salt, statement at which it kills itself (-1: never), `before` or `while`.
 */
import { Context, Effect, Layer } from "effect"
import { writeSync } from "node:fs"
import { Worker } from "node:worker_threads"
import * as ChainStoreSql from "../../src/layers/chain/ChainStoreSql.ts"
import { ChainStore } from "../../src/services/ChainStore.ts"
import { after, block, genesis, network } from "./chainBlocks.ts"

const [filename = "", fork = "0", count = "0", salt = "0", at = "-1", moment = "before"] = process.argv.slice(2)
const say = (line: string) => writeSync(1, `${line}\n`)

let statements = 0
let counting = false
const { postMessage } = Worker.prototype
Worker.prototype.postMessage = function(this: Worker, ...args: Parameters<Worker["postMessage"]>) {
  const due = counting && statements++ === Number(at)
  if (due && moment === "before") process.kill(process.pid, "SIGKILL")
  postMessage.apply(this, args)
  if (due) process.kill(process.pid, "SIGKILL")
}

await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  const built = yield* Layer.build(ChainStoreSql.layerSqlite({ filename, network, genesis }))
  const store = Context.get(built, ChainStore)
  const [parent = ""] = yield* store.hashes(Number(fork), 1)
  const branch = after({ ...block(Number(fork), parent), hash: parent }, Number(count), Number(salt))
  counting = true
  // In two parts, as sync brings them.
  const half = branch.length >> 1
  for (const part of [branch.slice(0, half), branch.slice(half)]) {
    const [first] = part
    if (first === undefined) continue
    say(`stage ${first.height}`)
    yield* store.stage(first.height - 1, part)
  }
  say("adopt")
  const tip = yield* store.adopt
  say(`did ${tip.height} ${tip.hash}`)
})))
