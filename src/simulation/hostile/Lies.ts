/** A liar's claims about its chain: tips out of reach, and answers that no honest peer gives. */
import * as Block from "../../domain/chain/Block.ts"
import * as BlockHeader from "../../domain/chain/BlockHeader.ts"
import type { ChainParams } from "../../domain/chain/ChainParams.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import type { Hasher } from "../../domain/chain/Hasher.ts"
import * as HeaderRules from "../../domain/chain/HeaderRules.ts"
import * as Synthetic from "../../domain/chain/Synthetic.ts"
import * as Limits from "../../domain/Limits.ts"
import type { GetBlocks, GetHeaders, SyncMessage } from "../../domain/wire/SyncMessage.ts"
import * as SimulationLimits from "../plan/Limits.ts"
import type { Rng } from "../plan/Rng.ts"

/** Blocks 1, 2, … that are valid by the rules but belong to no real chain. */
export type MadeUp = ReadonlyArray<Synthetic.Made>

/** As many blocks as are due, at most `SimulationLimits.hostileChainBlocks`. `now`: ms since 1970. */
export const makeUp = (params: ChainParams, hasher: Hasher, leader: string, now: number): MadeUp => {
  const made: Array<Synthetic.Made> = []
  let parent = Synthetic.genesisParent(params)
  while (made.length < SimulationLimits.hostileChainBlocks) {
    const next = Synthetic.block(params, hasher, parent, { leader, address: "TIME0hostile" }, now)
    if (Synthetic.isNotDue(next)) break
    made.push(next)
    parent = HeaderRules.parentOf(next.block.header, next.hash)
  }
  return made
}

export interface Tip {
  readonly height: number
  readonly hash: Uint8Array
}

/** `real`: the target's claim about its own chain. */
export const tip = (random: Rng, chain: MadeUp, real: Tip): Tip => {
  const last = chain.at(-1)
  const wild = (height: number): Tip => ({ height, hash: random.bytes(Hash.length) })
  switch (random.below(6)) {
    case 0:
      return wild(random.pick([2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER]))
    case 1:
      // The same block at another height.
      return { height: real.height + random.spread(1, SimulationLimits.hostileTipBlocks), hash: real.hash }
    case 2:
      return wild(random.pick([0, 1, real.height]))
    case 3:
      return last === undefined ? wild(1) : { height: chain.length, hash: last.hash }
    default:
      return wild(real.height + random.spread(1, SimulationLimits.hostileTipBlocks))
  }
}

const headersOf = (chain: MadeUp): Uint8Array => BlockHeader.encodeList(chain.map(({ block }) => block.header)).bytes

/** Keeps the header, so the body no longer matches it. */
const garbled = ({ block }: Synthetic.Made): Uint8Array => {
  const [coinbase, ...rest] = block.transactions
  if (coinbase === undefined) return block.bytes.subarray(0, -1)
  return Block.make({ ...block, transactions: [{ ...coinbase, lockTime: 1 }, ...rest] }).bytes
}

/** The answers to a question, in order; none: silence. */
export type Answers<Question> = (random: Rng, chain: MadeUp, question: Question) => ReadonlyArray<SyncMessage>

/** The highest made-up block that the locator names. */
const knownOf = (chain: MadeUp, locator: ReadonlyArray<Uint8Array>): number =>
  locator.reduce(
    (most, hash) => Math.max(most, chain.findIndex((made) => Hash.equals(made.hash, hash)) + 1),
    0
  )

const headers = (params: ChainParams) =>
(
  { request }: GetHeaders,
  list: Uint8Array,
  change: Partial<Extract<SyncMessage, { readonly _tag: "Headers" }>> = {}
): SyncMessage => ({ _tag: "Headers", request, after: params.genesisHash, list, more: false, ...change })

const behind = (params: ChainParams, chain: MadeUp, known: number) => chain[known - 1]?.hash ?? params.genesisHash

/** Answers as an honest peer with that chain would. */
export const validHeaders = (params: ChainParams): Answers<GetHeaders> => (_, chain, ask) => {
  const known = knownOf(chain, ask.locator)
  const list = chain.slice(known, known + (ask.count ?? chain.length))
  return [
    headers(params)(ask, headersOf(list), {
      after: behind(params, chain, known),
      more: known + list.length < chain.length
    })
  ]
}

const noHeaders = Uint8Array.of(0, 0, 0, 0)

