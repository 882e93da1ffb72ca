/**
 * Faults of a soak, one node at a time: kill −9 and a new process, or SIGSTOP and SIGCONT. After each the network must be
 * whole again before the next.
 */
import { Clock, Effect, Random } from "effect"
import type { FileSystem, PlatformError, Scope } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import { ChildProcess } from "effect/process"
import * as Limits from "../../src/domain/Limits.ts"
import type { Self } from "../../src/layers/node/Self.ts"
import type { Kill } from "../../src/testnet/Facts.ts"
import * as Members from "../../src/testnet/Members.ts"

export interface Fault {
  readonly kind: "kill" | "pause"
  readonly ip: string
  /** Wall times, ms: the signal, and the new process or SIGCONT. */
  readonly at: number
  readonly endedAt: number
  /** From `endedAt` until every pair was seen connected at both ends, to within a look; `null`: not in time. */
  readonly recoveredMs: number | null
}

export interface Plan {
  readonly kind: Fault["kind"]
  readonly ms: number
}

/** ms. From a kill to the new process. */
const respawnMs = 1_000

/** In turn. A pause that all peers must take for a death, one that nobody may, and kills between. */
const plans: ReadonlyArray<Plan> = [
  { kind: "kill", ms: respawnMs },
  { kind: "pause", ms: Limits.soakPauseShortMs },
  { kind: "kill", ms: respawnMs },
  { kind: "pause", ms: Limits.soakPauseLongMs }
]

/** The fault whose turn it is; `undefined` when it would not be over in time. */
export const next = (turn: number, leftMs: number): Plan | undefined => {
  const plan = plans[turn % plans.length]
  return plan === undefined || plan.ms + Limits.soakQuietEndMs > leftMs ? undefined : plan
}

/** ms. How long after a fault the network may take, and how often is looked whether it is whole. */
const recoveryMs = 30_000
const lookMs = 1_000

type Environment = ChildProcessSpawner.ChildProcessSpawner | FileSystem.FileSystem | Scope.Scope

/**
 * Stops a process for a while. A shell of its own does it: if we die meanwhile, it still wakes the process, which then
 * sees that its parent is gone.
 */
const pause = (pid: number, ms: number) =>
  Effect.scoped(Effect.gen(function*() {
    yield* Effect.addFinalizer(() => Effect.ignore(exitOf(`kill -CONT ${pid}`)))
    yield* exitOf(`kill -STOP ${pid}; sleep ${ms / 1_000}; kill -CONT ${pid}`)
  }))

const exitOf = (script: string) =>
  Effect.scoped(Effect.flatMap(ChildProcess.make("sh", ["-c", script]), ({ exitCode }) => exitCode))

/** Does faults until `endsAt`, wall ms. `tell` hears of each when it begins and when it is over. */
export const run = (options: {
  readonly self: Self
  readonly members: ReadonlyArray<Members.Member>
  readonly everyMs: number
  readonly endsAt: number
  readonly isWhole: Effect.Effect<boolean>
  /** Nobody may expect anything of the network until the effect has ended. */
  readonly during: (fault: Effect.Effect<void, PlatformError.PlatformError, Environment>) => Effect.Effect<
    void,
    PlatformError.PlatformError,
    Environment
  >
  readonly tell: (what: string) => Effect.Effect<void>
  readonly kills: Array<Kill>
  readonly faults: Array<Fault>
}): Effect.Effect<void, PlatformError.PlatformError, Environment> =>
  Effect.gen(function*() {
    const { during, endsAt, everyMs, faults, isWhole, kills, members, self, tell } = options
    for (let turn = 0;; turn++) {
      yield* Effect.sleep(everyMs)
      const plan = next(turn, endsAt - (yield* Clock.currentTimeMillis))
      const member = members[yield* Random.nextIntBetween(0, members.length - 1)]
      if (plan === undefined || member?.process === undefined) {
        if ((yield* Clock.currentTimeMillis) + Limits.soakQuietEndMs > endsAt) return
        continue
      }
      const { ip, process } = member
      yield* during(Effect.gen(function*() {
        yield* tell(
          `${plan.kind === "kill" ? "kill -9" : `SIGSTOP for ${plan.ms / 1_000} s`}: ${ip}, process ${process.pid}`
        )
        const at = yield* Clock.currentTimeMillis
        if (plan.kind === "pause") yield* Effect.ignore(pause(process.pid, plan.ms))
        else {
          const respawned = yield* Members.killAndRespawn(self, member, plan.ms)
          if (respawned !== undefined) kills.push(respawned.kill)
        }
        const endedAt = yield* Clock.currentTimeMillis
        let whole = yield* isWhole
        while (!whole && (yield* Clock.currentTimeMillis) < endedAt + recoveryMs) {
          yield* Effect.sleep(lookMs)
          whole = yield* isWhole
        }
        const recoveredMs = whole ? (yield* Clock.currentTimeMillis) - endedAt : null
        faults.push({ kind: plan.kind, ip, at, endedAt, recoveredMs })
        yield* tell(whole ? `whole again after ${recoveredMs} ms` : "not whole again")
      }))
    }
  })
