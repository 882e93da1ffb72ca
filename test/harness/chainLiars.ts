/**
 * Peers that lie about the chain, each in its own way: scripts on a bare socket. What they do not lie about they answer as
 * an honest peer with their chain would.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import * as Block from "../../src/domain/chain/Block.ts"
import * as BlockHeader from "../../src/domain/chain/BlockHeader.ts"
import * as Hash from "../../src/domain/chain/Hash.ts"
import * as Limits from "../../src/domain/Limits.ts"
import { capabilities, Capability } from "../../src/domain/pair/Handshake.ts"
import type { PeerIp } from "../../src/domain/peer/PeerIp.ts"
import type { SyncFault } from "../../src/domain/sync/SyncState.ts"
import * as Frame from "../../src/domain/wire/Frame.ts"
import type { GetBlocks, GetHeaders, SyncMessage } from "../../src/domain/wire/SyncMessage.ts"
import { SyncKind } from "../../src/domain/wire/SyncMessage.ts"
import type { StoredBlock } from "../../src/services/ChainStore.ts"
import type { PeerSocket } from "../../src/services/PeerSocket.ts"
import type { RawPeer } from "../../src/testing/RawPeer.ts"
import { join } from "./rawPeer.ts"
import { devnet } from "./syntheticChain.ts"

type Chain = ReadonlyArray<StoredBlock>

const headerOf = (block: StoredBlock) => {
  const decoded = Block.decode(block.bytes)
  assert(!Block.isMalformed(decoded))
  return decoded.header
}

/** Height of the first of the hashes, highest first, that the chain has; 0 if it has none. */
const forkOf = (chain: Chain, locator: GetHeaders["locator"]): number => {
  for (const bytes of locator) {
    const hash = Hash.toHex(bytes)
    const at = chain.findIndex((block) => block.hash === hash)
    if (at >= 0) return at + 1
  }
  return 0
}

/** What an honest peer with this chain (blocks 1, 2, …) says to a question for headers. */
export const headersOf = (chain: Chain, { count, locator, request }: GetHeaders) => {
  const fork = forkOf(chain, locator)
  const list = chain.slice(fork, fork + Math.min(count ?? Infinity, Limits.headersPerMessage))
  return {
    _tag: "Headers",
    request,
    after: fork === 0 ? devnet.genesisHash : Hash.fromHexUnsafe(chain[fork - 1]?.hash ?? ""),
    list: BlockHeader.encodeList(list.map(headerOf)).bytes,
    more: fork + list.length < chain.length
  } as const
}

const asked = (hashes: Uint8Array) => hashes.length / Hash.length
const hashAt = (hashes: Uint8Array, i: number) => Hash.toHex(hashes.subarray(i * Hash.length, (i + 1) * Hash.length))

/** The same for bodies: in one piece. */
export const blocksOf = (chain: Chain, { from, hashes, request }: GetBlocks) => ({
  _tag: "Blocks",
  request,
  blocks: chain.slice(from - 1, from - 1 + asked(hashes)).map((block, i) => [block, hashAt(hashes, i)] as const)
    .filter(([block, hash]) => block.hash === hash).map(([block]) => block.bytes),
  done: true
} as const)

/** What it says to a message; `undefined`: what an honest peer would. */
type Lie = (message: GetHeaders | GetBlocks, chain: Chain) => ReadonlyArray<SyncMessage> | undefined

export interface Liar {
  readonly lie: Lie
  /** What it says its height is, beyond that of its chain. */
  readonly inflate?: number
  /** What it may be blamed for; with `unused`, it need not be blamed, only not used. */
  readonly faults: ReadonlyArray<SyncFault>
  readonly unused?: true
  /** Told as soon as it is up. */
  readonly first?: (chain: Chain) => ReadonlyArray<SyncMessage>
  /** Says one byte a second of a long answer of this kind, and nothing else. */
  readonly trickle?: number
}

const nothing: ReadonlyArray<SyncMessage> = []
const bytes = (n: number) => new Uint8Array(n).fill(7)

