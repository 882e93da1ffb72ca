/**
 * How a command ends when it cannot do what it was asked: one text for standard error and an exit code.
 *
 * **Exit codes**: 0 done; 1 the command was understood and failed (no node answers, a verdict is "not ok"), also what
 * effect/cli gives for bad flags; 2 it cannot be done as asked (bad address or config, port or data directory taken); 130
 * interrupted. `run` ends with 0 when SIGINT or SIGTERM stopped it cleanly, as service managers expect.
 */
import { Data, Runtime } from "effect"
import { CliError } from "effect/cli"
import type { SocketServer } from "effect/socket"
import * as PeerAddress from "../domain/peer/PeerAddress.ts"
import type { NodeSetup } from "../services/NodeConfig.ts"

export class Failure extends Data.TaggedError("Failure")<{ readonly text: string; readonly exitCode: 1 | 2 }> {
  override readonly [Runtime.errorExitCode] = this.exitCode
  override get message() {
    return this.text
  }
  /** Printed by effect/cli on standard error. */
  override get [CliError.userMessage]() {
    return this.text
  }
}

/** Exit code 1. */
export const failed = (text: string): Failure => new Failure({ text, exitCode: 1 })

/** Exit code 2. */
export const unusable = (text: string): Failure => new Failure({ text, exitCode: 2 })

const systemCode = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "unknown"

/** What to do about an address that cannot be bound, by the system's error code. `flag` names the setting that gives it. */
export const cannotBind = (what: string, address: string, flag: string, code: string): Failure => {
  const start = `${what} cannot listen on ${address}`
  switch (code) {
    case "EADDRINUSE":
      return unusable(`${start}: another program does already; stop that one, or choose another with ${flag}`)
    case "EACCES":
      return unusable(`${start}: this user may not use that port; choose one above 1023 with ${flag}`)
    case "EADDRNOTAVAIL":
      return unusable(
        `${start}: no interface of this machine has that address${macOsHint(address)}; choose another with ${flag}`
      )
    default:
      return unusable(`${start} (${code}); choose another with ${flag}`)
  }
}

/** macOS has 127.0.0.1 only, unless told otherwise. */
const macOsHint = (address: string): string => {
  const ip = /^(127\.\d+\.\d+\.\d+)/.exec(address)?.[1]
  return ip === undefined ? "" : ` (on macOS add it: sudo ifconfig lo0 alias ${ip} up)`
}

/** The P2P port cannot be bound. */
export const cannotListen = (listen: NodeSetup["listen"], error: SocketServer.SocketServerError): Failure =>
  cannotBind(
    "the node",
    listen.ip === "any" ? `any:${listen.port}` : PeerAddress.format(PeerAddress.make(listen.ip, listen.port)),
    "--listen IP:PORT",
    systemCode(error.reason.cause)
  )
