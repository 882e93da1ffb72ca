/** The body side of sync: asks for blocks, checks what peers send, and holds what came out of order. `StoreBodies` stores it. */
import * as Block from "../../domain/chain/Block.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import * as Validation from "../../domain/chain/Validation.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { SyncAction } from "../../domain/sync/SyncState.ts"
import type { Blocks } from "../../domain/wire/SyncMessage.ts"
import { toStored } from "../chain/StoredBlocks.ts"
import type { Held } from "./HeldBodies.ts"
import type { ShownBranch } from "./ShownBranch.ts"
import * as SyncContext from "./SyncContext.ts"

type Context = SyncContext.SyncContext

/** Asks for blocks of a branch. */
export const ask = (
  context: Context,
  { branch: id, count, from, peer, request }: Extract<SyncAction, { readonly _tag: "GetBlocks" }>
): void => {
  const branch = context.branches.get(id)
  if (branch === undefined) return
  const hashes = new Uint8Array(count * Hash.length)
  for (let i = 0; i < count; i++) {
    const header = branch.at(from + i)
    if (header !== undefined) hashes.set(header.hash, i * Hash.length)
  }
  context.blockRequests.set(request, { peer, branch, next: from, to: from + count - 1, forgotten: false })
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
  const unfit = problem(asked, message)
  if (unfit !== undefined) return lied(unfit)
  const ms = SyncContext.pieceMs(context, link, message.done)
  if (message.done) context.blockRequests.delete(message.request)
  const { branch, next: first } = asked
  asked.next += message.blocks.length
  const before = branch.held.bytes
  let count = 0
  let { done } = message
  let wrong: Wrong | undefined
  let unusable = false
  for (const raw of message.blocks) {
    const height = first + count
    // Neither on the disk nor come from another peer meanwhile.
    if (!asked.forgotten && height > branch.base && branch.held.get(height) === undefined) {
      const verdict = check(context, branch, height, raw, peer)
      if (typeof verdict !== "string" && "fault" in verdict) {
        wrong = { ...verdict, detail: `block ${height}: ${verdict.detail}` }
        break
      }
      if (typeof verdict === "string") {
        unusable = verdict === "unusable"
        // As if the answer had ended here. What still comes of it is read and not kept.
        done = true
        asked.forgotten = true
        break
      }
      branch.held.put(height, verdict)
    }
    count += 1
  }
  const bytes = branch.held.bytes - before
  context.machine.post({ _tag: "BlocksReceived", peer, request: message.request, count, done, unusable, bytes, ms })
  if (wrong !== undefined) context.machine.post({ _tag: "PeerLied", peer, ...wrong })
}

interface Wrong {
  readonly fault: "bad-block" | "wrong-block"
  readonly detail: string
}

/** The block of the branch at that height, or why it is not. `gone`: the branch does not reach that far any more. */
const check = (
  context: Context,
  branch: ShownBranch,
  height: number,
  raw: Uint8Array,
  from: PeerIp
): Held | Wrong | "gone" | "unusable" => {
  const expected = branch.at(height)?.hash
  if (expected === undefined) return "gone"
  const block = Block.decode(raw)
  if (Block.isMalformed(block)) return { fault: "bad-block", detail: "undecodable block" }
  const verdict = Validation.body(context.params, context.hasher, expected, block, context.nowMs())
  switch (verdict._tag) {
    case "Valid":
      return {
        hash: expected,
        block: toStored(verdict),
        treasuryBalance: block.header.treasuryBalance,
        from
      }
    case "WrongBlock":
      return { fault: "wrong-block", detail: Validation.describe(verdict) }
    default:
      // Of a copy whose uncommitted parts are bad, the peer may be an honest relay: another peer is asked for the block.
      return Validation.scope(verdict) === "block" || Validation.isForged(verdict)
        ? { fault: "bad-block", detail: Validation.describe(verdict) }
        : "unusable"
  }
}
