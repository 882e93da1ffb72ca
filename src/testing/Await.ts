/**
 * Waits for what test nodes report, without polling: the condition is checked after every event of the nodes.
 */
import { Data, Duration, Effect } from "effect"
import * as PairAgreement from "../domain/pair/PairAgreement.ts"
import type { TestNode } from "./TestNode.ts"

/** The awaited condition did not hold in time. */
export class Stuck extends Data.TaggedError("Stuck")<{ readonly waitingFor: string; readonly seen: string }> {
  override get message() {
    return `stuck waiting for ${this.waitingFor}; ${this.seen}`
  }
}

/** Generous: a handshake takes milliseconds and a redial seconds, but a busy machine needs many times that. */
const defaultTimeout = Duration.seconds(20)

const stateOf = (nodes: ReadonlyArray<TestNode>): string =>
  nodes.map(({ ip, sockets }) => `${ip}: up [${[...sockets.keys()].join(" ")}]`).join("; ")

/** Waits until `condition` holds, and fails with `Stuck` after `timeout` (default 20 s on the `Clock`). */
export const until = (
  waitingFor: string,
  nodes: ReadonlyArray<TestNode>,
  condition: () => boolean,
  timeout: Duration.Input = defaultTimeout
): Effect.Effect<void, Stuck> =>
  Effect.callback<void>((resume) => {
    const look = () => {
      if (!condition()) return
      forget()
      resume(Effect.void)
    }
    const ends = nodes.map((node) => node.watch(look))
    const forget = () => ends.forEach((end) => end())
    look()
    return Effect.sync(forget)
  }).pipe(
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () => Effect.fail(new Stuck({ waitingFor, seen: stateOf(nodes) }))
    })
  )

/** Pairs that are not connected at both ends by the same socket. */
export const disagreements = (nodes: ReadonlyArray<TestNode>): ReadonlyArray<PairAgreement.Disagreement> =>
  PairAgreement.disagreements(nodes)

/** Waits until every pair of these nodes is connected: both ends list one connection, the same socket. */
export const connected = (
  nodes: ReadonlyArray<TestNode>,
  timeout: Duration.Input = defaultTimeout
): Effect.Effect<void, Stuck> =>
  Effect.mapError(
    until("every pair to be connected", nodes, () => disagreements(nodes).length === 0, timeout),
    ({ waitingFor }) => new Stuck({ waitingFor, seen: disagreements(nodes).map(PairAgreement.format).join("; ") })
  )

/** Waits until no two of these nodes are connected to each other. */
export const parted = (
  nodes: ReadonlyArray<TestNode>,
  timeout: Duration.Input = defaultTimeout
): Effect.Effect<void, Stuck> =>
  until(
    "no pair to be connected",
    nodes,
    () => nodes.every(({ sockets }) => nodes.every(({ ip }) => !sockets.has(ip))),
    timeout
  )
