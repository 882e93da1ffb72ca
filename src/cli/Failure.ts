/** How a command fails: one text for standard error, and an exit code. `ExitCode` explains each code. */
import { Data, Effect, Runtime } from "effect"
import { CliError } from "effect/cli"
import type { SocketServer } from "effect/socket"
import { formatListen, type NodeSetup } from "../domain/NodeSetup.ts"
import { systemCode } from "../layers/store/systemError.ts"
import * as ExitCode from "./ExitCode.ts"
import * as json from "./json.ts"
import { hang } from "./terminalText.ts"

/** effect/cli indents an error's text by two columns. */
const indent = "  "

/** Wrapped between words where standard error is a terminal. */
const onStandardError = (text: string): string => {
  const columns = process.stderr.isTTY ? process.stderr.columns - indent.length : undefined
  return hang(text, columns).replaceAll("\n", `\n${indent}`)
}

interface Fields {
  readonly text: string
  readonly exitCode: 1 | 2 | 78
  /** A node runs that does not answer: more than the lack of a node. */
  readonly isSilentNode?: boolean
}

export class Failure extends Data.TaggedError("Failure")<Fields> {
  override readonly [Runtime.errorExitCode] = this.exitCode
  /** effect/cli prints this on standard error; absent where `json.errors` prints the error. */
  override readonly [CliError.userMessage]?: string

  constructor(fields: Fields) {
    super(fields)
    if (!json.wanted) this[CliError.userMessage] = onStandardError(fields.text)
  }

  override get message() {
    return this.text
  }
}

/** Exit code 1. */
export const failed = (text: string): Failure => new Failure({ text, exitCode: 1 })

/** Exit code 2. */
export const unusable = (text: string): Failure => new Failure({ text, exitCode: 2 })

/** Exit code 78: a restart by a service manager would fail again. */
export const lasting = (text: string): Failure => new Failure({ text, exitCode: 78 })

/** effect/cli exits with 1 if the command line does not parse; this program uses `ExitCode.ofUsage`. */
export const withUsage = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.mapError(effect, (error) => {
    if (CliError.isCliError(error) && error._tag === "ShowHelp" && error.errors.length > 0) {
      Object.assign(error, { [Runtime.errorExitCode]: ExitCode.ofUsage(error.commandPath) })
    }
    return error
  })

/** An address that cannot be bound, with the fix for the system's error code. `flag`: the setting that gives the address. */
export const cannotBind = (what: string, address: string, flag: string, code: string): Failure => {
  const start = `${what} cannot listen on ${address}`
  switch (code) {
    case "EADDRINUSE":
      return unusable(
        `${start}: address already in use; stop the other program, or choose another address with ${flag}`
      )
    case "EACCES":
      return unusable(`${start}: permission denied; choose a port above 1023 with ${flag}`)
    case "EADDRNOTAVAIL":
      return unusable(
        `${start}: no interface of this machine has that address${
          macOsHint(address)
        }; choose another address with ${flag}`
      )
    default:
      return unusable(`${start} (${code}); choose another address with ${flag}`)
  }
}

/** macOS has only 127.0.0.1 by default. */
const macOsHint = (address: string): string => {
  const ip = /^(127\.\d+\.\d+\.\d+)/.exec(address)?.[1]
  return ip === undefined ? "" : ` (on macOS add it: sudo ifconfig lo0 alias ${ip} up)`
}

/** The P2P port cannot be bound. */
export const cannotListen = (listen: NodeSetup["listen"], error: SocketServer.SocketServerError): Failure =>
  cannotBind(
    "the node",
    formatListen(listen),
    "--listen IP:PORT",
    systemCode(error) ?? "unknown"
  )
