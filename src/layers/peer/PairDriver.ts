/**
 * Drives the pair machine of every peer: feeds it events one at a time, gives it the chance and history it may not keep,
 * and does what it asks. No rule of the protocol lives here.
 */
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import * as Handshake from "../../domain/pair/Handshake.ts"
import * as Pair from "../../domain/pair/Pair.ts"
import * as PairRules from "../../domain/pair/PairRules.ts"
import type { Draw, PairAction, PairEvent, Timer } from "../../domain/pair/PairState.ts"
import * as Backoff from "../../domain/peer/Backoff.ts"
import * as Liveness from "../../domain/peer/Liveness.ts"
import * as NativeEncoder from "../../domain/wire/native/NativeEncoder.ts"
import type { NodeCore } from "./NodeContext.ts"
import type { PeerRow } from "./Peer.ts"
import type { PeerConnection } from "./PeerConnection.ts"

/** What the driver hands to the other parts of the connection manager. */
export interface Hooks {
  /** Make a connection for the end `id` and get it dialled. */
  readonly dial: (row: PeerRow, id: number) => void
  readonly sendHello: (row: PeerRow, connection: PeerConnection) => void
  readonly onUp: (row: PeerRow, connection: PeerConnection) => void
  readonly onDown: (row: PeerRow, connection: PeerConnection) => void
}

const timerKey = (timer: Timer) => `${timer.kind}:${timer.end}`

