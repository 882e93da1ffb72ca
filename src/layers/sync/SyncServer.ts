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
import * as SyncCore_ from "./SyncContext.ts"
import type { SyncCore } from "./SyncContext.ts"

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

export const make = (core: SyncCore): SyncServer => {
  const lines = new Map<PeerIp, Line>()

  const room = (peer: PeerIp): Effect.Effect<void> =>
    Effect.suspend(() =>
      core.links.has(peer) && core.messages.queuedBytes(peer) > Limits.serveHighBytes
        ? Effect.andThen(Effect.sleep(againMs), room(peer))
        : Effect.void
    )

  /** What `read` finds of one chain: again when blocks were replaced meanwhile. */
  const steady = <A>(read: Effect.Effect<A, ChainStoreError>): Effect.Effect<readonly [A, number], ChainStoreError> =>
    Effect.gen(function*() {
      while (true) {
        const { rewrites } = core
        if (rewrites % 2 === 0) {
          const found = yield* read
          if (core.rewrites === rewrites) return [found, rewrites] as const
        } else yield* Effect.sleep(againMs)
      }
    })

  const headersBehind = Effect.fnUntraced(function*(locator: ReadonlyArray<Hash.Hash>) {
    let [fork, after] = [0, core.params.genesisHash]
    for (const hash of locator) {
      const height = yield* core.store.heightOf(Hash.toHex(hash))
      if (height < 0) continue
      ;[fork, after] = [height, hash]
      break
    }
    const tip = yield* core.store.tip
    const list: Array<BlockHeader.BlockHeader> = []
    // In slices, so that two thousand decoded headers are not one long turn.
    while (list.length < Limits.headersPerMessage) {
      const count = Math.min(headersSlice, Limits.headersPerMessage - list.length)
      const raw = yield* core.store.blocks(fork + 1 + list.length, count, Limits.storeScanBytes)
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
      steady(headersBehind(locator)),
      ([found]) => void SyncCore_.send(core, peer, { _tag: "Headers", request, ...found })
    )

  /** How many of the blocks that are asked for are ours, from the first on. */
  const known = ({ from, hashes }: GetBlocks) =>
    Effect.map(core.store.hashes(from, hashes.length / Hash.length), (ours) => {
      const other = ours.findIndex((hash, i) =>
        hash !== Hash.toHex(hashes.subarray(i * Hash.length, (i + 1) * Hash.length))
      )
      return other < 0 ? ours.length : other
    })

  const bodies = Effect.fnUntraced(function*(peer: PeerIp, message: GetBlocks) {
    let [have, rewrites] = yield* steady(known(message))
    for (let sent = 0;;) {
      yield* room(peer)
      const blocks = sent < have
        ? yield* core.store.blocks(message.from + sent, have - sent, Limits.blocksPieceBytes)
        : []
      if (rewrites !== core.rewrites) {
        ;[have, rewrites] = yield* steady(known(message))
        continue
      }
      sent += blocks.length
      const done = blocks.length === 0 || sent >= have
      if (!SyncCore_.send(core, peer, { _tag: "Blocks", request: message.request, blocks, done }) || done) return
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
        const link = core.links.get(peer)
        if (link !== undefined) core.messages.drop(link.origin, "more questions than answers can be given")
        return
      }
      line.waiting.push(message)
      if (line.serving) return
      line.serving = true
      core.fork(
        Effect.catch(serve(peer, line), (error) =>
          Effect.sync(() => {
            line.serving = false
            core.emit({ _tag: "StoreFailed", detail: SyncCore_.storeWords(error) })
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
