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
import * as SyncStash from "./OwnBranch.ts"
import type { Branch, PeerLink, SyncCore } from "./SyncContext.ts"
import * as SyncCore_ from "./SyncContext.ts"

/** Asks for headers behind the branch the peer is showing, else behind our header chain. */
export const ask = (core: SyncCore, peer: PeerIp, request: number): void => {
  const branch = core.links.get(peer)?.branch
  const shown = branch === undefined
    ? core.headers.locator()
    : [...branch.headers.slice(-1).map((parent) => parent.hash), ...core.headers.locator(branch.fork)]
  const locator = shown.slice(0, Limits.locatorHashes - 1).concat(
    shown.length >= Limits.locatorHashes ? shown.slice(-1) : []
  )
  core.conversations.set(request, { peer, locator })
  SyncCore_.asked(core, peer)
  SyncCore_.send(core, peer, { _tag: "GetHeaders", request, locator })
}

const tipOf = (parent: HeaderRules.Parent) => ({ height: parent.height, hash: Hash.toHex(parent.hash) })

/** What the peer's headers add to: the branch it is showing, or our header chain from a fork on. */
const startOf = (core: SyncCore, link: PeerLink, after: Hash.Hash): Branch | undefined => {
  const { branch } = link
  const last = branch?.headers.at(-1)
  if (branch !== undefined && last !== undefined && Hash.equals(last.hash, after)) return branch
  const fork = core.headers.heightOf(after)
  return fork === undefined ? undefined : { fork, headers: [] }
}

/** An answer to `GetHeaders`. */
export const received = (core: SyncCore, peer: PeerIp, message: Headers): void => {
  const link = core.links.get(peer)
  if (link === undefined) return
  const lied = (fault: "bad-header" | "protocol", detail: string) =>
    core.dispatch({ _tag: "PeerLied", peer, fault, detail })
  const conversation = core.conversations.get(message.request)
  if (conversation?.peer !== peer) return lied("protocol", "headers nobody asked for")
  core.conversations.delete(message.request)
  const ms = SyncCore_.pieceMs(core, link, true)
  const list = BlockHeader.decodeList(core.hasher, message.list)
  if (isMalformed(list)) return lied("bad-header", "a list of headers that is none")
  let branch = startOf(core, link, message.after)
  if (branch === undefined) {
    // Our header chain may have moved to another branch while the question was under way.
    return conversation.locator.some((hash) => Hash.equals(hash, message.after))
      ? core.dispatch({ _tag: "HeadersVoid", peer, request: message.request })
      : lied("bad-header", "its headers follow a block that is not in the locator")
  }
  let more: "yes" | "no" | "not-yet" = message.more ? "yes" : "no"
  const now = core.wall()
  let count = 0
  for (const { hash, header } of list) {
    // Headers we have already: the fork is further up.
    if (branch.headers.length === 0 && core.headers.holds(branch.fork + 1, hash)) {
      branch = { fork: branch.fork + 1, headers: [] }
      count += 1
      continue
    }
    const parent: HeaderRules.Parent | undefined = branch.headers.at(-1) ?? core.headers.parentAt(branch.fork)
    if (parent === undefined) return lied("bad-header", "its headers follow nothing")
    // Too deep to follow in any case, and too old to know what the rules need of the parent.
    if (branch.fork < oldest(core)) {
      // What it has more is not read: it may well be there.
      more = "not-yet"
      break
    }
    const fault = HeaderRules.check(core.params, parent, header, now)
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
  conclude(core, link, peer, branch, { request: message.request, count, more, ms })
}

/** Below this height a fork is deeper than any that may be followed. */
const oldest = (core: SyncCore): number => Math.max(0, core.settled - core.params.maxReorg)

const conclude = (
  core: SyncCore,
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
  const last = branch.headers.at(-1) ?? core.headers.parentAt(branch.fork)
  if (last === undefined) return
  const choice = branch.fork < oldest(core)
    ? "too-deep"
    : ({ Follow: "adopted", Keep: "kept", TooDeep: "too-deep" } as const)[
      ForkChoice.choose(core.params, core.headers.tip, last, branch.fork, Math.max(core.settled, branch.fork))._tag
    ]
  // A branch that is no better yet is kept while the peer goes on, and only so far ahead.
  const goesOn = choice === "kept" && facts.more === "yes" && branch.headers.length < Limits.headersAhead
  link.branch = goesOn ? branch : undefined
  if (choice === "adopted") adopt(core, branch)
  core.dispatch({
    _tag: "HeadersReceived",
    peer,
    request: facts.request,
    count: facts.count,
    fork: branch.fork,
    last: tipOf(last),
    choice,
    base: SyncStash.base(core, core.state.chain.height),
    heldBytes: core.held.bytes,
    more: facts.more,
    ms: facts.ms
  })
  if (facts.more === "not-yet" && choice !== "too-deep") lookAgain(core, peer, link)
}

/**
 * What the peer has more is in the future, by our clock: it is asked again in a while. It tells of nothing twice, and a clock
 * that is some seconds slow would leave us a block behind until the next one comes.
 */
const lookAgain = (core: SyncCore, peer: PeerIp, link: PeerLink): void => {
  link.again ??= core.wheel.arm(Limits.futureRetryMs, () => {
    link.again = undefined
    core.dispatch({ _tag: "TipAnnounced", peer, tip: link.told })
  })
}

const adopt = (core: SyncCore, { fork, headers }: Branch): void => {
  if (fork < core.headers.height) core.held.dropAbove(fork)
  SyncStash.replace(core, fork, headers)
}

/** Nobody has the header chain's bodies: our own chain is the header chain again. */
export const abandon = (core: SyncCore): void => {
  core.held.clear()
  SyncStash.restore(core, core.state.chain.height)
}