/** Installs `core.dispatch`. */
export const install = (core: NodeCore, hooks: Hooks): void => {
  const { tuning } = core.setup
  const pairStep = core.mutant === "keep-oldest" ? Pair.make({ ...PairRules.production, keep: "oldest" }) : Pair.step

  const draw = (row: PeerRow, event: PairEvent): Draw => {
    // The rank as it will be when the machine asks for the wait.
    const rank = event._tag === "Learned"
      ? event.rank ?? row.pair.rank
      : event._tag === "Welcomed"
      ? event.role
      : row.pair.rank
    const first = row.onlyWeDial || rank === undefined || (row.source === "configured" && row.ups === 0)
    return {
      id: core.mutant === "id-reused" ? 1 + core.nextId % 32 : core.nextId,
      nonce: core.entropy.nonce(),
      backoffMs: Backoff.delay(row.backoff, core.jitter(), {
        baseMs: tuning.backoffBaseMs,
        maxMs: tuning.backoffMaxMs,
        stableMs: Limits.stableMs
      }),
      fallbackMs: Backoff.fallbackMs(first ? "first" : "later", core.jitter(), tuning)
    }
  }

  /** What an event means for the backoff, before the machine asks for the next wait. */
  const noteHistory = (row: PeerRow, event: PairEvent): void => {
    if (event._tag === "DialFailed") {
      const tryAnother = event.detail === "ECONNREFUSED" && row.refusedPort(core.setup.network.port)
      if (!tryAnother) row.backoff = Backoff.failed(row.backoff)
      row.noteEnd(core.wall(), DisconnectReason.remote("dial-failed", event.detail), false)
    } else if (event._tag === "Closed") {
      const connection = row.connection(event.end)
      if (connection === undefined) return
      if (connection.upAt !== undefined) row.backoff = Backoff.ended(row.backoff, core.wall() - connection.upAt)
      else if (connection.direction === "outbound" && !connection.helloReceived) {
        row.backoff = Backoff.failed(row.backoff)
      }
    }
  }

  /** A socket that never came up is gone. */
  const refused = (row: PeerRow, connection: PeerConnection, reason: DisconnectReason.DisconnectReason): void => {
    row.noteEnd(core.wall(), reason, false)
    core.emit({
      _tag: "Refused",
      ip: row.ip,
      direction: connection.direction,
      socket: connection.socketName,
      reason
    })
  }

  const down = (row: PeerRow, connection: PeerConnection, reason: DisconnectReason.DisconnectReason): void => {
    const upAt = connection.upAt ?? core.wall()
    connection.downReason = reason
    connection.upAt = undefined
    core.upCount -= 1
    const at = core.wall()
    if (at - upAt >= Limits.stableMs) row.lastGoodAt = at
    row.noteEnd(at, reason, true)
    core.emit({
      _tag: "Down",
      ip: row.ip,
      connection: connection.id,
      direction: connection.direction,
      socket: connection.socketName,
      reason,
      upMs: at - upAt
    })
    hooks.onDown(row, connection)
  }

  const up = (row: PeerRow, connection: PeerConnection): void => {
    const role = connection.role ?? "higher"
    connection.upAt = core.wall()
    connection.frameLimit = Limits.frameBytes
    core.upCount += 1
    connection.upOrder = ++core.upOrder
    row.ups += 1
    row.inUseRefusals = 0
    row.aliasOf = undefined
    // Only now: a process that was refused, behind the address of one that lives, has no say.
    if (connection.facts !== undefined) {
      const { capabilities, listens, software, tip } = connection.facts
      Object.assign(row, { capabilities, software, tip })
      // The peer's own word on its port holds, unless our dial to another one is what reached it.
      if (listens > 0 && (row.port === undefined || connection.direction === "inbound")) row.learnPort(listens)
    }
    row.onlyWeDial = role === "higher" && connection.direction === "outbound"
    const now = core.wheel.now()
    connection.liveness = Liveness.start(now)
    connection.lagWhenHeard = core.wheel.lag.totalMs
    if (connection.committedAt !== undefined) {
      connection.liveness = Liveness.sample(connection.liveness, now - connection.committedAt)
    }
    core.emit({
      _tag: "Up",
      ip: row.ip,
      connection: connection.id,
      direction: connection.direction,
      socket: connection.socketName,
      role
    })
    hooks.onUp(row, connection)
  }

  const rejectFrame = (row: PeerRow, connection: PeerConnection, action: PairAction & { readonly _tag: "Close" }) => {
    const { reject } = action
    if (reject === undefined) return undefined
    if (reject === "in-use") row.inUseRefusals += 1
    // Where the peer has us: on the other address's connection, or on this one's.
    const stays = row.aliasOf === undefined ? row.up : core.table.get(row.aliasOf)?.up
    return NativeEncoder.encodeReject({
      _tag: "Reject",
      reason: reject,
      text: action.reason.detail ?? "",
      retryAfterMs: Handshake.retryAfterMs(reject, { refusals: row.inUseRefusals }),
      ...(reject === "alias" && stays?.self !== undefined && stays !== connection ? { address: stays.self } : {})
    })
  }

  const ping = (row: PeerRow, connection: PeerConnection, nonce: bigint): void => {
    sendPing(core, row, connection, nonce, () =>
      core.dispatch(row, {
        _tag: "Flushed",
        end: connection.id,
        nonce,
        rttMs: connection.liveness?.rtt?.smoothedMs
      }))
  }

  const armTimer = (row: PeerRow, timer: Timer, ms: number): void => {
    disarmTimer(row, timer)
    if (core.stopping) return
    const key = timerKey(timer)
    const lagBefore = core.wheel.lag.totalMs
    const armed = core.wheel.arm(ms, () => {
      row.timers?.delete(key)
      if (timer.kind === "redial") {
        // While we stood still the peer may have dialled, and its dial is waiting to be accepted: give it the time back.
        const lag = core.wheel.lag.totalMs - lagBefore
        if (lag > Limits.lagFloorMs) return armTimer(row, timer, lag)
        if (core.isolated.has(row.ip)) return armTimer(row, timer, Limits.isolatedRedialMs)
        // Every place is taken: the peer stays known, and gets its turn when one is free.
        if (core.upCount >= tuning.maxPeers) return armTimer(row, timer, Limits.retryFullMs)
        row.nextDialAt = undefined
      }
      core.dispatch(row, { _tag: "Fired", timer })
    })
    row.timers ??= new Map()
    row.timers.set(key, armed)
    if (timer.kind === "redial") row.nextDialAt = core.wall() + ms
  }

  const disarmTimer = (row: PeerRow, timer: Timer): void => {
    const key = timerKey(timer)
    const armed = row.timers?.get(key)
    if (armed === undefined) return
    core.wheel.disarm(armed)
    row.timers?.delete(key)
    if (timer.kind === "redial") row.nextDialAt = undefined
  }

  const perform = (row: PeerRow, action: PairAction): void => {
    switch (action._tag) {
      case "Arm":
        return armTimer(row, action.timer, action.ms)
      case "Disarm":
        return disarmTimer(row, action.timer)
      case "Dial":
        core.nextId = core.mutant === "id-reused" ? core.nextId + 1 : Math.max(core.nextId, action.end + 1)
        return hooks.dial(row, action.end)
    }
    const connection = row.connection(action.end)
    if (connection === undefined) return
    switch (action._tag) {
      case "SendHello":
        return hooks.sendHello(row, connection)
      case "SendCommit":
        connection.committedAt = core.wheel.now()
        return void connection.sendControl(
          NativeEncoder.encodeCommit(Handshake.commit(connection.self ?? row.ip, row.ip))
        )
      case "SendAck":
        return void connection.sendControl(NativeEncoder.encodeAck())
      case "SendPing":
        return ping(row, connection, action.nonce)
      case "Up":
        return up(row, connection)
      case "Down":
        return down(row, connection, action.reason)
      case "Close":
        if (connection.upAt === undefined) refused(row, connection, action.reason)
        return connection.close(rejectFrame(row, connection, action))
      case "Aliased":
        return core.emit({
          _tag: "Aliased",
          ip: row.ip,
          other: action.self,
          detail: `this peer is connected to ${action.self} and came again to another address of ours`
        })
    }
  }

  /** Ends the pair's machine no longer has: their sockets are closing or closed. */
  const prune = (row: PeerRow, event: PairEvent): void => {
    const { ends } = row.pair
    if (row.connections.length === ends.length && row.connections.every((c, i) => c.id === ends[i]?.id)) return
    const kept: Array<PeerConnection> = []
    for (const connection of row.connections) {
      if (Pair.phaseOf(row.pair, connection.id) !== undefined) {
        kept.push(connection)
        continue
      }
      core.openDials.delete(connection.helloNonce)
      core.strangers.delete(connection)
      if (event._tag === "Closed" && event.end === connection.id) {
        if (connection.downReason === undefined) refused(row, connection, event.reason)
        connection.close(lastWord(event.reason))
      }
    }
    row.connections = kept
  }

  const step = (row: PeerRow, event: PairEvent): void => {
    noteHistory(row, event)
    const [state, actions] = pairStep(row.pair, event, draw(row, event))
    row.pair = state
    for (const action of actions) perform(row, action)
    prune(row, event)
  }

  core.dispatch = (row, event) => {
    row.inbox.push(event)
    if (row.stepping) return
    row.stepping = true
    try {
      for (let next = row.inbox.shift(); next !== undefined; next = row.inbox.shift()) step(row, next)
    } finally {
      row.stepping = false
    }
    core.table.changed(row)
  }
}

