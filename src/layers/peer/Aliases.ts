/**
 * Detects one process under several addresses. It is reported when a Hello suggests it; once proven, the later of the two connections is
 * closed. `domain/peer/AliasProof` defines the proof.
 */
import { putLatest } from "../../domain/latest.ts"
import * as Limits from "../../domain/Limits.ts"
import * as Pair from "../../domain/pair/Pair.ts"
import * as AliasProof from "../../domain/peer/AliasProof.ts"
import * as BookEntry from "../../domain/peer/BookEntry.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type * as Message from "../../domain/wire/Message.ts"
import * as Gate from "./Gate.ts"
import { type NodeContext, post } from "./NodeContext.ts"
import * as Outgoing from "./Outgoing.ts"
import type { Peer } from "./Peer.ts"
import type { PeerEnd, Up } from "./PeerEnd.ts"

/** Connections to other addresses that claim to lead to the same process. */
const namesakes = function*(ctx: NodeContext, ip: PeerIp, process: string): Iterable<Up> {
  for (const other of ctx.table.peers()) {
    const { up } = other
    if (other.ip !== ip && up?.greeting.process === process) yield up
  }
}

const report = (ctx: NodeContext, ip: PeerIp, other: PeerIp, detail: string): void =>
  ctx.emit({ _tag: "Aliased", ip, other, detail })

/** Proves to the verifier at that address that the prover is also at the end of `about`. */
const proofFor = (ctx: NodeContext, verifier: PeerIp, about: AliasProof.Nonces): string =>
  ctx.entropy.mac(AliasProof.proofKey(about), AliasProof.proofInput(verifier))

/** Proves on each of two connections that we are also at the end of the other. */
const prove = (ctx: NodeContext, connection: Up, other: Up): void => {
  for (const [carrier, about] of [[connection, other], [other, connection]] as const) {
    const nonces = { verifier: about.greeting.nonce, prover: about.end.helloNonce }
    Outgoing.control(ctx, carrier.end, { _tag: "SameProcess", proof: proofFor(ctx, carrier.end.ip, nonces) })
  }
}

/** A Hello arrived from a peer that is not up. */
export const onHello = (ctx: NodeContext, { ip }: Peer, hello: Message.Hello): void => {
  for (const other of namesakes(ctx, ip, hello.process)) {
    return report(ctx, ip, other.end.ip, "both addresses say they are the same process")
  }
}

export const onUp = (ctx: NodeContext, up: Up): void => {
  for (const other of namesakes(ctx, up.end.ip, up.greeting.process)) prove(ctx, up, other)
  const peer = ctx.table.get(up.end.ip)
  if (peer === undefined) return
  // The table must not change while it is read.
  const former: Array<Peer> = []
  for (const other of ctx.table.peers()) {
    if (other !== peer && other.ends.length === 0 && isLeft(other) && BookEntry.isSameProcess(other.book, peer.book)) {
      former.push(other)
    }
  }
  for (const other of former) moved(ctx, other, peer.ip)
}

/** After a step: the peer's last connection is gone, and its process may be up at another address. */
export const left = (ctx: NodeContext, peer: Peer): void => {
  if (peer.ends.length > 0 || peer.book.process === undefined || !isLeft(peer)) return
  for (const other of ctx.table.peers()) {
    if (other !== peer && other.up !== undefined && BookEntry.isSameProcess(other.book, peer.book)) {
      return moved(ctx, peer, other.ip)
    }
  }
}

/** Whether nothing shows that the address still works. An address closed only as an alias of its process may be used again. */
const isLeft = ({ book, forgotten }: Peer): boolean =>
  !forgotten && book.aliasOf === undefined && BookEntry.last(book)?.reason.reject !== "alias"

/**
 * The process that was at this address is now at another, as its tag proves. The old address is forgotten, so that it is neither dialled
 * for ever nor gossiped. An address configured by the operator is kept, but not dialled while the other connection is up.
 */
const moved = (ctx: NodeContext, peer: Peer, to: PeerIp): void => {
  report(ctx, peer.ip, to, "its process moved from the first address to the second")
  if (peer.book.source === "configured") return peer.note({ aliasOf: to })
  Gate.forget(ctx, peer)
  ctx.book.remove(peer.ip)
  putLatest(ctx.table.moved, peer.ip, to, Limits.movedAddresses)
}

/** The peer claims on this connection that it is also at the end of another one. */
export const proofReceived = (ctx: NodeContext, peer: Peer, up: Up, said: string): void => {
  const { connection, end, greeting } = up
  const self = Pair.known(peer.pair, end.id)?.self
  // A peer that takes us for another address could replay what was sent to that address. (Or a router translates the address.)
  if (self === undefined || connection.local !== self) return
  for (const other of namesakes(ctx, peer.ip, greeting.process)) {
    const nonces = { verifier: other.end.helloNonce, prover: other.greeting.nonce }
    if (proofFor(ctx, self, nonces) !== said) continue
    // The peer cannot know that we know until it has our proof: its connection may have come up after ours.
    if (!AliasProof.decides(ctx.entropy.process, greeting.process)) return prove(ctx, up, other)
    const [later, stays] = up.order > other.order ? [up, other] : [other, up]
    return merge(ctx, later.end, stays.end.ip)
  }
}

/** One connection to a process is enough: this one closes, the one at another address stays. */
const merge = (ctx: NodeContext, later: PeerEnd, stays: PeerIp): void => {
  const peer = ctx.table.get(later.ip)
  if (peer === undefined) return
  peer.note({ aliasOf: stays })
  report(ctx, later.ip, stays, "the same process, as it proved: one connection is enough")
  post(ctx, peer, { _tag: "Merged", end: later.id, detail: `connected as ${stays}` })
}

/** The peer claims that we are connected to it under the other address. False if we are not. */
export const onReject = (ctx: NodeContext, peer: Peer, address: Message.Reject["address"]): boolean => {
  const other = address === undefined ? undefined : ctx.table.get(address)
  // Only while we really are connected to the peer under that address: a lie must not keep us from dialling.
  if (other?.up === undefined || other === peer) return false
  peer.note({ aliasOf: other.ip })
  report(ctx, peer.ip, other.ip, "the peer says we have it under the other address already")
  return true
}

/** Our address on the connection that stays, sent to a peer that is rejected as `alias`. */
export const addressKept = (ctx: NodeContext, peer: Peer, rejected: PeerEnd): PeerIp | undefined => {
  const { aliasOf } = peer.book
  const holder = aliasOf === undefined ? peer : ctx.table.get(aliasOf)
  const stays = holder?.up?.end
  return holder === undefined || stays === undefined || stays === rejected
    ? undefined
    : Pair.known(holder.pair, stays.id)?.self
}

/** The peer's connection is gone: its other addresses may be dialled again. */
export const onDown = (ctx: NodeContext, { ip }: Peer): void => {
  for (const other of ctx.table.peers()) {
    if (other.book.aliasOf !== ip) continue
    other.note({ aliasOf: undefined })
    post(ctx, other, { _tag: "Freed" })
  }
}