/** A lie about bodies from this height on. */
const about =
  (height: number, lie: (message: GetBlocks, chain: Chain) => ReadonlyArray<SyncMessage>): Lie => (message, chain) =>
    message._tag === "GetBlocks" && message.from + message.hashes.length / Hash.length > height
      ? lie(message, chain)
      : undefined

const inBlocks = (change: (blocks: Array<Uint8Array>) => Array<Uint8Array>, done = true) =>
(
  message: GetBlocks,
  chain: Chain
) => [{ ...blocksOf(chain, message), blocks: change(blocksOf(chain, message).blocks), done }]

const inHeaders = (change: (answer: ReturnType<typeof headersOf>, chain: Chain) => SyncMessage): Lie =>
(
  message,
  chain
) => message._tag === "GetHeaders" ? [change(headersOf(chain, message), chain)] : undefined

/** The last transaction's last byte but one lies in an output's script: the header stays as it was. */
const otherBody = (block: Uint8Array) => {
  const decoded = Block.decode(block)
  assert(!Block.isMalformed(decoded))
  const [coinbase, ...rest] = decoded.transactions
  assert(coinbase !== undefined)
  return Block.make({ ...decoded, transactions: [{ ...coinbase, lockTime: 1 }, ...rest] }).bytes
}

const rewarded = (block: StoredBlock) => ({ ...headerOf(block), blockReward: 1 })

export const liars: Readonly<Record<string, Liar>> = {
  "inflates its height": { lie: () => undefined, inflate: 1_000, faults: ["inflated-height"] },
  "says there are more headers": {
    lie: inHeaders((answer) => ({ ...answer, more: true })),
    faults: ["empty-headers"]
  },
  "withholds a block in silence": {
    lie: about(300, () => nothing),
    faults: ["unresponsive", "withheld"],
    unused: true
  },
  "withholds a block and says so": {
    lie: about(300, inBlocks(() => [])),
    faults: ["withheld"],
    unused: true
  },
  "stops in the middle of an answer": {
    lie: about(300, inBlocks((blocks) => blocks.slice(0, 1), false)),
    // A piece without a block, where it has none of them.
    faults: ["unresponsive", "withheld", "protocol"],
    unused: true
  },
  "answers nothing at all": { lie: () => nothing, faults: ["unresponsive"], unused: true },
  "sends other transactions under the header": {
    lie: about(10, inBlocks((blocks) => blocks.map(otherBody))),
    faults: ["bad-block"]
  },
  "sends bytes for blocks": {
    lie: about(10, inBlocks((blocks) => blocks.map(() => bytes(500)))),
    faults: ["bad-block"]
  },
  "sends blocks cut short": {
    lie: about(10, inBlocks((blocks) => blocks.map((block) => block.subarray(0, -1)))),
    faults: ["bad-block"]
  },
  "sends its blocks in another order": {
    lie: about(10, inBlocks((blocks) => blocks.toReversed())),
    faults: ["wrong-block"]
  },
  "sends more blocks than asked for": {
    lie: about(10, inBlocks((blocks) => [...blocks, ...blocks])),
    faults: ["protocol"]
  },
  "sends pieces without a block for ever": {
    lie: about(10, inBlocks(() => [], false)),
    faults: ["protocol"]
  },
  "sends headers that do not link": {
    lie: inHeaders((answer, chain) => ({
      ...answer,
      list: BlockHeader.encodeList(chain.slice(1, 500).map(headerOf)).bytes
    })),
    faults: ["bad-header"]
  },
  "sends headers with too low a reward": {
    lie: inHeaders((answer, chain) => ({
      ...answer,
      list: BlockHeader.encodeList(chain.slice(0, 500).map(rewarded)).bytes
    })),
    faults: ["bad-header"]
  },
  "sends garbage for headers": {
    lie: inHeaders((answer) => ({ ...answer, list: bytes(999) })),
    faults: ["bad-header"]
  },
  "sends headers behind an unknown block": {
    lie: inHeaders((answer) => ({ ...answer, after: bytes(32) })),
    faults: ["bad-header"]
  },
  "sends headers nobody asked for": {
    lie: () => undefined,
    first: () => [{ _tag: "Headers", request: 999_999, after: devnet.genesisHash, list: bytes(4), more: false }],
    faults: ["protocol"]
  },
  "sends blocks nobody asked for": {
    lie: () => undefined,
    first: (chain) => [{ _tag: "Blocks", request: 999_999, blocks: chain.slice(0, 1).map((b) => b.bytes), done: true }],
    faults: ["protocol"]
  },
  "pushes garbage": {
    lie: () => undefined,
    first: () => [{ _tag: "NewBlock", block: bytes(500) }],
    faults: ["bad-block"]
  },
  "announces what it cannot show": {
    lie: () => undefined,
    first: () => [{ _tag: "Tip", height: 1_000_000, hash: bytes(32) }],
    faults: ["inflated-height"]
  },
  "announces a better block of the same height, again and again": {
    lie: () => undefined,
    first: (chain) => [{ _tag: "Tip", height: chain.length, hash: new Uint8Array(32) }],
    faults: ["inflated-height"]
  },
  "shows our own chain again, one header at a time": {
    lie: inHeaders((answer, chain) => {
      const fork = chain.findIndex(({ hash }) => hash === Hash.toHex(answer.after))
      const list = chain.slice(fork + 1, fork + 2)
      // Its lowest place: it says that it has none of the others.
      return { ...answer, list: BlockHeader.encodeList(list.map(headerOf)).bytes, more: true }
    }),
    inflate: 1,
    faults: ["empty-headers"]
  },
  "trickles its headers": { lie: () => nothing, trickle: SyncKind.Headers, faults: ["stalled"], unused: true },
  "trickles its blocks": {
    lie: about(10, () => nothing),
    trickle: SyncKind.Blocks,
    faults: ["stalled"],
    unused: true
  }
}

