/** What the contract of `ChainStore` asks a store, in every way that it can be asked. */
import { assert } from "@effect/vitest"
import { Effect, Result } from "effect"
import type { Scope } from "effect"
import { isDeepStrictEqual } from "node:util"
import * as BlockHeader from "../../src/domain/chain/BlockHeader.ts"
import * as AppendRules from "../../src/layers/chain/AppendRules.ts"
import type { ChainStore, ChainStoreError, Side, StoredBlock } from "../../src/services/ChainStore.ts"
import { genesis, txidsOf } from "./chainBlocks.ts"

export type Store = ChainStore["Service"]

/** One database (or none), fresh for each case. */
export interface Harness {
  /** Opens the same database again and again; closed with the scope. */
  readonly open: Effect.Effect<Store, ChainStoreError, Scope.Scope>
  /** Whether closing and opening again finds the same chain. */
  readonly keeps: boolean
}

export const reasonOf = <A>(effect: Effect.Effect<A, ChainStoreError>) =>
  Effect.map(
    Effect.result(effect),
    (result) => Result.isFailure(result) ? result.failure.reason : { _tag: "Success" as const, value: result.success }
  )

export const refused = (effect: Effect.Effect<unknown, ChainStoreError>, height: number) =>
  Effect.map(reasonOf(effect), (reason) => {
    assert.strictEqual(reason._tag, "NotLinked")
    if (reason._tag === "NotLinked") assert.strictEqual(reason.height, height)
  })

/** Lists of thousands: `assert.deepStrictEqual` takes most of a test's time, and is asked only for its words when they differ. */
const same = (actual: unknown, expected: unknown): void => {
  if (!isDeepStrictEqual(actual, expected)) assert.deepStrictEqual(actual, expected)
}

/** The store holds exactly genesis and these blocks, asked in every way. */
export const holds = (store: Store, blocks: ReadonlyArray<StoredBlock>) =>
  Effect.gen(function*() {
    const all = [genesis, ...blocks]
    const last = all.at(-1) ?? genesis
    assert.deepStrictEqual(yield* store.tip, { height: last.height, hash: last.hash })
    same(yield* store.hashes(0, all.length + 5), all.map(({ hash }) => hash))
    let height = 0
    while (height < all.length) {
      const some = yield* store.blocks(height, all.length, 2 ** 30)
      assert.isAbove(some.length, 0)
      for (const bytes of some) assert.isTrue(Buffer.compare(bytes, all[height++]?.bytes ?? new Uint8Array()) === 0)
    }
    assert.deepStrictEqual(yield* store.blocks(all.length, 5, 2 ** 20), [])
    same(
      yield* headersFrom(store, 0),
      all.map(({ bytes }) => Buffer.from(BlockHeader.encodedOf(bytes) ?? []))
    )
    for (const at of [0, last.height >> 1, last.height]) {
      const expected = all[at] ?? genesis
      assert.strictEqual(yield* store.heightOf(expected.hash), at)
      yield* finds(store, expected, "chain")
    }
  })

/** Both transactions of the block are found in it, each alone and both at once. */
export const finds = (store: Store, block: StoredBlock, on: Side) =>
  Effect.gen(function*() {
    const places = txidsOf(block).map((txid, index) => ({ txid, index }))
    for (const wanted of [places, ...places.map((place) => [place])]) {
      const found: Array<readonly [bytes: string, places: unknown]> = []
      yield* store.findTransactions(new Set(wanted.map(({ txid }) => txid)), { on, upTo: 2 ** 31 }, (bytes, places) => {
        found.push([Buffer.from(bytes).toString("hex"), places])
      })
      assert.deepStrictEqual(found, [[Buffer.from(block.bytes).toString("hex"), wanted]], `block ${block.height}`)
    }
  })

export const findsNone = (store: Store, block: StoredBlock, on: Side) =>
  store.findTransactions(
    new Set(txidsOf(block)),
    { on, upTo: 2 ** 31 },
    () => assert.fail(`block ${block.height} is found`)
  )

const headersFrom = (store: Store, from: number): Effect.Effect<Array<Buffer>, ChainStoreError> =>
  Effect.gen(function*() {
    const all: Array<Buffer> = []
    for (;;) {
      const some = yield* store.headers(from + all.length, 2 ** 30)
      if (some.length === 0) return all
      for (const header of some) all.push(Buffer.from(header))
    }
  })

/** The store holds this branch beside the chain. */
export const branches = (store: Store, fork: number, blocks: ReadonlyArray<StoredBlock>) =>
  Effect.gen(function*() {
    const branch = yield* store.branch
    const last = tipOf(blocks)
    assert.deepStrictEqual(branch, {
      fork,
      tip: { height: last.height, hash: last.hash },
      bytes: AppendRules.branchBytes(blocks)
    })
    same(yield* store.branchHashes(fork + 1, 2 ** 20), blocks.map(({ hash }) => hash))
    assert.deepStrictEqual(yield* store.branchHashes(fork + 3, 2), blocks.slice(2, 4).map(({ hash }) => hash))
    for (const block of [blocks[0], blocks[blocks.length >> 1], last]) {
      if (block !== undefined) yield* finds(store, block, "branch")
    }
  })

export const tipOf = (blocks: ReadonlyArray<StoredBlock>) => blocks.at(-1) ?? genesis

/** Of the contract. */
export type Cases = Readonly<Record<string, (harness: Harness) => Effect.Effect<void, ChainStoreError, Scope.Scope>>>
