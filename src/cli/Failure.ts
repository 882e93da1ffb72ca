/** How a command fails: one text for standard error, and an exit code. `ExitCode` explains each code. */
import { Data, Effect, Runtime } from "effect"
import { CliError } from "effect/cli"
import type { SocketServer } from "effect/socket"
import { formatListen, type NodeSetup } from "../domain/NodeSetup.ts"
import { classOf, type PeerIp } from "../domain/peer/PeerIp.ts"
import * as Problem from "../domain/Problem.ts"
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

interface Fields extends Problem.Problem {
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
    if (!json.wanted) this[CliError.userMessage] = onStandardError(Problem.text(fields))
  }

  override get message() {
    return Problem.text(this)
  }
}

/** Takes the problem, and its fix if there is one: in two texts, or as an error that has them. */
const withCode = (exitCode: Fields["exitCode"]) => (problem: string | Problem.Problem | Error, fix?: string): Failure =>
  typeof problem === "string"
    ? new Failure({ what: problem, fix, exitCode })
    : "what" in problem
    ? new Failure({ what: problem.what, fix: problem.fix, exitCode })
    : new Failure({ what: problem.message, exitCode })

/** Exit code 1. */
export const failed = withCode(1)

/** Exit code 2. */
export const unusable = withCode(2)

/** The same, with a hint beside the error's own fix. */
export const unusableWith = ({ fix, what }: Problem.Problem, hint: string): Failure =>
  unusable(what, fix === undefined ? hint : `${fix} (${hint})`)

/** Exit code 78: a restart by a service manager would fail again. */
export const lasting = withCode(78)

/** effect/cli exits with 1 if the command line does not parse; this program uses `ExitCode.ofUsage`. */
export const withUsage = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.mapError(effect, (error) => {
    if (CliError.isCliError(error) && error._tag === "ShowHelp" && error.errors.length > 0) {
      Object.assign(error, { [Runtime.errorExitCode]: ExitCode.ofUsage(error.commandPath) })
    }
    return error
  })

/** An address that cannot be bound, with the fix for the system's error code. `flag`: the setting that gives the address. */
export const cannotBind = (what: string, listen: NodeSetup["listen"], flag: string, code: string): Failure => {
  const start = `${what} cannot listen on ${formatListen(listen)}`
  const another = `choose another address with ${flag}`
  switch (code) {
    case "EADDRINUSE":
      return unusable(`${start}: address already in use`, `stop the other program, or ${another}`)
    case "EACCES":
      return unusable(`${start}: permission denied`, `choose a port above 1023 with ${flag}`)
    case "EADDRNOTAVAIL":
      return unusable(`${start}: no interface of this machine has that address${macOsHint(listen.ip)}`, another)
    default:
      return unusable(`${start} (${code})`, another)
  }
}

/** macOS has only 127.0.0.1 by default. */
const macOsHint = (ip: PeerIp | "any"): string =>
  ip !== "any" && classOf(ip) === "loopback" ? ` (on macOS add it: sudo ifconfig lo0 alias ${ip} up)` : ""

/** The P2P port cannot be bound. */
export const cannotListen = (listen: NodeSetup["listen"], error: SocketServer.SocketServerError): Failure =>
  cannotBind(
    "the node",
    listen,
    "--listen IP:PORT",
    systemCode(error) ?? "unknown"
  )
