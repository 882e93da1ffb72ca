/** The body side of sync: requests blocks, checks responses, and holds bodies received out of order. `StoreBodies` stores them. */
import * as Block from "../../domain/chain/Block.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import * as Validation from "../../domain/chain/Validation.ts"
import * as Limits from "../../domain/Limits.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { SyncAction } from "../../domain/sync/SyncState.ts"
import type { Blocks } from "../../domain/wire/SyncMessage.ts"
import { toStored, toStoredAfter } from "../chain/StoredBlocks.ts"
import type { Held } from "./HeldBodies.ts"
import type { Steps } from "./MessageTurns.ts"
import type { ShownBranch } from "./ShownBranch.ts"
import * as SyncContext from "./SyncContext.ts"

type Context = SyncContext.SyncContext

/** Requests blocks of a branch. */
export const ask = (
  context: Context,
  { branch: id, count, from, peer, request }: Extract<SyncAction, { readonly _tag: "GetBlocks" }>
): void => {
  const branch = context.branches.get(id)
  if (branch === undefined) return
  const hashes = new Uint8Array(count * Hash.length)
  for (let i = 0; i < count; i++) {
    const hash = branch.hashAt(from + i)
    if (hash !== undefined) hashes.set(hash, i * Hash.length)
  }
  context.blockRequests.set(request, { peer, branch, next: from, to: from + count - 1, forgotten: false })
  SyncContext.request(context, peer, { _tag: "GetBlocks", request, from, hashes })
}

/** Why no honest peer would send this response chunk; `undefined`: it is acceptable. */
const problem = ({ next, to }: SyncContext.BlockRequest, { blocks, done }: Blocks): string | undefined =>
  // Empty chunks would keep a response alive for ever; blocks after the last one would waste memory.
  blocks.length === 0 && !done
    ? "empty response chunk"
    : next + blocks.length - 1 > to
    ? "more blocks than requested"
    : undefined

/**
 * A chunk of a response to `GetBlocks`. Its blocks are checked in steps; then all of them are held, and the planner learns of them, at once: it
 * must never find bodies that it does not know of.
 */
export const received = function*(context: Context, peer: PeerIp, message: Blocks): Steps {
  const link = context.links.get(peer)
  if (link === undefined) return
  const lied = (detail: string) => context.machine.post({ _tag: "PeerLied", peer, fault: "protocol", detail })
  const asked = context.blockRequests.get(message.request)
  if (asked === undefined || asked.peer !== peer) return lied("unsolicited blocks")
  const unfit = problem(asked, message)
  if (unfit !== undefined) return lied(unfit)
  const ms = SyncContext.pieceMs(context, link, message.done)
  const verdicts = yield* checking(context, asked, message.blocks)
  if (message.done) context.blockRequests.delete(message.request)
  const { branch, next: first } = asked
  asked.next += message.blocks.length
  const before = branch.held.bytes
  let count = 0
  let { done } = message
  let wrong: Wrong | undefined
  let unusable = false
  for (const [i, raw] of message.blocks.entries()) {
    const height = first + i
    if (isWanted(asked, height)) {
      const verdict = branch.hashAt(height) === undefined
        ? "gone"
        : verdicts[i] ?? check(context, branch, height, raw, peer)
      if (typeof verdict !== "string" && "fault" in verdict) {
        wrong = { ...verdict, detail: `block ${height}: ${verdict.detail}` }
        break
      }
      if (typeof verdict === "string") {
        unusable = verdict === "unusable"
        // Treat the response as ended here: the rest is read but not kept.
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

/** Whether the block is to be kept: it is neither on disk nor already received from another peer. */
const isWanted = ({ branch, forgotten }: SyncContext.BlockRequest, height: number): boolean =>
  !forgotten && height > branch.base && branch.held.get(height) === undefined

/** What each of the next blocks is, up to the first that is not a body of the branch; `undefined`: not wanted. Changes nothing. */
const checking = function*(
  context: Context,
  asked: SyncContext.BlockRequest,
  blocks: ReadonlyArray<Uint8Array>
): Generator<void, ReadonlyArray<Verdict | undefined>, void> {
  const { branch, next: first, peer } = asked
  const verdicts: Array<Verdict | undefined> = []
  for (const [i, raw] of blocks.entries()) {
    if (i > 0 && i % Limits.syncStepBlocks === 0) yield
    const before = verdicts[i - 1]
    const previous = typeof before === "object" && "block" in before ? before.block.hash : undefined
    const verdict = isWanted(asked, first + i) ? check(context, branch, first + i, raw, peer, previous) : undefined
    verdicts.push(verdict)
    if (typeof verdict === "string" || (verdict !== undefined && "fault" in verdict)) break
  }
  return verdicts
}

interface Wrong {
  readonly fault: "bad-block" | "wrong-block"
  readonly detail: string
}

type Verdict = Held | Wrong | "gone" | "unusable"

/**
 * The branch's block at that height, or why the received block is not it. `gone`: the branch no longer reaches that height. `previous`: hash of the
 * branch's block below, if it is there as text: one text for both, as thousands of blocks are held.
 */
const check = (
  context: Context,
  branch: ShownBranch,
  height: number,
  raw: Uint8Array,
  from: PeerIp,
  previous?: string
): Verdict => {
  const expected = branch.hashAt(height)
  if (expected === undefined) return "gone"
  const block = Block.decode(raw)
  if (Block.isMalformed(block)) return { fault: "bad-block", detail: "undecodable block" }
  const verdict = Validation.body(context.params, context.hasher, expected, block, context.nowMs())
  switch (verdict._tag) {
    case "Valid":
      return { block: previous === undefined ? toStored(verdict) : toStoredAfter(verdict, previous), from }
    case "WrongBlock":
      return { fault: "wrong-block", detail: Validation.describe(verdict) }
    default:
      // Bad uncommitted parts do not prove that the peer lied: it may be an honest relay. The block is requested from another peer.
      return Validation.scope(verdict) === "block" || Validation.isForged(verdict)
        ? { fault: "bad-block", detail: Validation.describe(verdict) }
        : "unusable"
  }
}
