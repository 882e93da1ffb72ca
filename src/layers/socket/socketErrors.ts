/** The `SocketError`s that both socket layers raise, and errors that look like the system's. */
import { Socket, SocketServer } from "effect/socket"

/**
 * Makes an error without a stack. How a connection fails does not depend on the call site, and each of these errors would capture several
 * stacks. A node that learns of dead addresses makes hundreds a minute, a simulation many thousands: the stacks took a sixth of its time.
 */
const withoutStack = <E>(make: () => E): E => {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = limit
  }
}

/** 1000: the peer's FIN. 1006: our own scope closed. */
export const closed = (code: 1000 | 1006) =>
  withoutStack(() => new Socket.SocketError({ reason: new Socket.SocketCloseError({ code }) }))
export const readError = (cause: unknown) =>
  withoutStack(() => new Socket.SocketError({ reason: new Socket.SocketReadError({ cause }) }))
export const writeError = (cause: unknown) =>
  withoutStack(() => new Socket.SocketError({ reason: new Socket.SocketWriteError({ cause }) }))
export const openError = (cause: unknown) =>
  withoutStack(() => new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind: "Unknown", cause }) }))
export const openTimeout = (ms: number) =>
  withoutStack(() =>
    new Socket.SocketError({
      reason: new Socket.SocketOpenError({
        kind: "Timeout",
        cause: systemError("ETIMEDOUT", `not connected within ${ms} ms`)
      })
    })
  )
export const listenError = (cause: unknown) =>
  new SocketServer.SocketServerError({ reason: new SocketServer.SocketServerOpenError({ cause }) })

/** An error with a system code, like Node's own. */
export const systemError = (code: string, message: string): Error =>
  withoutStack(() => Object.assign(new Error(`${code}: ${message}`), { code }))
