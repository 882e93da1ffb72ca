/** Drives the sync planner: feeds it events, does what it asks, and keeps its timers. No rule of sync lives here. */
import * as Limits from "../../domain/Limits.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as SyncPlan from "../../domain/sync/SyncPlan.ts"
import type { SyncAction, SyncTimer } from "../../domain/sync/SyncState.ts"
import * as SyncBodies from "./SyncBodies.ts"
import type { SyncContext } from "./SyncContext.ts"
import * as SyncHeaders from "./SyncHeaders.ts"

/** Starts the planner; what was posted before is handled first. */
export const start = (context: SyncContext): void =>
  context.machine.start((event) => {
    const [state, actions] = SyncPlan.step(context.state, event)
    context.state = state
    for (const action of actions) perform(context, action)
  })

const perform = (context: SyncContext, action: SyncAction): void => {
  switch (action._tag) {
    case "GetHeaders":
      return SyncHeaders.ask(context, action.peer, action.request)
    case "GetBlocks":
      return SyncBodies.ask(context, action.peer, action.request, action.from, action.count)
    case "Forget": {
      const request = context.blockRequests.get(action.request)
      if (request !== undefined) request.forgotten = true
      return
    }
    case "Arm":
      return arm(context, action.timer, action.ms)
    case "Disarm":
      return disarm(context, action.timer.peer)
    case "Stalled":
      return context.emit({ _tag: "SyncStalled", ip: action.peer, stalls: action.stalls })
    case "Blame": {
      const link = context.links.get(action.peer)
      // A peer that was only silent may still answer.
      if (link !== undefined && action.fault !== "unresponsive") link.blamed = true
      return context.emit({ _tag: "SyncBlamed", ip: action.peer, fault: action.fault, detail: action.detail })
    }
    case "Abandon":
      return SyncHeaders.abandon(context)
    case "Done":
      settle(context, action.tip.height)
      return context.emit({ _tag: "Synced", height: action.tip.height })
  }
}

const disarm = (context: SyncContext, peer: PeerIp): void => {
  const timer = context.answerTimers.get(peer)
  if (timer === undefined) return
  context.timers.disarm(timer)
  context.answerTimers.delete(peer)
}

const arm = (context: SyncContext, timer: SyncTimer, ms: number): void => {
  const { peer } = timer
  disarm(context, peer)
  const link = context.links.get(peer)
  if (link !== undefined) link.progressed = false
  context.answerTimers.set(
    peer,
    context.timers.arm(ms, () => {
      context.answerTimers.delete(peer)
      const progressed = context.links.get(peer)?.progressed === true
      context.machine.post({ _tag: "Fired", timer })
      // Late, so others are asked; but slow, not silent. If every byte restarted the timer, a peer could keep the next block, or
      // the headers, from us for ever.
      if (progressed) context.machine.post({ _tag: "Progress", peer })
    })
  )
}

/** A node that starts empty settles later: the first peer it met may be on a dead branch. */
const settle = (context: SyncContext, height: number): void => {
  if (context.settledHeight > 0) context.settledHeight = Math.max(context.settledHeight, height)
  if (context.settledHeight > 0 || context.settleTimer !== undefined || height === 0) return
  context.settleTimer = context.timers.arm(Limits.settleAfterMs, () => {
    context.settledHeight = context.state.chain.height
  })
}
