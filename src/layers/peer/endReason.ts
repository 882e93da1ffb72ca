/** Why a socket's program ended, as a reason that operators read. */
import { Exit } from "effect"
import type { Socket } from "effect/socket"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import { errorCode, recordFlood } from "../../services/PeerSocket.ts"

/** The reason for the end of a program. */
export const reasonOf = (exit: Exit.Exit<unknown, Socket.SocketError>): DisconnectReason.DisconnectReason => {
  if (Exit.isSuccess(exit)) return DisconnectReason.remote("eof")
  for (const reason of exit.cause.reasons) {
    if (reason._tag === "Fail") return ofSocketError(reason.error)
    if (reason._tag === "Die") return DisconnectReason.local("protocol", `a handler failed: ${String(reason.defect)}`)
  }
  return DisconnectReason.local("eof")
}

const ofSocketError = (error: Socket.SocketError): DisconnectReason.DisconnectReason => {
  const code = errorCode(error)
  switch (error.reason._tag) {
    case "SocketCloseError":
      return error.reason.code === 1000 ? DisconnectReason.remote("eof") : DisconnectReason.local("eof")
    case "SocketOpenError":
      // Whether it is this node's own fault depends on which peers are up: see `PairDriver`.
      return DisconnectReason.remote("dial-failed", code ?? (error.reason.kind === "Timeout" ? "no answer" : "failed"))
    default:
      if (code === recordFlood) return DisconnectReason.local("protocol", code)
      return DisconnectReason.remote("reset", code ?? error.reason._tag)
  }
}
