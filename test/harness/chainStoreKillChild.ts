/**
 * Appends and reorganises in a loop until it is killed. Before each change it prints `do AFTER COUNT SALT`, after it
 * `did HEIGHT HASH`; the first line is `did` of the chain it found. Written at once, so that what was printed was reached.
 *
 * Arguments: file, seed.
 */
import { Context, Effect, Layer } from "effect"
import { writeSync } from "node:fs"
import * as ChainStoreSql from "../../src/layers/chain/ChainStoreSql.ts"
import { ChainStore } from "../../src/services/ChainStore.ts"
import { after, block, genesis, network } from "./chainBlocks.ts"
import { randomFrom } from "./random.ts"

const [filename = "", seed = "0"] = process.argv.slice(2)

await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  const say = (line: string) => writeSync(1, `${line}\n`)
  const random = randomFrom(Number(seed))
  const built = yield* Layer.build(ChainStoreSql.layerSqlite({ filename, network, genesis }))
  const store = Context.get(built, ChainStore)
  let tip = yield* store.tip
  say(`did ${tip.height} ${tip.hash}`)
  while (true) {
    const back = random(3) > 0 ? random(Math.min(tip.height, 100) + 1) : 0
    const from = tip.height - back
    const [parent = ""] = yield* store.hashes(from, 1)
    const count = random(3) === 0 ? 1 + random(4_500) : 1 + random(50)
    const salt = random(2 ** 31)
    say(`do ${from} ${count} ${salt}`)
    // Only its height and hash count: it is the parent.
    tip = yield* store.append(from, after({ ...block(from, parent), hash: parent }, count, salt))
    say(`did ${tip.height} ${tip.hash}`)
  }
})))
