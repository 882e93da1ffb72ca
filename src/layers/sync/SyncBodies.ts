/** The body side of sync: checks what peers send, holds what came out of order, and stores the chain as it grows. */
import { Effect } from "effect"
import * as Block from "../../domain/chain/Block.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import type { Parent } from "../../domain/chain/HeaderRules.ts"
import * as Validation from "../../domain/chain/Validation.ts"
import * as Limits from "../../domain/Limits.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as SyncState from "../../domain/sync/SyncState.ts"
import type { Blocks } from "../../domain/wire/SyncMessage.ts"
import type { ChainStoreError, StoredBlock, Tip } from "../../services/ChainStore.ts"
import type { Held } from "./HeldBodies.ts"
import * as SyncStash from "./OwnBranch.ts"
import type { SyncCore } from "./SyncContext.ts"
import * as SyncCore_ from "./SyncContext.ts"

/** What happens after the chain grew. */
export interface Hooks {
  readonly onStored: (added: ReadonlyArray<Held>, tip: SyncState.SyncTip) => void
}

export interface SyncBodies {
  readonly ask: (peer: PeerIp, request: number, from: number, count: number) => void
  readonly received: (peer: PeerIp, message: Blocks) => void
  /** Stores what is held and ready; does nothing while that is under way. */
  readonly pump: () => void
}

