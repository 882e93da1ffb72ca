/**
 * Serves our chain to peers of the TIME network: tip, heights, hashes, pages and single blocks, at the pace they read (`PeerMessages.timeWaitMs`). A peer's
 * requests are answered one after the other. One that arrives while `Limits.serveQueue` wait is not answered: nodes of that network ask again.
 */
import { Effect } from "effect"
import * as Hash from "../../domain/chain/Hash.ts"
import * as Limits from "../../domain/Limits.ts"
import * as ForkPages from "../../domain/sync/ForkPages.ts"
import type { Message, TimeMessage } from "../../domain/wire/time/TimeMessage.ts"
import type { ChainStoreError } from "../../services/ChainStore.ts"
import type { BlocksOut } from "../../services/PeerMessages.ts"
import type { PeerLink, SyncContext } from "./SyncContext.ts"

export type Request = Message<
  | "GetBlocks"
  | "GetBlockRange"
  | "GetBlockHash"
  | "BlockRequest"
  | "RequestGenesis"
  | "GetChainWork"
  | "GetChainWorkAt"
>

/** A peer's unanswered requests. */
export interface Queue {
  readonly waiting: Array<Request>
  serving: boolean
  forks: ForkPages.ForkPages
}

/** For a connection that came up at `now`, monotonic ms. */
export const queue = (now: number): Queue => ({ waiting: [], serving: false, forks: ForkPages.start(now) })

/** Work of a chain by its height: the network counts nothing else. */
const workOf = (height: number): bigint => BigInt(height) * 1_000_000n

/** Maximum bytes of a page, so that its frame fits. */
const pageBytes = Limits.frameBytes - 64

export const requested = (context: SyncContext, link: PeerLink, queue: Queue, request: Request): void => {
  if (queue.waiting.length >= Limits.serveQueue) return
  queue.waiting.push(request)
  if (queue.serving) return
  queue.serving = true
  context.fork(serveAll(context, link, queue))
}

/** Runs until no request waits, or the connection is gone. */
const serveAll = (context: SyncContext, link: PeerLink, queue: Queue): Effect.Effect<void> =>
  Effect.suspend(() => {
    const next = context.links.get(link.origin.ip) === link ? queue.waiting.shift() : undefined
    if (next === undefined) {
      queue.serving = false
      return Effect.void
    }
    const failed = (error: ChainStoreError) => context.emit({ _tag: "StoreFailed", detail: error.message })
    return context.messages.whenLow(link.origin, Limits.serveHighBytes).pipe(
      Effect.andThen(answer(context, link, queue, next)),
      Effect.flatMap((message) => message === undefined ? Effect.void : send(context, link, message)),
      Effect.catch((error) => Effect.sync(() => failed(error))),
      Effect.ignoreCause({ log: "Error" }),
      Effect.andThen(serveAll(context, link, queue))
    )
  })

/** Sends the message once the peer is ready to read it. */
const send = ({ messages }: SyncContext, { origin }: PeerLink, message: TimeMessage | BlocksOut) =>
  Effect.gen(function*() {
    const waitMs = messages.timeWaitMs(origin, message._tag === "StoredBlocks" ? message.as : message._tag)
    if (waitMs > 0) yield* Effect.sleep(waitMs)
    messages.sendTime(origin, message)
  })

/** `undefined`: no answer is due. */
const answer = (
  context: SyncContext,
  link: PeerLink,
  queue: Queue,
  request: Request
): Effect.Effect<TimeMessage | BlocksOut | undefined, ChainStoreError> => {
  switch (request._tag) {
    case "GetBlocks":
      return Effect.flatMap(
        mayShow(context, link, queue, request.start, true),
        (may) => page(context, "BlocksResponse", may ? request : { start: 1, end: 0 })
      )
    case "GetBlockRange":
      return page(context, "BlockRangeResponse", request)
    case "GetBlockHash":
      return Effect.map(hashAt(context, request.height), (hash) => ({
        _tag: "BlockHashResponse",
        height: request.height,
        hash
      }))
    case "BlockRequest":
      return Effect.flatMap(
        mayShow(context, link, queue, request.height, false),
        (may) => Effect.map(blocks(context, request.height, may ? 1 : 0), single)
      )
    case "RequestGenesis":
      return Effect.succeed({
        _tag: "StoredBlocks",
        as: "GenesisAnnouncement",
        blocks: [context.params.genesis.bytes]
      })
    case "GetChainWork":
      return Effect.map(context.store.tip, ({ hash, height }) => ({
        _tag: "ChainWorkResponse",
        height,
        tipHash: Hash.fromHexUnsafe(hash),
        work: workOf(height)
      }))
    case "GetChainWorkAt":
      return Effect.map(hashAt(context, request.height), (hash) =>
        hash === undefined
          ? undefined
          : { _tag: "ChainWorkAtResponse", height: request.height, hash, work: workOf(request.height) })
  }
}

/** `undefined`: no answer is due. */
const single = (found: ReadonlyArray<Uint8Array>): BlocksOut | undefined =>
  found.length === 0 ? undefined : { _tag: "StoredBlocks", as: "BlockResponse", blocks: found }

/** Whether to show the peer blocks from there on (`ForkPages`). `counts`: false for single blocks, which lead the peer to ask for pages. */
const mayShow = (context: SyncContext, { told }: PeerLink, queue: Queue, from: number, counts: boolean) =>
  Effect.map(hashAt(context, told.height), (ours) => {
    const parts = ours !== undefined && !Hash.equals(ours, told.hash)
    const [forks, may] = ForkPages.asked(queue.forks, from, told.height, parts, context.timers.now())
    if (counts) queue.forks = forks
    return may
  })

/** Ascending from `start`: at most one page, and at most a full frame. Empty when the range is empty or above our tip. */
const page = (
  context: SyncContext,
  as: "BlocksResponse" | "BlockRangeResponse",
  { end, start }: { readonly start: number; readonly end: number }
) =>
  Effect.map(
    blocks(context, start, Math.min(end - start + 1, Limits.timePageBlocks)),
    (blocks): BlocksOut => ({ _tag: "StoredBlocks", as, blocks })
  )

/** Blocks of one chain. */
const blocks = ({ params, rewrites, store }: SyncContext, from: number, count: number) => {
  if (count <= 0) return Effect.succeed([])
  const stored = from === 0
    ? Effect.map(count > 1 ? store.blocks(1, count - 1, pageBytes) : Effect.succeed([]), (rest) => [
      params.genesis.bytes,
      ...rest
    ])
    : store.blocks(from, count, pageBytes)
  return Effect.map(rewrites.steady(stored), ([found]) => fitting(found))
}

/** Cuts the list to `pageBytes`: a store returns at least one block, however long, and genesis is not in its count. */
const fitting = (blocks: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> => {
  let bytes = 0
  const over = blocks.findIndex(({ length }, at) => (bytes += length) > pageBytes && at > 0)
  return over < 0 ? blocks : blocks.slice(0, over)
}

const hashAt = ({ params, store }: SyncContext, height: number) =>
  height === 0
    ? Effect.succeed(params.genesisHash)
    : Effect.map(store.hashes(height, 1), ([hash]) => hash === undefined ? undefined : Hash.fromHexUnsafe(hash))
