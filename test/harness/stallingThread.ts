/**
 * A peer in a thread of its own, on real TCP or TLS: it runs while the test's event loop stands still. It answers at once, but for one
 * answer, which it holds until the test stands still for the n-th time: then its bytes lie unread in the test's kernel.
 */
import type * as Net from "node:net"
import * as Tcp from "node:net"
import { setTimeout as delay } from "node:timers/promises"
import * as NodeTls from "node:tls"
import { parentPort, workerData } from "node:worker_threads"
import { networks } from "../../src/domain/Network.ts"
import * as Handshake from "../../src/domain/pair/Handshake.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import { FrameReader } from "../../src/domain/wire/Frame.ts"
import type { Message } from "../../src/domain/wire/Message.ts"
import * as NativeDecoder from "../../src/domain/wire/native/NativeDecoder.ts"
import * as NativeEncoder from "../../src/domain/wire/native/NativeEncoder.ts"
import type { Decoded } from "../../src/domain/wire/Wire.ts"
import type { Pem } from "../../src/layers/socket/makeCertificate.ts"

/** What the test asks of the peer. */
export interface StallScript {
  readonly ip: string
  readonly node: { readonly ip: string; readonly port: number }
  /** Its certificate: it speaks TLS. */
  readonly tls: Pem | undefined
  /** Whether it dials the node, or waits to be dialled. */
  readonly dials: boolean
  /** Its rank against the node. */
  readonly role: "lower" | "higher"
  /** The answer that is held. `Pong`: that to the challenge by the second socket, which it opens once the first is up and the test says so. */
  readonly hold: "Hello" | "Commit" | "Ack" | "Pong" | "nothing"
  /** Whether the second socket is of another process. */
  readonly otherProcess: boolean
  /** At which stall of the test the held answer goes out. */
  readonly answerAt: number
}

const script = workerData.script as StallScript
/** How many stalls the test has begun, and whether the second sockets may open. */
const stalls = new Int32Array(workerData.stalls as SharedArrayBuffer)
const tell = (what: string) => parentPort?.postMessage(what, [])

/** Waits until the test has begun its n-th stall. */
const held = (send: () => void): void => {
  tell("hold")
  for (let seen = Atomics.load(stalls, 0); seen < script.answerAt; seen = Atomics.load(stalls, 0)) {
    Atomics.wait(stalls, 0, seen)
  }
  send()
}

/** A challenge ends by itself after a few seconds: it begins only when everything else is in its phase. */
const mayOpen = async (): Promise<void> => {
  await Atomics.waitAsync(stalls, 1, 0).value
  await delay(300)
}

const talk = (socket: Net.Socket, name: "first" | "second"): void => {
  const reader = new FrameReader()
  let pings = 0
  const send = (message: Message) => {
    for (const bytes of NativeEncoder.encode(message)) socket.write(bytes)
  }
  const hello = () =>
    send({
      _tag: "Hello",
      protocol: Handshake.protocolVersion,
      rule: Handshake.ruleVersion,
      network: networks.devnet.name,
      genesis: networks.devnet.genesis,
      nonce: name === "first" ? 1n : 2n,
      tag: (name === "second" && script.otherProcess ? "cd" : "ab").repeat(16),
      process: (name === "second" && script.otherProcess ? "34" : "12").repeat(8),
      peer: PeerIp.fromStringUnsafe(script.node.ip),
      listens: 0,
      software: "raw",
      tipHeight: 0,
      tipHash: networks.devnet.genesis,
      capabilities: Handshake.capabilities,
      extensions: []
    })
  const up = () => {
    tell(`${name} up`)
    if (name === "first" && script.hold === "Pong") void mayOpen().then(() => open("second"))
  }
  const commit = () =>
    send({
      _tag: "Commit",
      lower: PeerIp.fromStringUnsafe(script.ip),
      higher: PeerIp.fromStringUnsafe(script.node.ip)
    })
  const received = (message: Decoded): void => {
    switch (message._tag) {
      case "Hello":
        if (script.role !== "lower") return
        return script.hold === "Commit" ? held(commit) : commit()
      case "Commit":
        if (script.hold === "Ack" && name === "first") return held(() => send({ _tag: "Ack" }))
        send({ _tag: "Ack" })
        return up()
      case "Ack":
        return up()
      case "Ping": {
        pings += 1
        const pong = () => send({ _tag: "Pong", nonce: message.nonce })
        // The first ping is that of liveness, on Up.
        if (script.hold === "Pong" && name === "first" && pings === 2) return held(pong)
        return pong()
      }
      case "Reject":
        return tell(`${name} rejected: ${message.reason}`)
      default:
        return
    }
  }
  socket.on("data", (chunk) => {
    reader.push(chunk)
    while (reader.next(1 << 20) === "frame") {
      received(NativeDecoder.decode(reader.kind, reader.buffer, reader.start, reader.end))
    }
  })
  socket.on("close", () => tell(`${name} closed`))
  socket.on("error", () => {})
  if (script.hold === "Hello") held(hello)
  else hello()
}

/** Its side of TLS: the pin of the node is its own affair. */
const secure = (tls: Pem) => ({
  cert: tls.certificate,
  key: tls.privateKey,
  ALPNProtocols: ["timemesh/1"],
  rejectUnauthorized: false
})

const open = (name: "first" | "second"): void => {
  const to = { host: script.node.ip, port: script.node.port, localAddress: script.ip }
  if (script.tls === undefined) {
    const socket = Tcp.connect(to)
    socket.once("connect", () => talk(socket, name))
    return
  }
  const socket = NodeTls.connect({ ...to, ...secure(script.tls) })
  socket.once("secureConnect", () => talk(socket, name))
}

const serve = (handler: (socket: Net.Socket) => void): Net.Server =>
  script.tls === undefined
    ? Tcp.createServer(handler)
    : NodeTls.createServer({ ...secure(script.tls), requestCert: true }, handler)

if (script.dials) open("first")
else {
  const server = serve((socket) => talk(socket, "first"))
  server.listen({ host: script.ip, port: 0 }, () => {
    const address = server.address()
    parentPort?.postMessage({ port: typeof address === "object" ? address?.port : 0 }, [])
  })
}
