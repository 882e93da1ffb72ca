/** Drives the sync planner: feeds it events, carries out its actions, and keeps its timers. No rule of sync lives here. */
import { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as Offence from "../../domain/protection/Offence.ts"
import * as SyncPlan from "../../domain/sync/SyncPlan.ts"
import * as SyncProof from "../../domain/sync/SyncProof.ts"
import type { SyncAction, SyncFault, SyncTimer } from "../../domain/sync/SyncState.ts"
import * as SyncVerdict from "../../domain/sync/SyncVerdict.ts"
import * as StoreBodies from "./StoreBodies.ts"
import * as SyncAnnounce from "./SyncAnnounce.ts"
import * as SyncBodies from "./SyncBodies.ts"
import { oldestFork, type SyncContext } from "./SyncContext.ts"
import * as SyncHeaders from "./SyncHeaders.ts"

/** Starts the planner. Events posted earlier are handled first. */
export const start = (context: SyncContext): void =>
  context.machine.start((event) => {
    const [state, actions] = SyncPlan.step(context.state, event)
    context.state = state
    for (const action of actions) perform(context, action)
    if (event._tag === "Stored") StoreBodies.tellStored(context)
    // Bodies arrived, or the branch that had priority has stalled.
    StoreBodies.storeReady(context)
  })

const perform = (context: SyncContext, action: SyncAction): void => {
  switch (action._tag) {
    case "GetHeaders":
      return SyncHeaders.ask(context, action.peer, action.request, action.count)
    case "GetBlocks":
      return SyncBodies.ask(context, action)
    case "Forget": {
      const request = context.blockRequests.get(action.request)
      if (request !== undefined) request.forgotten = true
      return
    }
    case "DropBranch":
      return dropBranch(context, action.branch)
    case "Arm":
      return arm(context, action.timer, action.ms)
    case "Disarm":
      return disarm(context, timerKey(action.timer))
    case "Stalled":
      return context.emit({ _tag: "SyncStalled", ip: action.peer, stalls: action.stalls })
    case "Drop":
      return drop(context, action.peer, action.fault, action.detail)
    case "LeftBehind":
      return context.emit({
        _tag: "LeftBehind",
        ip: action.peer,
        height: action.told.height,
        fork: action.fork,
        depth: action.depth
      })
    case "Done":
      SyncAnnounce.caughtUp(context, action.tip)
      settleLater(context, action.tip.height)
      return context.emit({ _tag: "Synced", height: action.tip.height })
  }
}

const dropBranch = (context: SyncContext, id: number): void => {
  const branch = context.branches.get(id)
  context.branches.delete(id)
  if (branch === undefined || branch.stagedTo <= branch.fork) return
  context.fork(
    Effect.catch(
      context.store.unstage,
      (error) => Effect.sync(() => context.emit({ _tag: "StoreFailed", detail: error.message }))
    )
  )
}

/** Disconnects a peer that lied or withheld data, and tells it why. */
const drop = (context: SyncContext, peer: PeerIp, fault: SyncFault, detail: string): void => {
  context.emit({ _tag: "SyncBlamed", ip: peer, fault, detail })
  const proof = SyncProof.offenceOf(fault)
  // If most peers show that our clock is wrong, it proves nothing against a peer.
  const isClockRight = SyncVerdict.verdict(context.state)._tag !== "ClockBehind"
  if (proof !== undefined && isClockRight) context.messages.report(peer, Offence.make(proof, detail))
  const link = context.links.get(peer)
  if (link === undefined) return
  link.blamed = true
  const { again } = link
  if (again !== undefined && fault !== "protocol") {
    context.timers.arm(Limits.timeRefusedMs, () => context.links.get(peer) === link && again())
    return
  }
  context.messages.drop(link.origin, `${fault}: ${detail}`)
}

const timerKey = ({ _tag, peer }: SyncTimer): string => `${_tag} ${peer}`

const disarm = (context: SyncContext, key: string): void => {
  const timer = context.plannerTimers.get(key)
  if (timer === undefined) return
  context.timers.disarm(timer)
  context.plannerTimers.delete(key)
}

const arm = (context: SyncContext, timer: SyncTimer, ms: number): void => {
  const key = timerKey(timer)
  disarm(context, key)
  const link = context.links.get(timer.peer)
  if (link !== undefined && timer._tag === "Answer") link.progressed = false
  context.plannerTimers.set(
    key,
    context.timers.arm(ms, () => {
      context.plannerTimers.delete(key)
      // Bytes show that the peer is slow, not silent. They do not restart the timer: a trickle would keep the next block from us for ever.
      context.machine.post({ _tag: "Fired", timer, trickled: context.links.get(timer.peer)?.progressed === true })
    })
  )
}

/** A node that starts empty settles later: its first peer may be on a dead branch. */
const settleLater = (context: SyncContext, height: number): void => {
  if (context.settled || context.settleTimer !== undefined || height === 0) return
  context.settleTimer = context.timers.arm(Limits.settleAfterMs, () => {
    context.settled = true
    context.machine.post({ _tag: "Settled", oldestFork: oldestFork(context, context.state.chain.height) })
    context.fork(
      Effect.catch(
        context.store.settle,
        (error) => Effect.sync(() => context.emit({ _tag: "StoreFailed", detail: error.message }))
      )
    )
  })
}
