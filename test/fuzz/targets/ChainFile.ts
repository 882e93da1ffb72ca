/**
 * Files of blocks, as `chain import` reads them: any bytes in any chunks give the records that a plain reading has, up to the first
 * that is cut or has an impossible length; what is checked of them is a linked prefix of valid blocks, and a fault names a place
 * in the file.
 *
 * An input is a byte that chooses the chunks, then the file.
 */
import { Effect } from "effect"
import { devnet } from "../../../src/domain/chain/ChainParams.ts"
import * as Synthetic from "../../../src/domain/chain/Synthetic.ts"
import { genesisOf } from "../../../src/layers/chain/StoredBlocks.ts"
import * as ChainFile from "../../../src/layers/chain/tools/ChainFile.ts"
import { ImportChecker } from "../../../src/layers/chain/tools/ImportChecker.ts"
import type { StoredBlock } from "../../../src/services/ChainStore.ts"
import { hasher } from "../../harness/hasher.ts"
import { randomFrom } from "../../harness/random.ts"
import { make as makeChain, startOfTime } from "../../harness/syntheticChain.ts"
import { ensure, same, sameBytes, type Target } from "../Target.ts"

const chain = await Effect.runPromise(makeChain(6))
const other = await Effect.runPromise(makeChain(3, "10.8.8.8"))
const genesis = genesisOf(devnet)
const most = 4_000

/** Offsets and lengths of the records, and where reading ends early, in the plainest way. */
const plainly = (file: Uint8Array) => {
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  const records: Array<readonly [offset: number, length: number]> = []
  for (let at = 0; at < file.length;) {
    const length = at + 4 <= file.length ? view.getUint32(at) : undefined
    if (length === undefined || length === 0 || length > most || at + 4 + length > file.length) {
      return { records, broken: at }
    }
    records.push([at, length])
    at += 4 + length
  }
  return { records, broken: undefined }
}

/** In chunks of 1 to `size` bytes; everything at once where it is 0. */
const batchesOf = (file: Uint8Array, size: number): ReadonlyArray<ChainFile.FileBatch> => {
  const cutter = ChainFile.makeCutter(most)
  const random = randomFrom(size)
  const batches: Array<ChainFile.FileBatch> = []
  for (let at = 0; at < file.length;) {
    const next = size === 0 ? file.length : Math.min(file.length, at + 1 + random(size))
    const batch = cutter.push(file.subarray(at, next))
    batches.push(batch)
    if (batch.broken !== undefined) return batches
    at = next
  }
  return [...batches, { records: [], broken: cutter.end() }]
}

const checkRecords = (file: Uint8Array, batches: ReadonlyArray<ChainFile.FileBatch>): void => {
  const expected = plainly(file)
  const records = batches.flatMap((batch) => batch.records)
  ensure(
    same(records.map(({ bytes, offset }) => [offset, bytes.length]), expected.records),
    "other records than a plain reading"
  )
  for (const { bytes, offset } of records) {
    ensure(sameBytes(bytes, file.subarray(offset + 4, offset + 4 + bytes.length)), `other bytes at ${offset}`)
  }
  const broken = batches.at(-1)?.broken
  ensure(broken?.offset === expected.broken, `broken at ${broken?.offset}, not ${expected.broken}`)
  ensure(broken === undefined || broken.detail !== "", "broken without words")
  const whole = ChainFile.encode(records.map(({ bytes }) => bytes))
  ensure(sameBytes(whole, file.subarray(0, whole.length)), "records do not encode to the file")
}

const checkBlocks = (file: Uint8Array, batches: ReadonlyArray<ChainFile.FileBatch>): void => {
  const parent = Synthetic.genesisParent(devnet)
  const checker = new ImportChecker({ params: devnet, hasher, file: "file", tip: parent, known: [genesis.hash] })
  const taken: Array<StoredBlock> = []
  for (const batch of batches) {
    const { blocks, dropLast, error } = checker.batch(batch, startOfTime)
    taken.push(...blocks)
    if (dropLast) taken.pop()
    if (error === undefined) continue
    ensure(error.detail !== "" && error.message.includes("file"), "a fault without words")
    ensure(error.offset >= 0 && error.offset <= file.length, `a fault at ${error.offset} of ${file.length}`)
    break
  }
  let before = genesis
  for (const block of taken) {
    ensure(
      block.height === before.height + 1 && block.previous === before.hash,
      `block ${block.height} does not follow`
    )
    before = block
  }
}

const fileOf = (blocks: ReadonlyArray<StoredBlock>): Uint8Array => ChainFile.encode(blocks.map(({ bytes }) => bytes))

export const target: Target = {
  name: "chainfile",
  about:
    "files of blocks in any chunks: the records of a plain reading, a linked prefix of valid blocks, faults with a place",
  unit: "a file",
  suffix: "bin",
  mostBytes: 4 * 1024,
  tokens: [
    Uint8Array.of(0, 0, 0, 0),
    Uint8Array.of(0, 0, 1, 0xe4),
    Uint8Array.of(0xff, 0xff, 0xff, 0xff),
    Uint8Array.of(0, 0, 0, 1)
  ],
  seeds: (seed) => {
    const random = randomFrom(seed)
    const files = [
      [],
      chain,
      [genesis, ...chain],
      chain.slice(1),
      [...chain.slice(0, 3), ...chain.slice(4)],
      [...chain.slice(0, 2), ...other.slice(2)],
      [...chain.slice(0, 2), ...chain],
      other
    ].map(fileOf)
    return files.flatMap((file) =>
      [0, 1 + random(3), 1 + random(255)].map((size) => Uint8Array.from(Buffer.concat([Uint8Array.of(size), file])))
    )
  },
  mutate: (input, random) => {
    if (random(3) !== 0) return undefined
    const count = random(7)
    const blocks = Array.from({ length: count }, (_, i) => chain[random(8) === 0 ? random(6) : i] ?? genesis)
    const file = fileOf(blocks)
    if (random(2) === 0 && file.length > 0) file[random(file.length)] = random(256)
    const end = random(3) === 0 ? random(file.length + 1) : file.length
    return Uint8Array.from(Buffer.concat([Uint8Array.of(input[0] ?? 0), file.subarray(0, end)]))
  },
  run: (input) => {
    const file = input.subarray(1)
    const batches = batchesOf(file, input[0] ?? 0)
    checkRecords(file, batches)
    checkBlocks(file, batches)
    return 1
  }
}
