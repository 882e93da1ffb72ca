/**
 * Asks one node of the network what it is and which peers it knows, over whichever wire it speaks, then disconnects. It behaves like a good
 * peer: one connection, one handshake, each question once.
 */
import { Effect, Option, Result } from "effect"
import type { Socket } from "effect/socket"
import { hexText } from "../../domain/hexText.ts"
import * as Limits from "../../domain/Limits.ts"
import type { Network } from "../../domain/Network.ts"
import * as Handshake from "../../domain/pair/Handshake.ts"
import * as TimeHandshake from "../../domain/pair/TimeHandshake.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { WireName } from "../../domain/peer/PeerRecord.ts"
import * as TieBreak from "../../domain/peer/TieBreak.ts"
import type { Message } from "../../domain/wire/Message.ts"
import * as NativeEncoder from "../../domain/wire/native/NativeEncoder.ts"
import { NativeWire } from "../../domain/wire/native/NativeWire.ts"
import * as TimeEncoder from "../../domain/wire/time/TimeEncoder.ts"
import type { TimeMessage } from "../../domain/wire/time/TimeMessage.ts"
import { TimeReader } from "../../domain/wire/time/TimeReader.ts"
import type { Decoded, WireReader } from "../../domain/wire/Wire.ts"
import { errorCode, type PeerSocket, type Secured, transportOf, wireOf } from "../../services/PeerSocket.ts"
import { RandomBytes } from "../../services/RandomBytes.ts"

/** What one node answered. */
export interface Finding {
  readonly ip: PeerIp
  readonly port: number
  /** Whether a connection could be opened, including TLS where the network uses it. */
  readonly isReachable: boolean
  readonly wire: WireName | undefined
  /** `plain`, or the TLS version. */
  readonly transport: string | undefined
  readonly software: string | undefined
  readonly height: number | undefined
  /** Why the node could not be asked, or did not answer everything; absent if it did. */
  readonly problem: string | undefined
  /** The peers it lists. */
  readonly peers: ReadonlyArray<PeerAddress.PeerAddress>
}

/** The answers received so far. */
interface Notes {
  software?: string
  height?: number
  problem?: string
  readonly peers: Array<PeerAddress.PeerAddress>
}

type Heard = "more" | "done"

/** One side of a conversation. `heard` takes a message; answers are collected, and sent after each batch. */
interface Talk<M> {
  readonly reader: WireReader<M>
  readonly begin: () => void
  readonly heard: (message: Decoded<M>) => Heard
}

type Say = (frame: ReadonlyArray<Uint8Array>) => void

/** A conversation on the native wire. `nonce`: random bytes; `own`: this end's address on the socket. */
const native = (
  { network, nonce, own, software, to }: {
    readonly network: Network
    readonly nonce: Uint8Array
    readonly own: PeerIp
    readonly software: string
    readonly to: PeerAddress.PeerAddress
  },
  notes: Notes,
  sendFrame: Say
): Talk<Message> => {
  const say = (message: Message) => sendFrame(NativeEncoder.encode(message))
  const text = hexText(nonce)
  return {
    reader: NativeWire.reader((bytes) => new Uint8Array(bytes)),
    begin: () =>
      say({
        _tag: "Hello",
        protocol: Handshake.protocolVersion,
        rule: Handshake.ruleVersion,
        network: network.name,
        genesis: network.genesis,
        nonce: BigInt(`0x${text.slice(0, 16)}`),
        tag: text,
        process: text.slice(0, 16),
        peer: to.ip,
        listens: 0,
        software,
        tipHeight: 0,
        tipHash: network.genesis,
        capabilities: Handshake.Capability.peers | Handshake.Capability.refusals,
        extensions: []
      }),
    heard: (message) => {
      switch (message._tag) {
        case "Hello":
          notes.software = message.software
          notes.height = message.tipHeight
          if (TieBreak.rank(own, to.ip) === "lower") say({ _tag: "Commit", lower: own, higher: to.ip })
          return "more"
        case "Commit":
          say({ _tag: "Ack" })
          say({ _tag: "AskPeers" })
          return "more"
        case "Ack":
          say({ _tag: "AskPeers" })
          return "more"
        case "Peers":
          notes.peers.push(...message.peers)
          return "done"
        case "Reject":
          notes.problem = `refused: ${message.reason}${message.text === "" ? "" : ` (${message.text})`}`
          return "done"
        default:
          return "more"
      }
    }
  }
}

