/** The body side of sync: asks for blocks, checks what peers send, and holds what came out of order. `StoreBodies` stores it. */
import * as Block from "../../domain/chain/Block.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import * as Validation from "../../domain/chain/Validation.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { Blocks } from "../../domain/wire/SyncMessage.ts"
import { toStored } from "../chain/StoredBlocks.ts"
import type { Held } from "./HeldBodies.ts"
import * as StoreBodies from "./StoreBodies.ts"
import * as SyncContext from "./SyncContext.ts"

type Context = SyncContext.SyncContext

/** Asks for `count` blocks of the header chain from height `from`. */
export const ask = (context: Context, peer: PeerIp, request: number, from: number, count: number): void => {
  const hashes = new Uint8Array(count * Hash.length)
  for (let i = 0; i < count; i++) {
    const hash = context.headers.hashAt(from + i)
    if (hash !== undefined) hashes.set(hash, i * Hash.length)
  }
  context.blockRequests.set(request, { peer, next: from, to: from + count - 1, forgotten: false })
  SyncContext.request(context, peer, { _tag: "GetBlocks", request, from, hashes })
}

/** What no honest peer sends as a piece of this answer; `undefined`: nothing. */
const problem = ({ next, to }: SyncContext.BlockRequest, { blocks, done }: Blocks): string | undefined =>
  // Empty chunks would keep an answer alive for ever; blocks behind the last one would hold memory for nothing.
  blocks.length === 0 && !done
    ? "empty response chunk"
    : next + blocks.length - 1 > to
    ? "more blocks than requested"
    : undefined

/** A piece of an answer to `GetBlocks`. */
export const received = (context: Context, peer: PeerIp, message: Blocks): void => {
  const link = context.links.get(peer)
  if (link === undefined) return
  const lied = (detail: string) => context.machine.post({ _tag: "PeerLied", peer, fault: "protocol", detail })
  const asked = context.blockRequests.get(message.request)
  if (asked === undefined || asked.peer !== peer) return lied("unsolicited blocks")
  const wrong = problem(asked, message)
  if (wrong !== undefined) return lied(wrong)
  const ms = SyncContext.pieceMs(context, link, message.done)
  if (message.done) context.blockRequests.delete(message.request)
  const first = asked.next
  asked.next += message.blocks.length
  let count = 0
  let { done } = message
  for (const raw of message.blocks) {
    const height = first + count
    // Neither stored nor come from another peer meanwhile.
    if (!asked.forgotten && height > context.state.base && context.held.get(height) === undefined) {
      const verdict = check(context, peer, height, raw)
      if (verdict === "lied") return
      if (verdict === "later") {
        // As if the answer had ended here. What still comes of it is read and not kept.
        done = true
        asked.forgotten = true
        break
      }
      context.held.put(height, verdict)
    }
    count += 1
  }
  const heldBytes = context.held.bytes
  context.machine.post({ _tag: "BlocksReceived", peer, request: message.request, count, done, heldBytes, ms })
  StoreBodies.storeReady(context)
}

/** The block of our header chain at that height, or why it is not. */
const check = (context: Context, peer: PeerIp, height: number, raw: Uint8Array): Held | "lied" | "later" => {
  const lied = (fault: "bad-block" | "wrong-block", detail: string) => {
    context.machine.post({ _tag: "PeerLied", peer, fault, detail: `block ${height}: ${detail}` })
    return "lied" as const
  }
  const expected = context.headers.hashAt(height)
  if (expected === undefined) return "later"
  const block = Block.decode(raw)
  if (Block.isMalformed(block)) return lied("bad-block", "undecodable block")
  const verdict = Validation.body(context.params, context.hasher, expected, block, context.nowMs())
  switch (verdict._tag) {
    case "Valid":
      return {
        hash: expected,
        block: toStored(verdict),
        treasuryBalance: block.header.treasuryBalance,
        from: peer
      }
    case "WrongBlock":
      return lied("wrong-block", Validation.describe(verdict))
    default:
      // Of a copy whose uncommitted parts are bad, the peer may be an honest relay: another peer is asked for the block.
      return Validation.scope(verdict) === "block" || Validation.isForged(verdict)
        ? lied("bad-block", Validation.describe(verdict))
        : "later"
  }
}
