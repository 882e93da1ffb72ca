/** The header side of sync: reads what a peer shows of its chain, and adopts the better one. */
import { isMalformed } from "../../domain/chain/Block.ts"
import * as BlockHeader from "../../domain/chain/BlockHeader.ts"
import * as ForkChoice from "../../domain/chain/ForkChoice.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import * as HeaderRules from "../../domain/chain/HeaderRules.ts"
import * as Validation from "../../domain/chain/Validation.ts"
import * as Limits from "../../domain/Limits.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { Headers } from "../../domain/wire/SyncMessage.ts"
import * as OwnBranch from "./OwnBranch.ts"
import type { Branch, PeerLink, SyncContext } from "./SyncContext.ts"
import * as SyncContext_ from "./SyncContext.ts"

/** Asks for headers behind the branch the peer is showing, else behind our header chain. */
export const ask = (context: SyncContext, peer: PeerIp, request: number): void => {
  const branch = context.links.get(peer)?.branch
  const shown = branch === undefined
    ? context.headers.locator()
    : [...branch.headers.slice(-1).map((parent) => parent.hash), ...context.headers.locator(branch.fork)]
  const locator = shown.slice(0, Limits.locatorHashes - 1).concat(
    shown.length >= Limits.locatorHashes ? shown.slice(-1) : []
  )
  context.headerRequests.set(request, { peer, locator })
  SyncContext_.request(context, peer, { _tag: "GetHeaders", request, locator })
}

const tipOf = (parent: HeaderRules.Parent) => ({ height: parent.height, hash: Hash.toHex(parent.hash) })

/** What the peer's headers add to: the branch it is showing, or our header chain from a fork on. */
const startOf = (context: SyncContext, link: PeerLink, after: Hash.Hash): Branch | undefined => {
  const { branch } = link
  const last = branch?.headers.at(-1)
  if (branch !== undefined && last !== undefined && Hash.equals(last.hash, after)) return branch
  const fork = context.headers.heightOf(after)
  return fork === undefined ? undefined : { fork, headers: [] }
}

/** An answer to `GetHeaders`. */
export const received = (context: SyncContext, peer: PeerIp, message: Headers): void => {
  const link = context.links.get(peer)
  if (link === undefined) return
  const lied = (fault: "bad-header" | "protocol", detail: string) =>
    context.machine.post({ _tag: "PeerLied", peer, fault, detail })
  const asked = context.headerRequests.get(message.request)
  if (asked?.peer !== peer) return lied("protocol", "unsolicited headers")
  context.headerRequests.delete(message.request)
  const ms = SyncContext_.pieceMs(context, link, true)
  const list = BlockHeader.decodeList(context.hasher, message.list)
  if (isMalformed(list)) return lied("bad-header", "malformed header list")
  let branch = startOf(context, link, message.after)
  if (branch === undefined) {
    // Our header chain may have moved to another branch while the request was in flight.
    return asked.locator.some((hash) => Hash.equals(hash, message.after))
      ? context.machine.post({ _tag: "HeadersVoid", peer, request: message.request })
      : lied("bad-header", "headers do not follow a block of the locator")
  }
  let more: "yes" | "no" | "not-yet" = message.more ? "yes" : "no"
  const now = context.nowMs()
  let count = 0
  for (const { hash, header } of list) {
    // Headers we have already: the fork is further up.
    if (branch.headers.length === 0 && context.headers.holds(branch.fork + 1, hash)) {
      branch = { fork: branch.fork + 1, headers: [] }
      count += 1
      continue
    }
    const parent: HeaderRules.Parent | undefined = branch.headers.at(-1) ?? context.headers.parentAt(branch.fork)
    if (parent === undefined) return lied("bad-header", "header has no known parent")
    // Too deep to follow in any case, and too old to know what the rules need of the parent.
    if (branch.fork < oldest(context)) {
      // The rest is not read, and may be valid.
      more = "not-yet"
      break
    }
    const fault = HeaderRules.check(context.params, parent, header, now)
    if (fault !== undefined) {
      if (!HeaderRules.passes(fault)) {
        return lied("bad-header", `header at height ${header.height}: ${Validation.describe(fault)}`)
      }
      more = "not-yet"
      break
    }
    branch.headers.push(HeaderRules.parentOf(header, hash))
    count += 1
  }
  conclude(context, link, peer, branch, { request: message.request, count, more, ms })
}

/** Below this height a fork is deeper than any that may be followed. */
const oldest = (context: SyncContext): number => Math.max(0, context.settledHeight - context.params.maxReorg)

const conclude = (
  context: SyncContext,
  link: PeerLink,
  peer: PeerIp,
  branch: Branch,
  facts: {
    readonly request: number
    readonly count: number
    readonly more: "yes" | "no" | "not-yet"
    readonly ms: number
  }
): void => {
  const last = branch.headers.at(-1) ?? context.headers.parentAt(branch.fork)
  if (last === undefined) return
  const choice = branch.fork < oldest(context)
    ? "too-deep"
    : ({ Follow: "adopted", Keep: "kept", TooDeep: "too-deep" } as const)[
      ForkChoice.choose(
        context.params,
        context.headers.tip,
        last,
        branch.fork,
        Math.max(context.settledHeight, branch.fork)
      )._tag
    ]
  // A branch that is not better yet is kept while the peer has more, and only so far ahead.
  const continues = choice === "kept" && facts.more === "yes" && branch.headers.length < Limits.headersAhead
  link.branch = continues ? branch : undefined
  if (choice === "adopted") adopt(context, branch)
  context.machine.post({
    _tag: "HeadersReceived",
    peer,
    request: facts.request,
    count: facts.count,
    fork: branch.fork,
    last: tipOf(last),
    choice,
    base: OwnBranch.base(context, context.state.chain.height),
    heldBytes: context.held.bytes,
    more: facts.more,
    ms: facts.ms
  })
  if (facts.more === "not-yet" && choice !== "too-deep") lookAgain(context, peer, link)
}

/**
 * The peer's further headers are in the future by our clock: it is asked again later. A peer announces nothing twice, and a clock
 * some seconds slow would leave us a block behind until the next one comes.
 */
const lookAgain = (context: SyncContext, peer: PeerIp, link: PeerLink): void => {
  link.futureRetry ??= context.timers.arm(Limits.futureRetryMs, () => {
    link.futureRetry = undefined
    context.machine.post({ _tag: "TipAnnounced", peer, tip: link.told })
  })
}

const adopt = (context: SyncContext, { fork, headers }: Branch): void => {
  if (fork < context.headers.height) context.held.dropAbove(fork)
  OwnBranch.replace(context, fork, headers)
}

/** No peer has the header chain's bodies: our own chain is the header chain again. */
export const abandon = (context: SyncContext): void => {
  context.held.clear()
  OwnBranch.restore(context, context.state.chain.height)
}
