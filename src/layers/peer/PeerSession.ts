/**
 * What frames mean: Hello and its checks, the pair's frames, pings and pongs, application data, peers' addresses; and the
 * liveness of connections that are up. One session for both directions.
 */
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import type { NodeEvent } from "../../domain/NodeEvent.ts"
import * as Handshake from "../../domain/pair/Handshake.ts"
import * as Pair from "../../domain/pair/Pair.ts"
import * as Liveness from "../../domain/peer/Liveness.ts"
import * as TieBreak from "../../domain/peer/TieBreak.ts"
import type { Reject } from "../../domain/wire/Message.ts"
import type * as Message from "../../domain/wire/Message.ts"
import * as NativeDecoder from "../../domain/wire/native/NativeDecoder.ts"
import * as NativeEncoder from "../../domain/wire/native/NativeEncoder.ts"
import { Kind } from "../../domain/wire/native/NativeLayout.ts"
import type { Aliases } from "./Aliases.ts"
import type { NodeCore } from "./NodeContext.ts"
import { overflow, sendPing } from "./PairDriver.ts"
import type { PeerRow } from "./Peer.ts"
import * as PeerConnection from "./PeerConnection.ts"

type ControlTag = "Hello" | "Commit" | "Ack" | "Reject" | "Ping" | "Pong" | "BadBody"

/** What the session leaves to others. */
export interface Hooks {
  readonly onPeers: (row: PeerRow, peers: Message.Peers["peers"]) => void
  readonly aliases: Aliases
}

/** The read side of a node's connections, and the messages they start with. */
export interface PeerSession {
  readonly sendHello: (row: PeerRow, connection: PeerConnection.PeerConnection) => void
  readonly onBytes: PeerConnection.Host["onBytes"]
  readonly onFrame: PeerConnection.Host["onFrame"]
  readonly onBatch: PeerConnection.Host["onBatch"]
  /** Ping at once, then at the pace of the liveness rules until the connection is down. */
  readonly startLiveness: (row: PeerRow, connection: PeerConnection.PeerConnection) => void
}

