/**
 * Serves our chain to peers that ask: headers behind a locator, bodies by hash. Bounded per peer, a piece at a time, and the
 * next piece only when the peer has read most of the last, so that pings never wait and memory stays small.
 */
import { Effect } from "effect"
import * as Block from "../../domain/chain/Block.ts"
import * as BlockHeader from "../../domain/chain/BlockHeader.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import * as Limits from "../../domain/Limits.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { GetBlocks, GetHeaders } from "../../domain/wire/SyncMessage.ts"
import type { ChainStoreError } from "../../services/ChainStore.ts"
import type { SyncContext } from "./SyncContext.ts"
import * as SyncContext_ from "./SyncContext.ts"

export interface SyncServer {
  readonly asked: (peer: PeerIp, message: GetHeaders | GetBlocks) => void
  readonly gone: (peer: PeerIp) => void
}

interface Line {
  readonly waiting: Array<GetHeaders | GetBlocks>
  serving: boolean
}

/** ms. How often a peer's outbox is looked at while it is full. */
const againMs = 20

export const make = (context: SyncContext): SyncServer => {
  const lines = new Map<PeerIp, Line>()

  const room = (peer: PeerIp): Effect.Effect<void> =>
    Effect.suspend(() =>
      context.links.has(peer) && context.messages.queuedBytes(peer) > Limits.serveHighBytes
        ? Effect.andThen(Effect.sleep(againMs), room(peer))
        : Effect.void
    )

  const headersBehind = Effect.fnUntraced(function*(locator: ReadonlyArray<Hash.Hash>) {
    let [fork, after] = [0, context.params.genesisHash]
    for (const hash of locator) {
      const height = yield* context.store.heightOf(Hash.toHex(hash))
      if (height < 0) continue
      ;[fork, after] = [height, hash]
      break
    }
    const tip = yield* context.store.tip
    const list: Array<BlockHeader.BlockHeader> = []
    // In slices, so that two thousand decoded headers are not one long turn.
    while (list.length < Limits.headersPerMessage) {
      const count = Math.min(headersSlice, Limits.headersPerMessage - list.length)
      const raw = yield* context.store.blocks(fork + 1 + list.length, count, Limits.storeScanBytes)
      for (const bytes of raw) {
        const block = Block.decode(bytes)
        if (!Block.isMalformed(block)) list.push(block.header)
      }
      if (raw.length === 0) break
      yield* Effect.yieldNow
    }
    const { bytes, count } = BlockHeader.encodeList(list)
    return { after, list: bytes, more: fork + count < tip.height }
  })

  const headers = (peer: PeerIp, { locator, request }: GetHeaders) =>
    Effect.map(
      context.rewrites.steady(headersBehind(locator)),
      ([found]) => void SyncContext_.send(context, peer, { _tag: "Headers", request, ...found })
    )

  /** How many of the blocks that are asked for are ours, from the first on. */
  const known = ({ from, hashes }: GetBlocks) =>
    Effect.map(context.store.hashes(from, hashes.length / Hash.length), (ours) => {
      const other = ours.findIndex((hash, i) =>
        hash !== Hash.toHex(hashes.subarray(i * Hash.length, (i + 1) * Hash.length))
      )
      return other < 0 ? ours.length : other
    })

  const bodies = Effect.fnUntraced(function*(peer: PeerIp, message: GetBlocks) {
    let [have, version] = yield* context.rewrites.steady(known(message))
    for (let sent = 0;;) {
      yield* room(peer)
      const blocks = sent < have
        ? yield* context.store.blocks(message.from + sent, have - sent, Limits.blocksPieceBytes)
        : []
      if (version !== context.rewrites.version) {
        ;[have, version] = yield* context.rewrites.steady(known(message))
        continue
      }
      sent += blocks.length
      const done = blocks.length === 0 || sent >= have
      if (!SyncContext_.send(context, peer, { _tag: "Blocks", request: message.request, blocks, done }) || done) return
    }
  })

  const serve = (peer: PeerIp, line: Line): Effect.Effect<void, ChainStoreError> =>
    Effect.suspend(() => {
      const next = line.waiting.shift()
      if (next === undefined || lines.get(peer) !== line) {
        line.serving = false
        return Effect.void
      }
      const one = next._tag === "GetHeaders" ? headers(peer, next) : bodies(peer, next)
      return Effect.andThen(one, serve(peer, line))
    })

  return {
    asked: (peer, message) => {
      let line = lines.get(peer)
      if (line === undefined) {
        line = { waiting: [], serving: false }
        lines.set(peer, line)
      }
      if (line.waiting.length >= Limits.serveQueue) {
        const link = context.links.get(peer)
        if (link !== undefined) context.messages.drop(link.origin, "too many queued requests")
        return
      }
      line.waiting.push(message)
      if (line.serving) return
      line.serving = true
      context.fork(
        Effect.catch(serve(peer, line), (error) =>
          Effect.sync(() => {
            line.serving = false
            context.emit({ _tag: "StoreFailed", detail: error.message })
          })).pipe(Effect.ignoreCause({ log: "Error" }))
      )
    },
    gone: (peer) => {
      lines.delete(peer)
    }
  }
}

/** Blocks read and decoded in one turn for a list of headers: about five milliseconds. */
const headersSlice = 250
