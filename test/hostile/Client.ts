/** One raw connection by `node:net`, or over TLS, from any address of 127.0.0.0/8: polite until it is told otherwise. */
import * as Net from "node:net"
import { pid } from "node:process"
import * as NodeTls from "node:tls"
import { concat } from "../../src/domain/bytes.ts"
import { networks } from "../../src/domain/Network.ts"
import * as Handshake from "../../src/domain/pair/Handshake.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import type { Message } from "../../src/domain/wire/Message.ts"
import { NativeWire } from "../../src/domain/wire/native/NativeWire.ts"
import * as RawPeer from "../../src/testing/RawPeer.ts"

/** What is attacked: a node, or a bare echo server that takes the same bytes. */
export interface Target {
  readonly ip: string
  readonly port: number
  readonly admin: number
  readonly isBare: boolean
  /** Its port speaks TLS: what all peers here show, each address being another peer. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

export const frame = (message: Message): Uint8Array => concat(...NativeWire.encode(message))

/** Each program's are its own: a process and tag that come from another address are the same process, which has moved. */
let serial = pid * 2 ** 24

/** Plain, whatever the port speaks. */
export const connectPlain = (target: Target, from: string): Net.Socket =>
  Net.connect({ host: target.ip, port: target.port, localAddress: from, noDelay: true }).on("error", () => {})

/** As a peer does: what is written before the handshake is done waits for it. */
export const connect = (target: Target, from: string): Net.Socket => {
  if (target.tls === undefined) return connectPlain(target, from)
  return NodeTls.connect({
    ...target.tls,
    socket: connectPlain(target, from),
    servername: "timecoin.local",
    ALPNProtocols: ["timemesh/1"],
    rejectUnauthorized: false
  }).on("error", () => {})
}

/** When it can be said something. */
export const opened = (target: Target): string => target.tls === undefined ? "connect" : "secureConnect"

/** Hello and Commit of a peer that ranks lower than the target, as all addresses here do. */
export const greeting = (target: Target, from: string): Uint8Array => {
  const [self, peer] = [PeerIp.fromStringUnsafe(from), PeerIp.fromStringUnsafe(target.ip)]
  const process = (serial += 1).toString(16).padStart(16, "0")
  const nonce = BigInt(serial) * 7_919n + 1n
  // It says that it has no peers, which helps a newcomer into a full node.
  const extensions = Handshake.extensions(serial, 0)
  return concat(
    frame(RawPeer.hello(networks.devnet, peer, { process, nonce, tag: process.repeat(2), extensions })),
    frame({ _tag: "Commit", lower: self, higher: peer })
  )
}

/** A peer that comes up, answers pings, and measures its own. */
export class Client {
  readonly socket: Net.Socket
  /** Settles with true when it is up, with false when the connection ends before. */
  readonly up: Promise<boolean>
  readonly ended: Promise<void>
  isUp = false
  isClosed = false
  /** Why the node refused or ended it, as it said. */
  reject: string | undefined = undefined
  private readonly asked = new Map<bigint, { readonly at: number; readonly heard: (ms: number) => void }>()
  private nonce = 0n
  private readonly isBare: boolean

  /** `lateMs`: how long it waits with its Hello. */
  constructor(target: Target, from: string, lateMs = 0) {
    this.isBare = target.isBare
    this.socket = connect(target, from)
    const reader = NativeWire.reader((bytes) => new Uint8Array(bytes))
    this.ended = new Promise((resolve) => {
      this.socket.once("close", () => {
        this.isClosed = true
        resolve()
      })
    })
    this.up = new Promise((resolve) => {
      const isUp = () => {
        this.isUp = true
        resolve(true)
      }
      void this.ended.then(() => resolve(false))
      this.socket.once(opened(target), () => {
        if (this.isBare) return isUp()
        setTimeout(() => this.socket.write(greeting(target, from)), lateMs)
      })
      this.socket.on("data", (chunk) => {
        reader.push(chunk)
        for (
          let next = reader.read(NativeWire.limits.up);
          next === "message";
          next = reader.read(NativeWire.limits.up)
        ) {
          const message = reader.message()
          if (message._tag === "Ack") isUp()
          else if (message._tag === "Reject") this.reject = `${message.reason}: ${message.text}`
          else if (message._tag === "Ping" && !this.isBare) {
            this.socket.write(frame({ _tag: "Pong", nonce: message.nonce }))
          } else if (message._tag === "Pong" || message._tag === "Ping") this.heard(message.nonce)
        }
      })
    })
  }

  private heard(nonce: bigint): void {
    const asked = this.asked.get(nonce)
    if (asked === undefined) return
    this.asked.delete(nonce)
    asked.heard(performance.now() - asked.at)
  }

  /** Sends a ping; `heard` gets its round trip in ms. */
  ping(heard: (ms: number) => void): void {
    const nonce = this.nonce += 1n
    this.asked.set(nonce, { at: performance.now(), heard })
    this.socket.write(frame({ _tag: "Ping", nonce }))
  }

  /** ms that the oldest ping waits for its answer. */
  get waitsMs(): number {
    const [oldest] = this.asked.values()
    return oldest === undefined ? 0 : performance.now() - oldest.at
  }

  close(): void {
    this.socket.destroy()
  }
}