const time = (network: Network, notes: Notes, sendFrame: Say): Talk<TimeMessage> => {
  const say = (message: TimeMessage) => {
    const frame = TimeEncoder.encode(message)
    if (frame !== undefined) sendFrame([frame])
  }
  // The answers still missing: its peers, its masternodes, and its height.
  const owed = new Set(["peers", "masternodes", "height"])
  const told = (addresses: ReadonlyArray<string>) => {
    for (const text of addresses.slice(0, Limits.peersPerMessage)) {
      const at = PeerAddress.fromString(text, network.port)
      // Nodes of this network listen on one port, whatever a list claims.
      if (Result.isSuccess(at)) notes.peers.push(PeerAddress.make(at.success.ip, network.port))
    }
  }
  const paid = (what: string): Heard => {
    owed.delete(what)
    return owed.size === 0 && notes.software !== undefined ? "done" : "more"
  }
  return {
    reader: new TimeReader((bytes) => new Uint8Array(bytes)),
    begin: () => {
      const own = TimeHandshake.own(network.name)
      if (own !== undefined) say(own)
    },
    heard: (message) => {
      switch (message._tag) {
        case "Ack":
          say({ _tag: "GetPeers" })
          say({ _tag: "GetMasternodes" })
          say({ _tag: "GetBlockHeight" })
          return "more"
        case "Handshake":
          notes.software = `timed/${message.commitCount}`
          return paid("")
        case "BlockHeightResponse":
          notes.height = message.height
          return paid("height")
        case "PeersResponse":
          told(message.addresses)
          return paid("peers")
        case "PeerExchange":
          told(message.peers.map(({ address }) => address))
          return paid("peers")
        case "MasternodesResponse":
          told(message.masternodes.map(({ address }) => address))
          return paid("masternodes")
        case "ForkAlert":
          notes.problem = `refused: ${message.message}`
          return owed.size < 3 ? "more" : "done"
        default:
          return "more"
      }
    }
  }
}

const incomplete = "it did not answer everything in time"

/** Reads until the conversation is done. */
const converse = <M>(
  { begin, heard, reader }: Talk<M>,
  limit: number,
  pull: Effect.Effect<ReadonlyArray<Uint8Array | string>, Socket.SocketError>,
  flush: Effect.Effect<void, Socket.SocketError>
): Effect.Effect<void, Socket.SocketError> =>
  Effect.gen(function*() {
    begin()
    yield* flush
    while (true) {
      for (const chunk of yield* pull) if (typeof chunk !== "string") reader.push(chunk)
      for (let next = reader.read(limit); next !== "none"; next = reader.read(limit)) {
        if (next === "malformed") return
        if (next === "message" && heard(reader.message()) === "done") return
      }
      yield* flush
    }
  })

/** Asks the node at an address. Never fails: errors are part of the finding. */
export const probe = Effect.fnUntraced(function*(
  sockets: PeerSocket["Service"],
  { network, software }: { readonly network: Network; readonly software: string },
  to: PeerAddress.PeerAddress
): Effect.fn.Return<Finding> {
  const nonce = (yield* RandomBytes)(16)
  const notes: Notes = { peers: [] }
  let secured: Secured | undefined
  let isReachable = false
  const talking = Effect.scoped(Effect.gen(function*() {
    const dialled = yield* sockets.dial(to, { timeoutMs: Limits.crawlDialMs })
    const { pull } = yield* dialled.socket.reader
    isReachable = true
    secured = Option.getOrUndefined(yield* dialled.secured)
    const own = Option.getOrUndefined(yield* dialled.local)?.ip ?? to.ip
    const { write } = yield* dialled.socket.writer
    const frames: Array<Uint8Array> = []
    const send: Say = (frame) => frames.push(...frame)
    const flush = Effect.suspend(() => Effect.forEach(frames.splice(0), write, { discard: true }))
    yield* wireOf(secured) === "time"
      ? converse(time(network, notes, send), Limits.frameBytes, pull, flush)
      : converse(native({ network, nonce, own, software, to }, notes, send), Limits.frameBytes, pull, flush)
  }))
  const outcome = yield* Effect.result(Effect.timeoutOption(talking, Limits.crawlDialMs + Limits.crawlAnswerMs))
  const problem = Result.isFailure(outcome)
    ? isReachable ? notes.problem ?? incomplete : errorCode(outcome.failure) ?? outcome.failure.message
    : Option.isNone(outcome.success)
    ? incomplete
    : notes.problem
  return {
    ip: to.ip,
    port: to.port,
    isReachable,
    wire: isReachable ? wireOf(secured) : undefined,
    transport: isReachable ? transportOf(secured) : undefined,
    software: notes.software,
    height: notes.height,
    problem,
    peers: notes.peers
  }
})
