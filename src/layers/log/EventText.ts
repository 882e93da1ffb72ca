/**
 * The log line of each node event. Pure.
 *
 * Operators grep the log, so these texts are an interface. `PeerConnection` appears in the lines of Up and Down and in no
 * other; `disconnected (EOF)` in every Down by end of stream; `ping` and `pong` with the peer's IP in both directions.
 */
import type { LogLevel } from "effect"
import { Result } from "effect"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import { shortKey } from "../../domain/masternode/MasternodeReport.ts"
import type { NodeEvent } from "../../domain/NodeEvent.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import * as IsolationFloor from "../../domain/protection/IsolationFloor.ts"
import * as SyncStatus from "../../domain/sync/SyncStatus.ts"

/** One line and the budget it counts against. */
export interface LogLine {
  readonly level: LogLevel.Severity
  readonly text: string
  /** Lines of one kind share a budget. */
  readonly kind: string
  /** Maximum lines of that kind per `Limits.logWindowMs`. */
  readonly most: number
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`

/** Cleans text that a peer may have written: removes control characters and what operators grep for, and bounds the length. */
const clean = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029]+/gu, " ").replace(/PeerConnection|disconnected/gi, "…").slice(
    0,
    Limits.peerTextCharacters
  )

/** `DisconnectReason.label`, then the detail after a colon. */
const reasonText = (reason: DisconnectReason.DisconnectReason): string =>
  reason.detail === undefined
    ? DisconnectReason.label(reason)
    : `${DisconnectReason.label(reason)}: ${clean(reason.detail)}`

const hex = (nonce: bigint): string => nonce.toString(16).padStart(16, "0")

const refusedLevel = (reason: DisconnectReason.DisconnectReason): LogLevel.Severity => {
  const said = reason.reject ?? reason.kind
  // This node's operator has to act on these.
  if (said === "incompatible" || said === "banned" || (said === "in-use" && reason.by === "remote")) return "Warn"
  // Routine when both ends dial at once, or while the peer restarts.
  return said === "duplicate" || said === "alias" || said === "shutdown" ||
      said === "dial-failed" ||
      said === "replaced" || said === "eof" || said === "reset"
    ? "Debug"
    : "Info"
}

/** The fix, where only this node's operator can act. */
const advice = ({ by, reject }: DisconnectReason.DisconnectReason): string =>
  reject !== "in-use"
    ? ""
    : by === "remote"
    ? "; another node behind this node's public address is connected to it: run one node per public IP"
    : "; a second node came from the address of a connected peer"

const line = (level: LogLevel.Severity, kind: string, most: number, text: string): LogLine => ({
  level,
  kind,
  most,
  text
})

/** A line that any remote host can trigger at will: it gets the small budget. */
const remote = (level: LogLevel.Severity, kind: string, text: string): LogLine =>
  line(level, kind, Limits.logLinesRemote, text)

/** The warning of a node that has no peer to dial. */
export const noPeersKnown = "No peers known: use --peer IP:PORT, or wait for an inbound connection"

/** The line of one event. */
export const describe = (event: NodeEvent): LogLine => {
  switch (event._tag) {
    case "Listening":
      return line("Info", event._tag, Limits.logLinesConnections, `listening on ${event.address}`)
    case "NoPeersKnown":
      return remote("Warn", event._tag, noPeersKnown)
    case "PeerLearned":
      return remote(
        "Info",
        event._tag,
        `learned of peer ${PeerAddress.format(PeerAddress.make(event.ip, event.port))} (${event.source})`
      )
    case "Dialling":
      return line(
        "Debug",
        event._tag,
        Limits.logLinesDebug,
        `dialling ${PeerAddress.format(PeerAddress.make(event.ip, event.port))}`
      )
    case "DialFailed":
      return remote("Info", event._tag, `dial to ${event.ip} failed: ${clean(event.detail)}`)
    case "Up":
      return line(
        "Info",
        event._tag,
        Limits.logLinesConnections,
        `PeerConnection established with ${event.ip} (${event.direction}, ${event.role}, ${event.socket})`
      )
    case "Down": {
      const detail = event.reason.detail === undefined ? "" : `, ${clean(event.reason.detail)}`
      return line(
        "Info",
        event._tag,
        Limits.logLinesConnections,
        `PeerConnection disconnected (${DisconnectReason.label(event.reason)}) ${event.ip} after ${
          seconds(event.upMs)
        } (by ${event.reason.by}, ${event.direction}, ${event.socket}${detail})`
      )
    }
    case "Refused":
      return remote(
        refusedLevel(event.reason),
        `${event._tag} ${DisconnectReason.label(event.reason)}`,
        `${event.direction} attempt ${event.direction === "inbound" ? "from" : "to"} ${event.ip} ended (${
          reasonText(event.reason)
        }), by ${event.reason.by}${advice(event.reason)}`
      )
    case "PingSent":
      return line("Debug", event._tag, Limits.logLinesDebug, `ping sent to ${event.ip} nonce ${hex(event.nonce)}`)
    case "PingReceived":
      return line("Debug", event._tag, Limits.logLinesDebug, `ping received from ${event.ip} nonce ${hex(event.nonce)}`)
    case "PongSent":
      return line("Debug", event._tag, Limits.logLinesDebug, `pong sent to ${event.ip} nonce ${hex(event.nonce)}`)
    case "PongReceived":
      return line(
        "Debug",
        event._tag,
        Limits.logLinesDebug,
        `pong received from ${event.ip} nonce ${hex(event.nonce)}${
          event.rttMs === undefined ? ", unsolicited" : ` in ${event.rttMs.toFixed(2)} ms`
        }`
      )
    case "TipChanged":
      return line(
        // Several per second during initial sync: the progress line shows the height.
        "Debug",
        event._tag,
        Limits.logLinesRemote,
        `height ${event.height} (${event.added} new, ${event.hash.slice(0, 16)}${
          event.from === undefined ? "" : `, from ${event.from}`
        })`
      )
    case "Reorg":
      return remote(
        "Warn",
        event._tag,
        `reorg: replaced ${event.depth} blocks above height ${event.fork}, now at height ${event.height}`
      )
    case "Synced":
      return remote("Info", event._tag, `in sync at height ${event.height}`)
    case "SyncStalled":
      return remote("Info", event._tag, `sync stalled on ${event.ip} (${event.stalls}×), asking other peers`)
    case "SyncBlamed":
      return remote(
        "Warn",
        event._tag,
        `stopped syncing from ${event.ip}: ${event.fault}, ${clean(event.detail)}`
      )
    case "Offence":
      return remote(
        "Info",
        event._tag,
        `offence of ${event.ip}: ${event.kind}, ${clean(event.detail)} (${event.points} of ${Limits.banScore} points)${
          event.spared === undefined ? "" : `; not banned: ${IsolationFloor.describe(event.spared)}`
        }`
      )
    case "Banned":
      return remote(
        "Warn",
        event._tag,
        `banned ${event.subnet} for ${seconds(event.forMs)} (by ${event.by})${
          event.detail === "" ? "" : `: ${clean(event.detail)}`
        }`
      )
    case "Unbanned":
      return remote(
        "Info",
        event._tag,
        `ban of ${event.subnet} ${event.by === "time" ? "is over" : "lifted by the operator"}`
      )
    case "Evicted":
      return remote("Info", event._tag, `evicted ${event.ip} in favour of ${event.other}: all places are taken`)
    case "TurnedAway":
      return remote(
        "Info",
        event._tag,
        `turned away ${event.sockets} connections of banned addresses, such as ${event.ip}`
      )
    case "LeftBehind":
      return remote(
        "Warn",
        event._tag,
        SyncStatus.leftBehindText({ ...event, peer: event.ip, told: { height: event.height } })
      )
    case "StoreFailed":
      return remote("Error", event._tag, `chain store failed: ${clean(event.detail)}`)
    case "Aliased":
      return remote("Info", event._tag, `${event.ip} and ${event.other} are the same node: ${clean(event.detail)}`)
    case "OwnAddress":
      return remote("Info", event._tag, `${event.ip} is this node's own address`)
    case "SeedAsked":
      return remote(
        event.detail === undefined ? "Info" : "Warn",
        event._tag,
        event.detail === undefined
          ? `seed ${event.seed} gave ${event.addresses} address${event.addresses === 1 ? "" : "es"}`
          : `seed ${event.seed} gave no addresses: ${clean(event.detail)}`
      )
    case "OwnAddressSeen":
      return remote(
        "Info",
        event._tag,
        `peers of ${event.groups} netgroups see this node at ${event.ip}${
          event.before === undefined ? "" : `, no longer at ${event.before}`
        }`
      )
    case "Reachability":
      return remote(
        event.reachable === "yes" ? "Info" : "Warn",
        event._tag,
        event.reachable === "yes"
          ? `this node can be reached from outside (${event.detail})`
          : `this node cannot be reached from outside: ${event.detail}; only its own dials connect it. timemesh status says what to do`
      )
    case "LoopLag":
      return remote(
        event.ms >= 1_000 ? "Warn" : "Debug",
        event._tag,
        `event loop blocked for ${event.ms.toFixed(0)} ms`
      )
    case "AcceptFailed":
      return remote(
        "Warn",
        event._tag,
        `cannot accept connections: ${clean(event.detail)}; raise the limit of open files (ulimit -n)`
      )
    case "InboundRefused":
      return remote(
        "Warn",
        event._tag,
        `refused ${event.connections} inbound connections from unknown peers over the rate limit for them`
      )
    case "UnknownFrame":
      return remote("Info", event._tag, `skipped frame of unknown kind ${event.kind} from ${event.ip}`)
    case "MessagesDropped":
      return remote(
        "Warn",
        event._tag,
        `dropped ${event.messages} messages of ${event.ip} on channel ${event.channel}: ${
          event.why === "no receiver"
            ? "the application does not receive on it"
            : "the application failed on those before them"
        }`
      )
    case "ReceiverFailed":
      // The error and its cause are logged where it was caught.
      return remote(
        "Debug",
        event._tag,
        `the application failed on a message of ${event.ip} on channel ${event.channel} (${event.failures}×): ${
          clean(event.detail)
        }`
      )
    case "MasternodeLive":
      return remote(
        "Info",
        event._tag,
        `masternode ${event.ip} (${event.tier}, key ${shortKey(event.key)}) is live, ${event.others + 1} live`
      )
    case "MasternodeGone":
      return remote(
        "Info",
        event._tag,
        `masternode ${event.ip} (key ${shortKey(event.key)}) is no longer live, ${event.others} live`
      )
    case "MasternodeConflict":
      return remote("Warn", event._tag, `masternodes contradict one another: ${event.detail}`)
    case "Stopping":
      return line("Info", event._tag, Limits.logLinesConnections, "shutting down")
  }
}

/** The event as log annotations for programs that read the log: JSON-safe, nonces as 16 hex digits. */
export const data = (event: NodeEvent): Readonly<Record<string, unknown>> => {
  const { _tag, ...rest } = event
  const plain: Readonly<Record<string, unknown>> = { event: _tag, ...rest }
  if ("nonce" in rest) return { ...plain, nonce: hex(rest.nonce) }
  if ("detail" in rest && rest.detail !== undefined) return { ...plain, detail: clean(rest.detail) }
  return "reason" in rest && rest.reason.detail !== undefined
    ? { ...plain, reason: { ...rest.reason, detail: clean(rest.reason.detail) } }
    : plain
}

/** The warning for plain TCP beyond loopback; `undefined` on loopback. `address` as in `Listening`. */
export const plainTcpWarning = (address: string): string | undefined => {
  const parsed = PeerAddress.fromString(address, 1)
  return Result.isSuccess(parsed) && PeerIp.classOf(parsed.success.ip) === "loopback"
    ? undefined
    : `plain TCP on ${address}: traffic can be read and modified in transit; use it on trusted networks only`
}
