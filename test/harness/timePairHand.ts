/** Pairs on the TIME wire over a node put together by hand. */
import { assert } from "@effect/vitest"
import * as DisconnectReason from "../../src/domain/DisconnectReason.ts"
import { networks } from "../../src/domain/Network.ts"
import * as TimeHandshake from "../../src/domain/pair/TimeHandshake.ts"
import * as TimeEncoder from "../../src/domain/wire/time/TimeEncoder.ts"
import { TimeFraming } from "../../src/domain/wire/time/TimeFraming.ts"
import type { Message, TimeMessage } from "../../src/domain/wire/time/TimeMessage.ts"
import * as Discovery from "../../src/layers/peer/Discovery.ts"
import * as NodeContext from "../../src/layers/peer/NodeContext.ts"
import type { PeerEnd } from "../../src/layers/peer/PeerEnd.ts"
import * as TimePairDriver from "../../src/layers/peer/TimePairDriver.ts"
import { TimeSession } from "../../src/layers/peer/TimeSession.ts"
import type { Secured } from "../../src/services/PeerSocket.ts"
import * as hand from "./peerContext.ts"

export const { ip } = hand

/** Below this node: it waits, and this node dials. Above: the other way round. */
export const [low, high] = ["10.0.0.1", "10.0.0.200"]

export const overTls = (protocol: string | undefined): Secured => ({
  _tag: "Tls",
  version: "TLSv1.3",
  protocol,
  key: undefined
})

export const greeting = TimeHandshake.own("testnet") ?? assert.fail("testnet has that wire")

export const ack: Message<"Ack"> = { _tag: "Ack", of: "Handshake" }

export const eof = DisconnectReason.remote("eof")

export const make = (options: hand.Options = {}) => {
  const node = hand.make({
    network: networks.testnet,
    ...options,
    isDriven: true,
    timeFrames: (ctx) => new TimeSession(ctx)
  })
  const { ctx } = node
  const session = ctx.timeFrames
  const peerOf = (at: string) => ctx.table.get(ip(at)) ?? assert.fail(`no row of ${at}`)
  const accept = (at: string) => {
    const made = node.socket(at)
    made.connection.secured = overTls(undefined)
    ctx.slots.accepted(made.end)
    ctx.slots.opened(made.end)
    TimePairDriver.accepted(ctx, made.peer, made.end)
    return made
  }
  const connect = (end: PeerEnd, protocol: string | undefined) => {
    const connection = new hand.HandConnection("10.0.0.100:6000", ip("10.0.0.100"))
    connection.secured = overTls(protocol)
    end.connection = connection as unknown as NonNullable<PeerEnd["connection"]>
    ctx.slots.opened(end)
    TimePairDriver.dialled(ctx, peerOf(end.ip), end)
    return { end, peer: peerOf(end.ip), connection }
  }
  const say = ({ end }: Pick<hand.Connected, "end">, ...messages: ReadonlyArray<TimeMessage>) => {
    const reader = TimeFraming.reader((bytes) => new Uint8Array(bytes))
    let frames = 0
    for (const message of messages) {
      reader.push((TimeEncoder.encode(message, undefined) ?? assert.fail(message._tag)).slice())
    }
    while (reader.read(TimeFraming.limits.up) === "message") {
      frames += 1
      session.onMessage(end, reader)
    }
    session.onBatch(end, reader, frames)
  }
  const closed = ({ end }: Pick<hand.Connected, "end">, reason = eof) => {
    ctx.slots.ended(end)
    NodeContext.postOf(ctx, end, { _tag: "Closed", end: end.id, reason })
  }
  /** Learns of a peer and dials it. */
  const dial = (at: string, source: "configured" | "gossip" = "configured"): PeerEnd => {
    Discovery.learn(ctx, { ip: ip(at), port: ctx.setup.network.port }, source)
    node.pass(5_000)
    return node.dials.at(-1) ?? assert.fail("no dial")
  }
  return {
    ...node,
    session,
    peerOf,
    accept,
    connect,
    say,
    closed,
    dial,
    places: () => [ctx.slots.placesTaken, ctx.slots.upCount, ctx.slots.unidentifiedCount] as const,
    /** The higher peer dials, and comes up. */
    in: (at = high) => {
      const made = accept(at)
      say(made, greeting)
      return { ...made, up: made.end.up ?? assert.fail("it is not up") }
    }
  }
}