const trickled = 1_000_000

/** One byte a second of a frame that is long in coming. */
const drip = (raw: RawPeer, kind: number) => {
  const head = new Uint8Array(Frame.headerBytes)
  Frame.writeHeader(head, 0, kind, trickled)
  return Effect.andThen(raw.bytes(head), Effect.forever(Effect.delay(raw.bytes(bytes(1)), "1 second")))
}

/** Connects the liar to a node. It lies until the test ends. Moves the clock by a second. */
export const connect = Effect.fnUntraced(function*(
  sockets: PeerSocket["Service"],
  from: PeerIp,
  to: PeerIp,
  chain: Chain,
  liar: Liar
) {
  const last = chain.at(-1)
  const ownHash = last?.hash ?? Hash.toHex(devnet.genesisHash)
  const raw = yield* join(sockets, to, liar.first?.(chain) ?? [], {
    tag: from.replaceAll(".", "").padStart(32, "0"),
    process: from.replaceAll(".", "").padStart(16, "0"),
    tipHeight: (last?.height ?? 0) + (liar.inflate ?? 0),
    tipHash: liar.inflate === undefined ? ownHash : "77".repeat(32),
    capabilities: capabilities | Capability.chain
  })
  let dripping = false
  const answer = Effect.fnUntraced(function*(message: GetHeaders | GetBlocks) {
    const honest = message._tag === "GetHeaders" ? headersOf(chain, message) : blocksOf(chain, message)
    const said = liar.lie(message, chain)
    if (said?.length === 0 && liar.trickle !== undefined && !dripping) {
      dripping = true
      yield* Effect.forkScoped(drip(raw, liar.trickle))
    }
    if (!dripping) yield* Effect.forEach(said ?? [honest], raw.say, { discard: true })
  })
  yield* Effect.forkScoped(Effect.ignore(Effect.forever(Effect.flatMap(raw.next, (message) => {
    switch (message._tag) {
      case "Ping":
        return dripping ? Effect.void : raw.say({ _tag: "Pong", nonce: message.nonce })
      case "GetHeaders":
      case "GetBlocks":
        return answer(message)
      default:
        return Effect.void
    }
  }))))
  return raw
})
