/**
 * The one line a node event becomes in the log. Pure.
 *
 * Operators grep: `PeerConnection` stands in the lines of Up and Down and in no other, `disconnected (EOF)` in every Down
 * by end of stream, `ping` and `pong` with the peer's IP in both directions. The texts below are therefore an interface.
 */
import type { LogLevel } from "effect"
import { Result } from "effect"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import type { NodeEvent } from "../../domain/NodeEvent.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"

export interface Line {
  readonly level: LogLevel.Severity
  readonly text: string
  /** Lines of one kind share a budget. */
  readonly kind: string
  /** Most lines of that kind per `Limits.logWindowMs`. */
  readonly most: number
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`

/** A peer may have written this: no control characters, bounded, and nothing that operators grep for. */
const clean = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029]+/gu, " ").replace(/PeerConnection|disconnected/gi, "…").slice(0, 200)

/** As DisconnectReason.label says it, with the particulars behind a colon. */
const reasonText = (reason: DisconnectReason.DisconnectReason): string =>
  reason.detail === undefined
    ? DisconnectReason.label(reason)
    : `${DisconnectReason.label(reason)}: ${clean(reason.detail)}`

const hex = (nonce: bigint): string => nonce.toString(16).padStart(16, "0")

const refusedLevel = (reason: DisconnectReason.DisconnectReason): LogLevel.Severity => {
  const said = reason.reject ?? reason.kind
  if (said === "incompatible" || said === "banned") return "Warn"
  // Ordinary for a pair in which both ends dial, or while the other end is restarting.
  return said === "duplicate" || said === "in-use" || said === "alias" || said === "shutdown" ||
      said === "dial-failed" ||
      said === "replaced" || said === "eof" || said === "reset"
    ? "Debug"
    : "Info"
}

const line = (level: LogLevel.Severity, kind: string, most: number, text: string): Line => ({ level, kind, most, text })

const stranger = (level: LogLevel.Severity, kind: string, text: string): Line =>
  line(level, kind, Limits.logLinesStrangers, text)

/** What the log says aloud when a node has nobody to connect to. */
export const noPeersKnown = "No peers known: use --peer IP:PORT, or wait until somebody connects"

/** The line of one event. */
export const describe = (event: NodeEvent): Line => {
  switch (event._tag) {
    case "Listening":
      return line("Info", event._tag, Limits.logLinesConnections, `listening on ${event.address}`)
    case "NoPeersKnown":
      return stranger("Warn", event._tag, noPeersKnown)
    case "PeerLearned":
      return stranger(
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
      return stranger("Info", event._tag, `dial of ${event.ip} failed: ${clean(event.detail)}`)
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
      return stranger(
        refusedLevel(event.reason),
        `${event._tag} ${DisconnectReason.label(event.reason)}`,
        `${event.direction} attempt with ${event.ip} ended (${reasonText(event.reason)}), by ${event.reason.by}`
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
          event.rttMs === undefined ? ", not asked for" : ` in ${event.rttMs.toFixed(2)} ms`
        }`
      )
    case "TipChanged":
      return line(
        // While a long chain is read there are several a second: progress tells the height.
        "Debug",
        event._tag,
        Limits.logLinesStrangers,
        `height ${event.height} (${event.added} new, ${event.hash.slice(0, 16)}${
          event.from === undefined ? "" : `, from ${event.from}`
        })`
      )
    case "Reorg":
      return stranger(
        "Warn",
        event._tag,
        `reorg: ${event.depth} blocks above height ${event.fork} replaced, now at height ${event.height}`
      )
    case "Synced":
      return stranger("Info", event._tag, `in sync at height ${event.height}`)
    case "SyncStalled":
      return stranger("Info", event._tag, `${event.ip} keeps sync waiting (${event.stalls}); others are asked`)
    case "SyncBlamed":
      return stranger(
        "Warn",
        event._tag,
        `not syncing from ${event.ip} any more: ${event.fault}, ${clean(event.detail)}`
      )
    case "StoreFailed":
      return stranger("Error", event._tag, `the chain store failed: ${clean(event.detail)}`)
    case "Aliased":
      return stranger("Info", event._tag, `${event.ip} and ${event.other} are one node: ${clean(event.detail)}`)
    case "OwnAddress":
      return stranger("Info", event._tag, `${event.ip} is an address of this node itself`)
    case "LoopLag":
      return stranger(
        event.ms >= 1_000 ? "Warn" : "Debug",
        event._tag,
        `the event loop was ${event.ms.toFixed(0)} ms late`
      )
    case "UnknownFrame":
      return stranger("Info", event._tag, `skipped a frame of unknown kind ${event.kind} from ${event.ip}`)
    case "Stopping":
      return line("Info", event._tag, Limits.logLinesConnections, "shutting down")
  }
}

/** The event as an annotation: JSON-safe (nonces as 16 hex digits), for programs that read the log. */
export const data = (event: NodeEvent): Readonly<Record<string, unknown>> => {
  const { _tag, ...rest } = event
  const plain: Readonly<Record<string, unknown>> = { event: _tag, ...rest }
  if ("nonce" in rest) return { ...plain, nonce: hex(rest.nonce) }
  if ("detail" in rest) return { ...plain, detail: clean(rest.detail) }
  return "reason" in rest && rest.reason.detail !== undefined
    ? { ...plain, reason: { ...rest.reason, detail: clean(rest.reason.detail) } }
    : plain
}

/** The warning due when peers are reached beyond this machine over plain TCP. `address` as in `Listening`. */
export const plainTcpWarning = (address: string): string | undefined => {
  const parsed = PeerAddress.fromString(address, 1)
  return Result.isSuccess(parsed) && PeerIp.classOf(parsed.success.ip) === "loopback"
    ? undefined
    : `plain TCP on ${address}: anybody on the way can read and change what peers say; use it on trusted networks only`
}
