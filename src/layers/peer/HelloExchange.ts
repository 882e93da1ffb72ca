/** The messages that open a connection: Hello and its checks, Commit, Reject. The pair machine decides what they mean for the pair. */
import * as Limits from "../../domain/Limits.ts"
import * as Handshake from "../../domain/pair/Handshake.ts"
import * as Pair from "../../domain/pair/Pair.ts"
import * as Backoff from "../../domain/peer/Backoff.ts"
import * as BookEntry from "../../domain/peer/BookEntry.ts"
import type { Commit, Hello, Reject } from "../../domain/wire/Message.ts"
import * as Aliases from "./Aliases.ts"
import * as Evictions from "./Evictions.ts"
import * as Gate from "./Gate.ts"
import { type NodeContext, peerOf, post } from "./NodeContext.ts"
import * as Outgoing from "./Outgoing.ts"
import type { Peer } from "./Peer.ts"
import type { PeerEnd } from "./PeerEnd.ts"
import * as Protection from "./Protection.ts"
import * as Redials from "./Redials.ts"

export const send = (ctx: NodeContext, end: PeerEnd): void => {
  const { masternodes, network, software } = ctx.setup
  const tip = ctx.localChain.tip()
  Outgoing.control(ctx, end, {
    _tag: "Hello",
    protocol: Handshake.protocolVersion,
    rule: Handshake.ruleVersion,
    network: network.name,
    genesis: network.genesis,
    nonce: end.helloNonce,
    tag: ctx.entropy.tagFor(end.ip),
    process: ctx.entropy.process,
    peer: end.ip,
    listens: ctx.listenPort,
    software,
    tipHeight: tip.height,
    tipHash: tip.hash,
    capabilities: Handshake.capabilities | ctx.localChain.capabilities |
      (masternodes === true ? Handshake.Capability.masternodes : 0),
    extensions: Handshake.extensions(end.id, ctx.slots.upCount)
  })
}

export const sendCommit = (ctx: NodeContext, peer: Peer, end: PeerEnd): void => {
  const known = Pair.known(peer.pair, end.id)
  if (known === undefined) return
  end.committedAt = ctx.timers.now()
  Outgoing.control(ctx, end, Handshake.commit(known.self, end.ip))
}

export const helloReceived = (ctx: NodeContext, peer: Peer, end: PeerEnd, hello: Hello): void => {
  const { book } = peer
  if (Pair.phaseOf(peer.pair, end.id) !== "hello") return Protection.violated(ctx, end, "second Hello")
  ctx.slots.identified(end)
  end.readsRefusals = (hello.capabilities & Handshake.Capability.refusals) !== 0
  if (peer.up?.end.wire === "time") {
    return post(ctx, peer, {
      _tag: "Refused",
      end: end.id,
      reject: "in-use",
      detail: "this address is connected over the TIME wire",
      retryMs: Limits.retryInUseMaxMs
    })
  }
  let verdict = Gate.hello(ctx, peer, end, hello)
  if (verdict._tag === "Refused" && verdict.reject === "full" && end.direction === "inbound") {
    Evictions.makeRoom(ctx, peer, end, hello)
    verdict = Gate.hello(ctx, peer, end, hello)
  } else if (verdict._tag === "Accepted" && Evictions.isKeptFrom(ctx, peer, end, hello)) {
    verdict = Handshake.refused("full", "the free place is kept for a peer that asked before")
  }
  if (verdict._tag === "Refused") {
    if (verdict.reject === "self") metOurselves(ctx, hello.nonce)
    // This was a feeler dial, and it found a node of this network.
    if (verdict.reject === "full" && end.direction === "outbound" && hello.listens > 0) {
      ctx.book.good(peer.ip, { port: hello.listens, wire: "native", direction: "outbound" }, ctx.nowMs())
    }
    return post(ctx, peer, {
      _tag: "Refused",
      end: end.id,
      reject: verdict.reject,
      detail: verdict.text,
      retryMs: Handshake.clampRetry(verdict.retryAfterMs, ctx.jitter())
    })
  }
  if (!ctx.slots.hasPlace(peer.ip)) Gate.takePlace(ctx, peer, end)
  end.greeting = {
    software: hello.software,
    tip: { height: hello.tipHeight, hash: hello.tipHash },
    process: hello.process,
    nonce: hello.nonce,
    capabilities: hello.capabilities,
    listens: hello.listens,
    namesUs: verdict.self
  }
  peer.note({ saidHello: true })
  if (end.direction === "inbound") Redials.onHello(peer)
  if (peer.up === undefined) Aliases.onHello(ctx, peer, hello)
  post(ctx, peer, {
    _tag: "Welcomed",
    end: end.id,
    role: verdict.role,
    tag: verdict.tag,
    process: hello.process,
    self: verdict.self,
    order: Handshake.orderOf(hello),
    listens: (hello.listens > 0 || BookEntry.listens(book)) && !book.isSelf
  })
}

/**
 * We dialled ourselves: our own Hello came in. Only that is believed. A peer that merely claims to be us is left alone for as long as its
 * Reject asks, no longer.
 */
const metOurselves = (ctx: NodeContext, nonce: bigint): void => {
  for (const end of ctx.slots.openDials()) {
    const peer = peerOf(ctx, end)
    if (end.helloNonce !== nonce || peer === undefined || peer.book.isSelf) continue
    peer.note({ isSelf: true })
    ctx.table.own.met(peer.ip)
    ctx.book.remove(peer.ip)
    ctx.emit({ _tag: "OwnAddress", ip: peer.ip })
    post(ctx, peer, { _tag: "Forgotten" })
  }
}

export const commitReceived = (ctx: NodeContext, peer: Peer, end: PeerEnd, commit: Commit): void => {
  const known = Pair.known(peer.pair, end.id)
  const wrong = known === undefined
    ? "Commit before Hello"
    : Handshake.checkCommit(commit, known.role, known.self, peer.ip)
  if (wrong !== undefined) return Outgoing.close(ctx, end, "protocol", wrong)
  post(ctx, peer, { _tag: "CommitReceived", end: end.id })
}

/** Whether gossiped addresses are accepted on an end that is not up: once, from a node that we dialled. */
export const mayBeTold = (end: PeerEnd): boolean => {
  if (end.direction !== "outbound" || end.isTold) return false
  end.isTold = true
  return true
}

export const rejectReceived = (ctx: NodeContext, peer: Peer, end: PeerEnd, reject: Reject): void => {
  const { greeting } = end
  // The address has a node of this network, even if it has no free place.
  if (reject.reason === "full" && end.direction === "outbound" && greeting !== undefined && greeting.listens > 0) {
    ctx.book.good(peer.ip, { port: greeting.listens, wire: "native", direction: "outbound" }, ctx.nowMs())
  }
  if (reject.reason === "alias" && !Aliases.onReject(ctx, peer, reject.address)) {
    const detail = `alias names an address we are not connected to: ${reject.address ?? "none given"}`
    return Outgoing.close(ctx, end, "protocol", detail)
  }
  if (end.direction === "outbound" && end.up === undefined) peer.refusals += 1
  const { refusals } = peer
  post(ctx, peer, {
    _tag: "RejectReceived",
    end: end.id,
    reject: reject.reason,
    detail: reject.text,
    retryMs: Math.max(Handshake.clampRetry(reject.retryAfterMs, ctx.jitter()), Backoff.refusedMs(refusals))
  })
}
