/** Pairs over a node put together by hand: sockets of lower peers, dials to higher ones, and what the driver makes of them. */
import { assert } from "@effect/vitest"
import * as DisconnectReason from "../../src/domain/DisconnectReason.ts"
import type { Hello, Reject } from "../../src/domain/wire/Message.ts"
import * as Discovery from "../../src/layers/peer/Discovery.ts"
import * as HelloExchange from "../../src/layers/peer/HelloExchange.ts"
import * as NodeContext from "../../src/layers/peer/NodeContext.ts"
import type { PeerEnd } from "../../src/layers/peer/PeerEnd.ts"
import type { PeerListener } from "../../src/services/PeerMessages.ts"
import * as hand from "./peerContext.ts"
import { hello } from "./rawPeer.ts"

export const { ip } = hand

export const own = ip("10.0.0.100")

/** Below this node: it commits. Above: this node does. */
export const [low, high] = ["10.0.0.1", "10.0.0.200"]

export const eof = DisconnectReason.remote("eof")

export const processOf = (at: string): string => Buffer.from(at.padEnd(8).slice(-8)).toString("hex")

export const make = (options: hand.Options = {}) => {
  const node = hand.make({ ...options, isDriven: true })
  const { connectionOf, ctx, dials } = node
  const peerOf = (at: string) => ctx.table.get(ip(at)) ?? assert.fail(`no row of ${at}`)
  const post = (at: string, event: Parameters<typeof NodeContext.post>[2]) => NodeContext.post(ctx, peerOf(at), event)
  /** The peer's socket is accepted. */
  const accept = (at: string) => {
    const made = node.socket(at)
    ctx.slots.accepted(made.end)
    ctx.slots.opened(made.end)
    post(at, { _tag: "Accepted", end: made.end.id })
    return made
  }
  const say = ({ end, peer }: Pick<hand.Connected, "end" | "peer">, change: Partial<Hello> = {}) => {
    const process = processOf(peer.ip)
    HelloExchange.helloReceived(
      ctx,
      peer,
      end,
      hello(own, { process, tag: process + process, listens: 4_000, nonce: BigInt(9_000 + end.id), ...change })
    )
  }
  const commit = ({ end, peer }: Pick<hand.Connected, "end" | "peer">) =>
    HelloExchange.commitReceived(ctx, peer, end, { _tag: "Commit", lower: peer.ip, higher: own })
  /** A dial of this node connects. */
  const connected = (end: PeerEnd) => {
    const connection = new hand.HandConnection("10.0.0.100:6000", own)
    end.connection = connection as unknown as NonNullable<PeerEnd["connection"]>
    ctx.slots.opened(end)
    const peer = peerOf(end.ip)
    NodeContext.post(ctx, peer, { _tag: "Connected", end: end.id })
    return { end, peer, connection }
  }
  const closed = ({ end }: Pick<hand.Connected, "end">, reason = eof) => {
    ctx.slots.ended(end)
    NodeContext.postOf(ctx, end, { _tag: "Closed", end: end.id, reason })
  }
  return {
    ...node,
    peerOf,
    post,
    accept,
    say,
    commit,
    connected,
    closed,
    /** The lower peer dials, and comes up. */
    in: (at = low, change: Partial<Hello> = {}) => {
      const made = accept(at)
      say(made, change)
      commit(made)
      return { ...made, up: made.end.up ?? assert.fail("it is not up") }
    },
    /** This node dials the higher peer, which comes up. */
    out: (at = high) => {
      if (ctx.table.get(ip(at)) === undefined) Discovery.learn(ctx, { ip: ip(at), port: 4_000 }, "configured")
      node.pass(0)
      const made = connected(dials.at(-1) ?? assert.fail("no dial"))
      say(made)
      NodeContext.post(ctx, made.peer, { _tag: "AckReceived", end: made.end.id })
      return { ...made, up: made.end.up ?? assert.fail("it is not up") }
    },
    places: () => [ctx.slots.placesTaken, ctx.slots.upCount, ctx.slots.unidentifiedCount] as const,
    rejected: (end: PeerEnd): Reject | undefined => {
      const [first] = connectionOf(end).closed?.slice(-1) ?? []
      return first?._tag === "Reject" ? first : undefined
    }
  }
}

export const listener = () => {
  const calls: Array<string> = []
  const made: PeerListener<unknown> = {
    onUp: ({ ip }) => calls.push(`up ${ip}`),
    onDown: ({ ip }) => calls.push(`down ${ip}`),
    onMessage: () => {},
    onProgress: () => {}
  }
  return { calls, made }
}
