/** A session over a node put together by hand: what it is fed, and what it closes. */
import * as DisconnectReason from "../../src/domain/DisconnectReason.ts"
import type { Message } from "../../src/domain/wire/Message.ts"
import { NativeWire } from "../../src/domain/wire/native/NativeWire.ts"
import { PeerSession } from "../../src/layers/peer/PeerSession.ts"
import * as hand from "./peerContext.ts"

export const { ip } = hand

/** A session, and how its connections feed it: as `PeerConnection` does. */
export const make = (options: hand.Options = {}) => {
  const node = hand.make(options)
  const session = new PeerSession(node.ctx)
  const chain: Array<unknown> = []
  const masternodes: Array<unknown> = []
  const progress: Array<unknown> = []
  const listener = (into: Array<unknown>) => ({
    onUp: () => {},
    onDown: () => {},
    onMessage: (_: unknown, message: { readonly _tag: string }) => void into.push(message._tag),
    onProgress: () => void progress.push("chain")
  })
  node.ctx.sync.listen(listener(chain), [])
  node.ctx.masternodes.listen(listener(masternodes), [])
  const feed = ({ end }: Pick<hand.Connected, "end">, bytes: Uint8Array): void => {
    const reader = NativeWire.reader((length) => new Uint8Array(length))
    reader.push(bytes.slice())
    session.onBytes(end)
    let frames = 0
    for (;;) {
      const next = reader.read(NativeWire.limits.up)
      if (next === "none") break
      if (next === "malformed") {
        session.onMalformed(end, reader.fault(NativeWire.limits.up))
        break
      }
      if (next === "data") frames += session.onData(end, reader, NativeWire.limits.up)
      else {
        frames += 1
        session.onMessage(end, reader)
      }
    }
    session.onBatch(end, reader, frames)
  }
  const say = (to: Pick<hand.Connected, "end">, ...messages: ReadonlyArray<Message>) =>
    feed(
      to,
      new Uint8Array(
        Buffer.concat(messages.flatMap((message): ReadonlyArray<Uint8Array> => NativeWire.encode(message)))
      )
    )
  const data = (channel: number, ...lengths: ReadonlyArray<number>): ReadonlyArray<Message> =>
    lengths.map((length) => ({ _tag: "Data", channel, payload: new Uint8Array(length) }))
  return { ...node, session, feed, say, data, chain, masternodes, progress }
}

export const closes = (node: Pick<hand.Hand, "posted">) =>
  node.posted().map(([, event]) =>
    event._tag === "Closed" ? `${DisconnectReason.label(event.reason)}: ${event.reason.detail}` : event._tag
  )
