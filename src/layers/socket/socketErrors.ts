/** The `SocketError`s that both socket layers raise, and errors that look like the system's. */
import { Socket, SocketServer } from "effect/socket"

/** 1000: the peer's FIN. 1006: the own scope closed. */
export const closed = (code: 1000 | 1006) => new Socket.SocketError({ reason: new Socket.SocketCloseError({ code }) })
export const readError = (cause: unknown) => new Socket.SocketError({ reason: new Socket.SocketReadError({ cause }) })
export const writeError = (cause: unknown) => new Socket.SocketError({ reason: new Socket.SocketWriteError({ cause }) })
export const openError = (cause: unknown) =>
  new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind: "Unknown", cause }) })
export const openTimeout = (ms: number) =>
  new Socket.SocketError({
    reason: new Socket.SocketOpenError({
      kind: "Timeout",
      cause: systemError("ETIMEDOUT", `not connected within ${ms} ms`)
    })
  })
export const listenError = (cause: unknown) =>
  new SocketServer.SocketServerError({ reason: new SocketServer.SocketServerOpenError({ cause }) })

/** An error with a system code, as Node makes them. */
export const systemError = (code: string, message: string): Error =>
  Object.assign(new Error(`${code}: ${message}`), { code })
