/** A session of the TIME wire over a node put together by hand: what it is fed, and what it causes. */
import { assert } from "@effect/vitest"
import * as Hash from "../../src/domain/chain/Hash.ts"
import { networks } from "../../src/domain/Network.ts"
import * as TimeHandshake from "../../src/domain/pair/TimeHandshake.ts"
import * as TimeEncoder from "../../src/domain/wire/time/TimeEncoder.ts"
import { TimeFraming } from "../../src/domain/wire/time/TimeFraming.ts"
import { type Message, type TimeMessage } from "../../src/domain/wire/time/TimeMessage.ts"
import * as TimeSession from "../../src/layers/peer/TimeSession.ts"
import * as hand from "./peerContext.ts"

export const { ip } = hand

export const at = "10.0.0.1"

export const greeting = TimeHandshake.own("testnet") ?? assert.fail("testnet has that wire")

export const ack: Message<"Ack"> = { _tag: "Ack", of: "Handshake" }

export const tip = { height: 7, hash: Hash.fromHexUnsafe("ab".repeat(32)) }

export const make = (options: hand.Options = {}) => {
  const node = hand.make({ network: networks.testnet, ...options })
  const { ctx } = node
  const session = new TimeSession.TimeSession(ctx)
  const heard: Array<string> = []
  for (const [name, protocol] of [["chain", ctx.timeChain], ["masternodes", ctx.timeMasternodes]] as const) {
    protocol.listen({
      onUp: () => {},
      onDown: () => {},
      onMessage: (_, { _tag }) => void heard.push(`${name} ${_tag}`),
      onProgress: () => void heard.push(`${name} progress`)
    }, [])
  }
  let kept = 0
  const feed = ({ end }: Pick<hand.Connected, "end">, bytes: Uint8Array): void => {
    const reader = TimeFraming.reader((length) => new Uint8Array(length))
    Object.assign(reader, { keep: () => void (kept += 1) })
    reader.push(bytes.slice())
    session.onBytes()
    let frames = 0
    while (reader.read(TimeFraming.limits.up) === "message") {
      frames += 1
      session.onMessage(end, reader)
    }
    session.onBatch(end, reader, frames)
  }
  const bytesOf = (message: TimeMessage) => TimeEncoder.encode(message, undefined) ?? assert.fail(message._tag)
  return {
    ...node,
    session,
    feed,
    say: (to: Pick<hand.Connected, "end">, ...messages: ReadonlyArray<TimeMessage>) =>
      feed(to, new Uint8Array(Buffer.concat(messages.map(bytesOf)))),
    /** What the chain and the masternodes got since the last call. */
    heard: () => heard.splice(0),
    /** How many frames were kept since the last call. */
    kept: () => {
      const before = kept
      kept = 0
      return before
    },
    time: (to = at, options: hand.UpOptions = {}) => node.up(to, { wire: "time", ...options }),
    socketOf: (direction: "inbound" | "outbound") => node.socket(at, { direction, wire: "time" }),
    events: () => node.posted().map(([, event]) => event)
  }
}

export const counted = ({ ctx }: Pick<hand.Hand, "ctx">, direction: "received" | "sent") =>
  ctx.table.messages.counts.flatMap(({ bytes, messages, type, way, wire }) =>
    wire === "time" && way === direction ? [[type, messages, bytes]] : []
  )
