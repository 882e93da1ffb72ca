/**
 * A peer of a crowd: one socket that speaks timemesh's wire just enough to be up, answer pings and send messages. A whole
 * node per peer would hear of the others by discovery and connect to them all.
 */
import { randomBytes } from "node:crypto"
import * as Limits from "../../src/domain/Limits.ts"
import { networks } from "../../src/domain/Network.ts"
import * as Handshake from "../../src/domain/pair/Handshake.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import { FrameReader } from "../../src/domain/wire/Frame.ts"
import * as NativeDecoder from "../../src/domain/wire/native/NativeDecoder.ts"
import * as NativeEncoder from "../../src/domain/wire/native/NativeEncoder.ts"
import { dial as dialTcp, split } from "./bare.ts"
import type { Link } from "./Implementation.ts"

const network = networks.devnet
/** One tag and process id for each peer: they are different processes to the node. */
const hex = (bytes: number) => randomBytes(bytes).toString("hex")

export interface RawLink extends Link {
  /** ms until the node answers a ping. One at a time. */
  readonly ping: () => Promise<number>
}

/** Resolves once the node has committed to this socket. Rejects with the node's reason when it refuses. */
export const connectRaw = async (
  address: string,
  ip: string,
  channel: number,
  dial: typeof dialTcp = dialTcp
): Promise<RawLink> => {
  const socket = await dial(address, ip)
  const reader = new FrameReader()
  const up = Promise.withResolvers<void>()
  let waiting: PromiseWithResolvers<void> | undefined
  let handler: ((payload: Uint8Array) => void) | undefined
  let pong: (() => void) | undefined
  socket.on("drain", () => {
    waiting?.resolve()
    waiting = undefined
  })
  socket.on("close", () => up.reject(new Error("the node closed the connection")))
  socket.on("error", (error) => up.reject(error))
  socket.on("data", (chunk) => {
    reader.push(chunk)
    for (let next = reader.next(Limits.frameBytes); next !== "none"; next = reader.next(Limits.frameBytes)) {
      if (next === "bad") return up.reject(new Error("the node sent a bad frame"))
      const message = NativeDecoder.decode(reader.kind, reader.buffer, reader.start, reader.end)
      if (message._tag === "Commit") {
        socket.write(NativeEncoder.encodeAck())
        up.resolve()
      } else if (message._tag === "Ping") socket.write(NativeEncoder.encodePong(message.nonce))
      else if (message._tag === "Pong") pong?.()
      else if (message._tag === "Reject") up.reject(new Error(`the node refused: ${message.reason} ${message.text}`))
      else if (message._tag === "Data") handler?.(message.payload)
    }
  })
  socket.write(NativeEncoder.encodeHello({
    _tag: "Hello",
    protocol: Handshake.protocolVersion,
    rule: Handshake.ruleVersion,
    network: network.name,
    genesis: network.genesis,
    nonce: randomBytes(8).readBigUInt64BE(),
    tag: hex(16),
    process: hex(8),
    peer: PeerIp.fromStringUnsafe(split(address).host),
    listens: 0,
    software: "timemesh-bench",
    tipHeight: 0,
    tipHash: network.genesis,
    capabilities: Handshake.capabilities,
    extensions: []
  }))
  await up.promise
  return {
    send: (payloads) => {
      let isFree = true
      for (let from = 0; from < payloads.length;) {
        const { count, frame } = NativeEncoder.encodeDataBatch(channel, payloads, from)
        isFree = socket.write(frame)
        from += count
      }
      if (isFree) return undefined
      waiting ??= Promise.withResolvers()
      return waiting.promise
    },
    receive: (to) => {
      handler = to
    },
    ping: () =>
      new Promise((resolve) => {
        const before = performance.now()
        pong = () => resolve(performance.now() - before)
        socket.write(NativeEncoder.encodePing(randomBytes(8).readBigUInt64BE()))
      })
  }
}