export const make = (core: NodeCore, hooks: Hooks): PeerSession => {
  const { aliases } = hooks
  const { network, software, tuning } = core.setup
  const local: Handshake.Local = {
    protocol: Handshake.protocolVersion,
    rule: Handshake.ruleVersion,
    network: network.name,
    genesis: network.genesis
  }

  const sendHello = (row: PeerRow, connection: PeerConnection.PeerConnection): void => {
    const tip = core.localChain.tip()
    connection.sendControl(NativeEncoder.encodeHello({
      _tag: "Hello",
      protocol: local.protocol,
      rule: local.rule,
      network: local.network,
      genesis: local.genesis,
      nonce: connection.helloNonce,
      tag: core.entropy.tagFor(row.ip),
      process: core.entropy.process,
      peer: row.ip,
      listens: core.listenPort,
      software,
      tipHeight: tip.height,
      tipHash: tip.hash,
      capabilities: Handshake.capabilities | core.localChain.capabilities,
      extensions: []
    }))
  }

  const fail = (
    row: PeerRow,
    connection: PeerConnection.PeerConnection,
    kind: DisconnectReason.Kind,
    detail: string
  ): void => core.dispatch(row, { _tag: "Closed", end: connection.id, reason: DisconnectReason.local(kind, detail) })

  const onHello = (row: PeerRow, connection: PeerConnection.PeerConnection, hello: Message.Hello): void => {
    if (connection.helloReceived) return fail(row, connection, "protocol", "a second Hello")
    connection.helloReceived = true
    core.strangers.delete(connection)
    const up = row.up
    const verdict = Handshake.check(hello, {
      local: core.mutant === "genesis-unchecked" ? { ...local, genesis: hello.genesis } : local,
      dir: connection.direction === "inbound" ? "in" : "out",
      remote: row.ip,
      isOwnDial: (nonce) => core.openDials.has(nonce),
      bannedMs: undefined,
      known: row.pair.ends.some((end) => end.phase === "up" || end.phase === "committing"),
      upCount: core.upCount,
      maxPeers: tuning.maxPeers
    })
    if (verdict._tag === "Refused") {
      if (verdict.reject === "self") metOurselves(hello.nonce)
      return core.dispatch(row, {
        _tag: "Refused",
        end: connection.id,
        reject: verdict.reject,
        detail: verdict.text,
        retryMs: Handshake.clampRetry(verdict.retryAfterMs, core.jitter())
      })
    }
    const role = core.mutant === "ip-as-text" ? TieBreak.rankAsText(verdict.self, row.ip) : verdict.role
    connection.role = role
    connection.self = verdict.self
    row.greeted = true
    connection.facts = {
      software: hello.software,
      tip: { height: hello.tipHeight, hash: hello.tipHash },
      process: hello.process,
      nonce: hello.nonce,
      capabilities: hello.capabilities,
      listens: hello.listens
    }
    if (up === undefined) aliases.onHello(row, hello)
    core.dispatch(row, {
      _tag: "Welcomed",
      end: connection.id,
      role,
      tag: verdict.tag,
      process: hello.process,
      self: verdict.self,
      listens: (hello.listens > 0 || (row.port !== undefined && row.port > 0)) && !row.own
    })
  }

  /**
   * What we dialled is this node: our own Hello came in. Only that is believed; of a peer that says so we keep away as long as it
   * asks, and no longer.
   */
  const metOurselves = (nonce: bigint): void => {
    for (const { direction, helloNonce, row } of core.running) {
      if (direction !== "outbound" || helloNonce !== nonce || row.own) continue
      row.own = true
      core.ownIps.add(row.ip)
      core.emit({ _tag: "OwnAddress", ip: row.ip })
      core.dispatch(row, { _tag: "Forgotten" })
    }
  }

  const onReject = (row: PeerRow, connection: PeerConnection.PeerConnection, reject: Reject): void => {
    if (reject.reason === "alias" && !aliases.onReject(row, reject.address)) {
      return fail(row, connection, "protocol", `an alias that is not connected: ${reject.address ?? "none given"}`)
    }
    core.dispatch(row, {
      _tag: "RejectReceived",
      end: connection.id,
      reject: reject.reason,
      detail: reject.text,
      retryMs: Handshake.clampRetry(reject.retryAfterMs, core.jitter())
    })
  }

  const onPing = (row: PeerRow, connection: PeerConnection.PeerConnection, nonce: bigint): void => {
    // L may ping while it commits; before that a ping is out of turn, and not worth an answer.
    if (connection.upAt === undefined) return
    connection.pingsReceived += 1
    note(row, connection, "PingReceived", nonce)
    if (core.mutant === "pong-dropped" && connection.outbox.queuedBytes > 0) return
    connection.pongsSent += 1
    note(row, connection, "PongSent", nonce)
    if (!connection.sendControl(NativeEncoder.encodePong(nonce))) overflow(core, row, connection)
  }

  const onPong = (row: PeerRow, connection: PeerConnection.PeerConnection, nonce: bigint): void => {
    if (connection.liveness === undefined) return
    const [liveness, rttMs] = Liveness.pong(connection.liveness, nonce, core.wheel.now())
    connection.liveness = liveness
    connection.pongsReceived += 1
    core.emit({
      _tag: "PongReceived",
      ip: row.ip,
      connection: connection.id,
      direction: connection.direction,
      socket: connection.socketName,
      nonce,
      rttMs
    })
    // Only an end that was challenged waits for it; most pongs answer the pings of liveness.
    if (row.pair.probe !== undefined) core.dispatch(row, { _tag: "PongReceived", end: connection.id, nonce })
  }

  const note = (
    row: PeerRow,
    connection: PeerConnection.PeerConnection,
    _tag: Extract<NodeEvent["_tag"], "PingReceived" | "PongSent">,
    nonce: bigint
  ): void =>
    core.emit({
      _tag,
      ip: row.ip,
      connection: connection.id,
      direction: connection.direction,
      socket: connection.socketName,
      nonce
    })

  const onControl = (row: PeerRow, connection: PeerConnection.PeerConnection, message: NativeDecoder.Decoded): void => {
    switch (message._tag) {
      case "Hello":
        return onHello(row, connection, message)
      case "Commit": {
        const wrong = connection.role === undefined || connection.self === undefined
          ? "Commit before Hello"
          : Handshake.checkCommit(message, connection.role, connection.self, row.ip)
        if (wrong !== undefined) return fail(row, connection, "protocol", wrong)
        return core.dispatch(row, { _tag: "CommitReceived", end: connection.id })
      }
      case "Ack":
        return core.dispatch(row, { _tag: "AckReceived", end: connection.id })
      case "Reject":
        return onReject(row, connection, message)
      case "Ping":
        return onPing(row, connection, message.nonce)
      case "Pong":
        return onPong(row, connection, message.nonce)
      case "BadBody":
        return fail(row, connection, "bad-frame", `kind ${message.kind}: ${message.reason}`)
      default:
        return onApplication(row, connection, message)
    }
  }

  /** Frames that exist only once the connection is up. */
  const onApplication = (
    row: PeerRow,
    connection: PeerConnection.PeerConnection,
    message: Exclude<NativeDecoder.Decoded, { readonly _tag: ControlTag }>
  ): void => {
    if (connection.upAt === undefined) {
      return fail(row, connection, "protocol", `${message._tag} before the connection is up`)
    }
    switch (message._tag) {
      case "Data":
        return
      case "Peers":
        return hooks.onPeers(row, message.peers)
      case "Also":
        return aliases.onAlso(row, connection, message.proof)
      case "Unknown":
        return core.emit({ _tag: "UnknownFrame", ip: row.ip, kind: message.kind })
      default:
        // Blocks may be held until those before them have come.
        connection.frames.keep()
        return core.protocols?.onMessage({ ip: row.ip, connection: connection.id }, message)
    }
  }

  // Data of one batch, one channel: handed over together.
  let dataChannel = -1
  let payloads: Array<Uint8Array> = []

  const handOver = (connection: PeerConnection.PeerConnection): void => {
    if (payloads.length === 0) return
    const handler = core.channels.get(dataChannel)
    const batch = payloads
    payloads = []
    if (handler !== undefined) handler({ ip: connection.ip, connection: connection.id }, batch)
  }

  const onFrame = (connection: PeerConnection.PeerConnection, kind: number): void => {
    const { frames } = connection
    if (kind === Kind.Data && connection.upAt !== undefined) {
      const message = NativeDecoder.decode(kind, frames.buffer, frames.start, frames.end)
      if (message._tag === "Data") {
        if (message.channel !== dataChannel) {
          handOver(connection)
          dataChannel = message.channel
        }
        payloads.push(message.payload)
        return
      }
    }
    handOver(connection)
    if (!connection.active) return
    const { row } = connection
    if (kind === PeerConnection.badFrame) {
      return fail(row, connection, "bad-frame", `a frame of ${frames.badLength} bytes, over ${connection.frameLimit}`)
    }
    onControl(row, connection, NativeDecoder.decode(kind, frames.buffer, frames.start, frames.end))
  }

  const armLiveness = (row: PeerRow, connection: PeerConnection.PeerConnection): void => {
    if (connection.liveness === undefined || !connection.active) return
    const due = Liveness.nextDue(connection.liveness, core.liveness)
    connection.liveTimer = core.wheel.arm(Math.max(0, due - core.wheel.now()), (lateMs) => {
      connection.liveTimer = undefined
      liveTick(row, connection, lateMs)
    })
  }

  const liveTick = (row: PeerRow, connection: PeerConnection.PeerConnection, lateMs: number): void => {
    if (connection.liveness === undefined || connection.upAt === undefined) return
    // The same patience that we ask of the peer for a frame of ours.
    const waits = connection.writeWaitMs(core.wheel.now())
    if (waits > Limits.frameMs + lateMs) {
      return fail(row, connection, "outbox-full", `nothing read by the peer for ${Math.round(waits)} ms`)
    }
    const lag = Math.max(lateMs, core.wheel.lag.totalMs - connection.lagWhenHeard)
    connection.lagWhenHeard = core.wheel.lag.totalMs
    const [liveness, action] = Liveness.tick(connection.liveness, core.wheel.now(), core.liveness, lag)
    connection.liveness = liveness
    switch (action._tag) {
      case "SendPing":
        connection.frames.rest()
        sendPing(core, row, connection, core.entropy.nonce())
        break
      case "Dead":
        return fail(row, connection, "silent", `no byte for ${Math.round(action.silentForMs)} ms`)
      case "Stalled":
        return fail(row, connection, "silent", `a frame did not end in ${Math.round(action.frameForMs)} ms`)
      case "None":
        break
    }
    armLiveness(row, connection)
  }

  return {
    sendHello,
    onBytes: (connection) => {
      const { row } = connection
      if (Pair.listensTo(row.pair) === connection.id) {
        core.dispatch(row, { _tag: "Heard", end: connection.id })
      }
    },
    onFrame,
    onBatch: (connection, frames) => {
      handOver(connection)
      dataChannel = -1
      if (connection.liveness === undefined) return
      if (frames === 0 && connection.frames.arriving) {
        core.protocols?.onProgress({ ip: connection.ip, connection: connection.id })
      }
      connection.lagWhenHeard = core.wheel.lag.totalMs
      connection.liveness = Liveness.heard(connection.liveness, core.wheel.now(), frames, connection.frames.arriving)
    },
    startLiveness: (row, connection) => liveTick(row, connection, 0)
  }
}