export const make = (core: SyncCore, hooks: Hooks): SyncBodies => {
  let storing = false

  const ask = (peer: PeerIp, request: number, from: number, count: number): void => {
    const hashes = new Uint8Array(count * Hash.length)
    for (let i = 0; i < count; i++) {
      const hash = core.headers.hashAt(from + i)
      if (hash !== undefined) hashes.set(hash, i * Hash.length)
    }
    core.asked.set(request, { peer, next: from, to: from + count - 1, forgotten: false })
    SyncCore_.asked(core, peer)
    SyncCore_.send(core, peer, { _tag: "GetBlocks", request, from, hashes })
  }

  const received = (peer: PeerIp, message: Blocks): void => {
    const link = core.links.get(peer)
    const asked = core.asked.get(message.request)
    if (link === undefined) return
    if (asked === undefined || asked.peer !== peer) {
      return core.dispatch({ _tag: "PeerLied", peer, fault: "protocol", detail: "blocks nobody asked for" })
    }
    // Pieces without a block would keep an answer alive for ever, blocks behind the last one hold memory for nothing.
    const problem = message.blocks.length === 0 && !message.done
      ? "a piece of an answer without a block"
      : asked.next + message.blocks.length - 1 > asked.to
      ? "more blocks than were asked for"
      : undefined
    if (problem !== undefined) return core.dispatch({ _tag: "PeerLied", peer, fault: "protocol", detail: problem })
    const ms = SyncCore_.pieceMs(core, link, message.done)
    if (message.done) core.asked.delete(message.request)
    const first = asked.next
    asked.next += message.blocks.length
    let count = 0
    let { done } = message
    for (const raw of message.blocks) {
      const height = first + count
      // Stored, or come from another peer meanwhile.
      if (!asked.forgotten && height > core.state.base && core.held.get(height) === undefined) {
        const verdict = check(peer, height, raw)
        if (verdict === "lied") return
        if (verdict === "later") {
          // As if it had ended here. What still comes of it is read, and not kept.
          done = true
          asked.forgotten = true
          break
        }
        core.held.put(height, verdict)
      }
      count += 1
    }
    const heldBytes = core.held.bytes
    core.dispatch({ _tag: "BlocksReceived", peer, request: message.request, count, done, heldBytes, ms })
    pump()
  }

  /** The block of our header chain at that height, or why not. */
  const check = (peer: PeerIp, height: number, raw: Uint8Array): Held | "lied" | "later" => {
    const lied = (fault: "bad-block" | "wrong-block", detail: string) => {
      core.dispatch({ _tag: "PeerLied", peer, fault, detail: `block ${height}: ${detail}` })
      return "lied" as const
    }
    const expected = core.headers.hashAt(height)
    if (expected === undefined) return "later"
    const block = Block.decode(raw)
    if (Block.isMalformed(block)) return lied("bad-block", "bytes that are no block")
    const verdict = Validation.body(core.params, core.hasher, expected, block, core.wall())
    switch (verdict._tag) {
      case "Valid":
        return {
          hash: expected,
          previous: block.header.previousHash,
          bytes: raw,
          treasuryBalance: block.header.treasuryBalance,
          from: peer
        }
      case "WrongBlock":
        return lied("wrong-block", Validation.describe(verdict))
      default:
        return Validation.passes(verdict) ? "later" : lied("bad-block", Validation.describe(verdict))
    }
  }

  /**
   * What may be stored now: the bodies that follow what the two chains share; of a branch, enough to be better. A branch so
   * deep that only a node without settled history may follow it is stored as it comes: it may not fit in memory.
   */
  const ready = (): Array<Held> => {
    const { base, chain } = core.state
    const branching = base < chain.height && chain.height - base <= core.params.maxReorg
    const out: Array<Held> = []
    let bytes = 0
    for (let height = base + 1;; height++) {
      const next = core.held.get(height)
      if (next === undefined) break
      out.push(next)
      bytes += next.bytes.length
      if (!branching && (out.length >= Limits.storeBatchBlocks || bytes >= Limits.storeBatchBytes)) break
    }
    const last = out.at(-1)
    if (last === undefined || !branching) return out
    const tip = { height: base + out.length, hash: Hash.toHex(last.hash) }
    return SyncState.isBetter(tip, chain) ? out : []
  }

  const pump = (): void => {
    if (storing || core.halted !== undefined) return
    const batch = ready()
    if (batch.length === 0) return
    storing = true
    const after = core.state.base
    const rewrites = after < core.state.chain.height
    if (rewrites) core.rewrites += 1
    const blocks = batch.map((held, i): StoredBlock => ({
      height: after + 1 + i,
      hash: Hash.toHex(held.hash),
      previous: Hash.toHex(held.previous),
      bytes: held.bytes
    }))
    core.fork(
      Effect.matchEffect(core.store.append(after, blocks), {
        onSuccess: (tip) => Effect.sync(() => stored(after, batch, tip)),
        onFailure: (error) => Effect.sync(() => failed(error, rewrites))
      }).pipe(Effect.ignoreCause({ log: "Error" }))
    )
  }

  const stored = (after: number, batch: ReadonlyArray<Held>, tip: Tip): void => {
    storing = false
    const before = core.state.chain
    const added = batch.map((held, i): Parent => {
      const height = after + 1 + i
      const source = held.from === undefined ? undefined : core.links.get(held.from)
      if (source !== undefined) source.blocks += 1
      return { height, hash: held.hash, treasuryBalance: held.treasuryBalance }
    })
    // The header chain may have moved while the disk worked: then what was stored is ours, but not the best any more.
    SyncStash.meet(core, core.stash.filter((parent) => parent.height <= after).concat(added))
    // It was given up while its bodies were on their way to the disk.
    if (SyncState.isBetter(tip, SyncStash.headersTip(core))) SyncStash.restore(core, tip.height)
    const base = SyncStash.base(core, tip.height)
    core.held.dropUpTo(base)
    if (after < before.height) {
      core.rewrites += 1
      core.reorgs += 1
      core.emit({ _tag: "Reorg", fork: after, depth: before.height - after, height: tip.height })
    }
    if (core.settled > 0) core.settled = tip.height
    core.localChain.setTip(tip)
    core.dispatch({ _tag: "Stored", tip, headers: SyncStash.headersTip(core), base, heldBytes: core.held.bytes })
    core.emit({
      _tag: "TipChanged",
      height: tip.height,
      hash: tip.hash,
      added: batch.length,
      from: batch.at(-1)?.from
    })
    hooks.onStored(batch, tip)
    pump()
  }

  const failed = (error: ChainStoreError, rewrites: boolean): void => {
    storing = false
    if (rewrites) core.rewrites += 1
    core.halted = SyncCore_.storeWords(error)
    core.emit({ _tag: "StoreFailed", detail: core.halted })
    core.wheel.arm(Limits.storeRetryMs, () => {
      core.halted = undefined
      pump()
    })
  }

  return { ask, received, pump }
}
