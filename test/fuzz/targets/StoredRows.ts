/**
 * A damaged database through the chain store: rows lost, doubled, moved, of other types or with other bytes. Opening says what is
 * wrong, or the store answers; every answer is the value asked for or an error of the store with words. Nothing throws.
 *
 * An input is a sequence of changes to a database of seven blocks and a branch of three: a byte for the table, one for the
 * height, one for what is done, one for the length of the value, then the value.
 */
import { Cause, Context, Effect, Exit, Layer, Result } from "effect"
import { DatabaseSync } from "node:sqlite"
import { storeOptions } from "../../../src/layers/chain/ChainDatabase.ts"
import * as ChainStoreSql from "../../../src/layers/chain/ChainStoreSql.ts"
import { txidsOf } from "../../../src/layers/chain/StoredBlocks.ts"
import { ChainStore, ChainStoreError } from "../../../src/services/ChainStore.ts"
import { hasher } from "../../harness/hasher.ts"
import { randomFrom } from "../../harness/random.ts"
import * as SqliteInProcess from "../../harness/sqliteInProcess.ts"
import { make as makeChain } from "../../harness/syntheticChain.ts"
import { ensure, show, type Target, utf8 } from "../Target.ts"

const tables = [
  "chain_header",
  "chain_block",
  "chain_index",
  "branch_header",
  "branch_block",
  "branch_index",
  "chain_meta"
]
const columns: Readonly<Record<string, ReadonlyArray<string>>> = {
  chain_header: ["hash"],
  chain_block: ["previous", "bytes"],
  chain_index: ["entry"],
  branch_header: ["hash"],
  branch_block: ["previous", "bytes"],
  branch_index: ["entry"],
  chain_meta: ["value"]
}
const keys = ["network", "genesis", "schema", "settled", "new"]
const acts = ["delete", "empty", "blob", "text", "number", "move", "cut", "flip", "copy"] as const

const main = await Effect.runPromise(makeChain(7))
const branch = await Effect.runPromise(makeChain(3, "10.8.8.8", main.slice(0, 4)))
/** Of each block's reward distribution. */
const txids = new Map([...main, ...branch].map((block) => [
  block.hash,
  Buffer.from(txidsOf(hasher, block)[1] ?? []).toString("hex")
]))
const options = { ...storeOptions("devnet"), where: "memory" }

const open = (database: DatabaseSync) =>
  Effect.map(
    Layer.build(ChainStoreSql.layer(options).pipe(Layer.provide(SqliteInProcess.layer(database)))),
    Context.get(ChainStore)
  )

/** Statements that make the database of an undamaged store. */
const sound = (() => {
  const database = new DatabaseSync(":memory:")
  Effect.runSync(
    Effect.scoped(
      Effect.flatMap(
        open(database),
        (store) => Effect.andThen(store.append(0, main), Effect.andThen(store.stage(4, branch), store.settle))
      )
    )
  )
  const made = database.prepare("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").all() as Array<
    { readonly name: string; readonly sql: string }
  >
  const rows = made.map(({ name }) => [name, database.prepare(`SELECT * FROM "${name}"`).all()] as const)
  return { schema: made.map(({ sql }) => sql), rows }
})()

const fresh = (): DatabaseSync => {
  const database = new DatabaseSync(":memory:")
  for (const sql of sound.schema) database.exec(sql)
  for (const [name, rows] of sound.rows) {
    for (const row of rows) {
      const names = Object.keys(row)
      const places = names.map(() => "?").join()
      database.prepare(`INSERT INTO "${name}" (${names.map((column) => `"${column}"`).join()}) VALUES (${places})`)
        .run(...Object.values(row))
    }
  }
  return database
}

/** One change; what SQLite itself refuses does not happen. */
const damage = (database: DatabaseSync, table: string, at: number, act: number, value: Uint8Array): void => {
  const names = columns[table] ?? []
  const column = names[at % names.length] ?? ""
  const isMeta = table === "chain_meta"
  const key = isMeta ? "key" : "height"
  const row = isMeta ? keys[at % keys.length] ?? "" : at % 9
  const set = (expression: string, ...params: ReadonlyArray<string | number | Uint8Array>) =>
    database.prepare(`UPDATE ${table} SET "${column}" = ${expression} WHERE ${key} = ?`).run(...params, row)
  const text = Buffer.from(value).toString("latin1")
  try {
    switch (acts[act % acts.length]) {
      case "delete":
        database.prepare(`DELETE FROM ${table} WHERE ${key} = ?`).run(row)
        break
      case "empty":
        database.prepare(`DELETE FROM ${table}`).run()
        break
      case "blob":
        set("?", value)
        break
      case "text":
        set("?", text)
        break
      case "number":
        set("?", value.length > 0 ? (value[0] ?? 0) - 128 : 0.5)
        break
      case "move":
        if (!isMeta) database.prepare(`UPDATE ${table} SET height = ? WHERE height = ?`).run((value[0] ?? 0) - 9, row)
        break
      case "cut":
        set(`substr("${column}", 1, ?)`, value[0] ?? 0)
        break
      case "flip":
        set(`CAST("${column}" || ? AS BLOB)`, value)
        break
      case "copy":
        if (isMeta) database.prepare("INSERT INTO chain_meta (key, value) VALUES (?, ?)").run(row, text)
        else set(`(SELECT "${column}" FROM ${table} WHERE height = ?)`, (value[0] ?? 0) % 9)
    }
  } catch {
    // A constraint of the table.
  }
}