export const headerAnswers = (
  params: ChainParams
): readonly [Answers<GetHeaders>, ...ReadonlyArray<Answers<GetHeaders>>] => {
  const say = headers(params)
  /** By the rules, but this many at once. */
  const some = (count: number): Answers<GetHeaders> => (_, chain, ask) => {
    const known = knownOf(chain, ask.locator)
    const list = chain.slice(known, known + count)
    return [say(ask, headersOf(list), { after: behind(params, chain, known), more: true })]
  }
  return [
    () => [],
    (_, __, ask) => [say(ask, noHeaders)],
    (_, __, ask) => [say(ask, noHeaders, { more: true })],
    (random, _, ask) => [say(ask, random.bytes(random.below(1_000)))],
    (random, _, ask) => {
      // A count, then that many random headers of the right length, or one too few.
      const count = random.between(1, 20)
      const bytes = random.bytes(4 + BlockHeader.fixedBytes * (count - random.below(2)))
      new DataView(bytes.buffer).setUint32(0, count, true)
      return [say(ask, bytes, { more: true })]
    },
    (random, chain, ask) => [say(ask, headersOf(chain.slice(random.between(1, 9))))],
    (random, chain, ask) => [say(ask, headersOf(chain), { after: random.bytes(Hash.length) })],
    (random, chain, ask) => [say(ask, headersOf(chain), { request: random.below(2 ** 32) })],
    (_, chain, ask) => Array.from({ length: 10 }, () => say(ask, headersOf(chain.slice(0, 5)))),
    (_, chain, ask) => [say(ask, headersOf(chain.toReversed()))],
    some(1),
    some(1),
    some(SimulationLimits.hostileChainBlocks),
    some(SimulationLimits.hostileChainBlocks),
    some(SimulationLimits.hostileChainBlocks)
  ]
}

const blocks = (
  { request }: GetBlocks,
  list: ReadonlyArray<Uint8Array>,
  change: Partial<Extract<SyncMessage, { readonly _tag: "Blocks" }>> = {}
): SyncMessage => ({ _tag: "Blocks", request, blocks: list, done: true, ...change })

/** No answer gives a requested block: what is made up stays made up. */
export const blockAnswers: readonly [Answers<GetBlocks>, ...ReadonlyArray<Answers<GetBlocks>>] = [
  () => [],
  (_, __, ask) => [blocks(ask, [])],
  (_, __, ask) => Array.from({ length: 20 }, () => blocks(ask, [], { done: false })),
  (random, _, ask) => [blocks(ask, [random.bytes(random.below(2_000))])],
  (random, _, ask) => [blocks(ask, [], { request: random.below(2 ** 32) })],
  (_, chain, ask) => [blocks(ask, chain.slice(ask.from - 1, ask.from + 9).map(garbled))],
  (
    _,
    chain,
    ask
  ) => [blocks(ask, chain.slice(ask.from - 1, ask.from + 9).map(({ block }) => block.bytes.subarray(0, -1)))],
  // The later block first.
  (_, chain, ask) => [blocks(ask, chain.slice(ask.from, ask.from + 9).map(({ block }) => block.bytes))],
  (random, chain, ask) =>
    Array.from({ length: 5 }, () => blocks(ask, [random.bytes(64)], { done: chain.length > ask.from })),
  (random, _, ask) => [blocks(ask, Array.from({ length: Limits.blocksPerRequest }, () => random.bytes(32)))]
]

/** Unsolicited messages about blocks. `now`: ms since 1970. */
export const announcement = (
  random: Rng,
  params: ChainParams,
  hasher: Hasher,
  chain: MadeUp,
  real: Tip,
  now: number
): SyncMessage => {
  const request = random.below(2 ** 32)
  switch (random.below(8)) {
    case 0:
      return { _tag: "NewBlock", block: random.bytes(random.below(2_000)) }
    case 1: {
      const made = chain[random.below(chain.length + 1)]
      return { _tag: "NewBlock", block: made === undefined ? random.bytes(200) : garbled(made) }
    }
    case 2: {
      // A valid block whose parent no node has.
      const parent = { height: real.height + random.below(10), hash: random.bytes(Hash.length), treasuryBalance: 0 }
      const made = Synthetic.onTop(params, hasher, parent, Math.floor(now / 1_000), {
        leader: "203.0.113.7",
        address: "TIME0hostile"
      })
      return { _tag: "NewBlock", block: made.block.bytes }
    }
    case 3:
      return { _tag: "Headers", request, after: params.genesisHash, list: headersOf(chain.slice(0, 3)), more: true }
    case 4:
      return { _tag: "Blocks", request, blocks: chain.slice(0, 1).map(garbled), done: true }
    default:
      return { _tag: "Tip", ...tip(random, chain, real) }
  }
}
