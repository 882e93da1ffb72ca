/**
 * Serves our chain to peers: headers after a locator, bodies by hash. **Order**: a peer's requests are answered one after the
 * other. **Bounds**: at most `Limits.serveQueue` wait; one more ends the connection. Each answer, or piece of one, is read when at
 * most `Limits.serveHighBytes` are queued for the peer, so that memory stays small and pings never wait. Headers come from the store's
 * index, at most every `Limits.serveHeadersEveryMs`: a request of 2 kB makes 320 kB of them.
 */
import { Effect } from "effect"
import * as BlockHeader from "../../domain/chain/BlockHeader.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import * as Limits from "../../domain/Limits.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { GetBlocks, GetHeaders } from "../../domain/wire/SyncMessage.ts"
import type { ChainStoreError } from "../../services/ChainStore.ts"
import type { PeerLink, SyncContext } from "./SyncContext.ts"

/** Queues a peer's request; serves it at once if none waits. */
export const requested = (context: SyncContext, peer: PeerIp, message: GetHeaders | GetBlocks): void => {
  const link = context.links.get(peer)
  if (link === undefined) return
  const { serve } = link
  if (serve.waiting.length >= Limits.serveQueue) return context.messages.drop(link.origin, "too many queued requests")
  serve.waiting.push(message)
  if (serve.serving) return
  serve.serving = true
  context.fork(serveAll(context, peer, link))
}

/** Runs until no request waits or the connection is gone. A request that the store fails is not answered: the peer asks others. */
const serveAll = (context: SyncContext, peer: PeerIp, link: PeerLink): Effect.Effect<void> =>
  Effect.suspend(() => {
    const next = context.links.get(peer) === link ? link.serve.waiting.shift() : undefined
    if (next === undefined) {
      link.serve.serving = false
      return Effect.void
    }
    const one = next._tag === "GetHeaders" ? serveHeaders(context, link, next) : serveBodies(context, link, next)
    const failed = (error: ChainStoreError) => context.emit({ _tag: "StoreFailed", detail: error.message })
    return Effect.andThen(room(context, link), one).pipe(
      Effect.catch((error) => Effect.sync(() => failed(error))),
      Effect.ignoreCause({ log: "Error" }),
      Effect.andThen(serveAll(context, peer, link))
    )
  })

const room = (context: SyncContext, { origin }: PeerLink): Effect.Effect<void> =>
  context.messages.whenLow(origin, Limits.serveHighBytes)

const serveHeaders = (context: SyncContext, { origin, serve }: PeerLink, { count, locator, request }: GetHeaders) =>
  Effect.gen(function*() {
    const waitMs = serve.headersFrom - context.timers.now()
    if (waitMs > 0) yield* Effect.sleep(waitMs)
    serve.headersFrom = context.timers.now() + Limits.serveHeadersEveryMs
    const [found] = yield* context.rewrites.steady(
      headersBehind(context, locator, Math.min(count ?? Infinity, Limits.headersPerMessage))
    )
    context.messages.send(origin, { _tag: "Headers", request, ...found })
  })

/** Headers after the first locator hash that is on our chain; after genesis when none is. */
const headersBehind = (context: SyncContext, locator: ReadonlyArray<Hash.Hash>, most: number) =>
  Effect.gen(function*() {
    const { params, store } = context
    let [fork, after] = [0, params.genesisHash]
    for (const hash of locator) {
      const height = yield* store.heightOf(Hash.toHex(hash))
      if (height < 0) continue
      ;[fork, after] = [height, hash]
      break
    }
    const tip = yield* store.tip
    const headers = yield* store.headers(fork + 1, most)
    const { bytes, count } = BlockHeader.joinList(headers)
    return { after, list: bytes, more: fork + count < tip.height }
  })

/** How many of the requested blocks we have, counted from the first. */
const known = ({ store }: SyncContext, { from, hashes }: GetBlocks) =>
  Effect.map(store.hashes(from, hashes.length / Hash.length), (ours) => {
    const other = ours.findIndex((hash, i) =>
      hash !== Hash.toHex(hashes.subarray(i * Hash.length, (i + 1) * Hash.length))
    )
    return other < 0 ? ours.length : other
  })

const serveBodies = (context: SyncContext, link: PeerLink, message: GetBlocks) =>
  Effect.gen(function*() {
    const { messages, rewrites, store } = context
    let [have, version] = yield* rewrites.steady(known(context, message))
    for (let sent = 0;;) {
      const blocks = sent < have
        ? yield* store.blocks(message.from + sent, have - sent, Limits.blocksPieceBytes)
        : []
      if (version !== rewrites.version) {
        ;[have, version] = yield* rewrites.steady(known(context, message))
        continue
      }
      sent += blocks.length
      const done = blocks.length === 0 || sent >= have
      if (!messages.send(link.origin, { _tag: "Blocks", request: message.request, blocks, done }) || done) return
      yield* room(context, link)
    }
  })