const apply = (database: DatabaseSync, input: Uint8Array): void => {
  for (let at = 0; at + 4 <= input.length;) {
    const [table = 0, height = 0, act = 0, length = 0] = input.subarray(at, at + 4)
    damage(database, tables[table % tables.length] ?? "", height, act, input.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
}

/** Questions so far: what is counted. */
let answers = 0

/** An answer, or an error of the store that says something. */
const answer = <A>(effect: Effect.Effect<A, ChainStoreError>): A | undefined => {
  answers += 1
  const exit = Effect.runSyncExit(Effect.result(effect))
  ensure(Exit.isSuccess(exit), () => `it throws: ${Exit.isFailure(exit) ? Cause.pretty(exit.cause).slice(0, 400) : ""}`)
  const result = exit.value
  if (Result.isSuccess(result)) return result.success
  ensure(result.failure instanceof ChainStoreError && result.failure.message !== "", "an error without words")
  return undefined
}

const hash = /^[0-9a-f]{64}$/

const use = (store: ChainStore["Service"]): void => {
  const tip = answer(store.tip)
  ensure(tip !== undefined && tip.height >= 0 && hash.test(tip.hash), () => `a tip of ${show(tip)}`)
  const hashes = answer(store.hashes(0, 100))
  ensure(hashes?.every((text) => hash.test(text)) ?? true, () => `hashes ${show(hashes)}`)
  ensure(hashes === undefined || hashes.length === tip.height + 1, () => `${hashes?.length} hashes to ${tip.height}`)
  for (const read of [store.blocks(0, 100, 2 ** 20), store.headers(0, 100), store.blocks(3, 2, 10)]) {
    ensure(answer(read)?.every((bytes) => bytes instanceof Uint8Array) ?? true, "bytes that are none")
  }
  const blocks = answer(store.blocks(0, 100, 2 ** 20))
  ensure(blocks === undefined || blocks.length === tip.height + 1, () => `${blocks?.length} blocks to ${tip.height}`)
  for (const block of [...main, ...branch]) {
    const height = answer(store.heightOf(block.hash))
    ensure(height === undefined || (height >= -1 && height <= tip.height), () => `a height of ${height}`)
    const txid = txids.get(block.hash) ?? ""
    for (const on of ["chain", "branch"] as const) {
      answer(store.findTransactions(new Set([txid]), { on, upTo: 100 }, (bytes, places) => {
        ensure(bytes instanceof Uint8Array && places.length === 1, () => `found ${show(places)}`)
      }))
    }
  }
  const beside = answer(store.branch)
  ensure(beside === undefined || (beside.fork >= 0 && hash.test(beside.tip.hash)), () => `a branch of ${show(beside)}`)
  const own = answer(store.branchHashes(0, 100))
  ensure(own?.every((text) => hash.test(text)) ?? true, () => `hashes of the branch ${show(own)}`)
  answer(store.settled)
  // And it can be written to, or says why not.
  answer(store.stage(4, branch))
  answer(store.adopt)
  answer(store.append(0, main))
}

const change = (table: number, height: number, act: number, value: Uint8Array): Uint8Array =>
  Uint8Array.from([table, height, act, Math.min(255, value.length), ...value.subarray(0, 255)])

export const target: Target = {
  name: "rows",
  about: "a damaged database through the store: opening says what is wrong, or every question has an answer",
  unit: "a question to a damaged database",
  suffix: "bin",
  mostBytes: 600,
  tokens: [
    ...keys.map(utf8),
    utf8("devnet"),
    utf8("testnet"),
    utf8("2"),
    ...main.slice(0, 3).map(({ hash }) => Uint8Array.from(Buffer.from(hash, "hex")))
  ],
  seeds: (seed) => {
    const random = randomFrom(seed)
    const singles = tables.flatMap((_, table) =>
      acts.map((_, act) => change(table, random(9), act, Uint8Array.of(random(256))))
    )
    const any = () =>
      change(random(tables.length), random(9), random(acts.length), new Uint8Array(random(40)).fill(random(256)))
    const pairs = Array.from({ length: 30 }, () => Uint8Array.from(Buffer.concat([any(), any()])))
    return [new Uint8Array(0), ...singles, ...pairs]
  },
  mutate: (input, random) =>
    random(3) === 0
      ? Uint8Array.from([
        ...input,
        ...change(random(tables.length), random(9), random(acts.length), new Uint8Array(random(40)).fill(random(256)))
      ])
      : undefined,
  run: (input) => {
    const database = fresh()
    answers = 0
    try {
      apply(database, input)
      const opened = answer(Effect.scoped(Effect.map(open(database), (store) => {
        use(store)
        return true
      })))
      ensure(input.length > 3 || opened === true, "a sound database is not opened")
      return answers
    } finally {
      database.close()
    }
  }
}