/** Faults of the peer that it should read about before the socket closes. */
const lastWord = (reason: DisconnectReason.DisconnectReason): Uint8Array | undefined =>
  reason.by === "local" && (reason.kind === "bad-frame" || reason.kind === "protocol")
    ? NativeEncoder.encodeReject({
      _tag: "Reject",
      reason: "protocol",
      text: reason.detail ?? reason.kind,
      retryAfterMs: Handshake.retryAfterMs("protocol")
    })
    : undefined

/** Sends a ping, as a challenge or for liveness: both are matched by nonce and measure the round trip. */
export const sendPing = (
  core: NodeCore,
  row: PeerRow,
  connection: PeerConnection,
  nonce: bigint,
  left?: () => void
): void => {
  if (connection.liveness !== undefined) {
    connection.liveness = Liveness.pingSent(connection.liveness, nonce, core.wheel.now())
  }
  connection.pingsSent += 1
  core.emit({
    _tag: "PingSent",
    ip: row.ip,
    connection: connection.id,
    direction: connection.direction,
    socket: connection.socketName,
    nonce
  })
  if (!connection.sendControl(NativeEncoder.encodePing(nonce), left)) overflow(core, row, connection)
}

/** The peer does not read what we write. */
export const overflow = (core: NodeCore, row: PeerRow, connection: PeerConnection): void =>
  core.dispatch(row, {
    _tag: "Closed",
    end: connection.id,
    reason: DisconnectReason.local("outbox-full", `${connection.outbox.queuedBytes} bytes unread by the peer`)
  })
