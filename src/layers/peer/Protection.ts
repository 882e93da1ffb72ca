/**
 * What follows from the offences of peers. Whoever sees one calls `report`, and ends the connection itself if it cannot go on: a ban is
 * decided here, from all that is known of the address.
 */
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as Offence from "../../domain/protection/Offence.ts"
import * as Score from "../../domain/protection/Score.ts"
import type { NodeContext } from "./NodeContext.ts"
import * as Outgoing from "./Outgoing.ts"
import type { PeerEnd } from "./PeerEnd.ts"

/** The peer at `ip`, connected or not, did what no honest peer does. Costs a few µs: call it once per proof, not per byte. */
export const report = (ctx: NodeContext, ip: PeerIp, offence: Offence.Offence): void => {
  const now = ctx.timers.now()
  const { score } = ctx.protection.ledger.add(ip, offence, now)
  ctx.emit({ _tag: "Offence", ip, kind: offence.kind, detail: offence.detail, points: Score.pointsAt(score, now) })
}

/** The peer sent bytes that are no message: an offence, and the end of the connection. */
export const malformed = (ctx: NodeContext, end: PeerEnd, detail: string): void => {
  report(ctx, end.ip, Offence.make("malformed", detail))
  Outgoing.close(ctx, end, "bad-frame", detail)
}

/** The peer sent a message that the protocol does not allow at that moment: the same. */
export const violated = (ctx: NodeContext, end: PeerEnd, detail: string): void => {
  report(ctx, end.ip, Offence.make("protocol", detail))
  Outgoing.close(ctx, end, "protocol", detail)
}
