/** Drives the sync planner: feeds it events, does what it asks, and keeps its timers. No rule of sync lives here. */
import * as Limits from "../../domain/Limits.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as SyncPlan from "../../domain/sync/SyncPlan.ts"
import type { SyncAction, SyncEvent } from "../../domain/sync/SyncState.ts"
import type { SyncBodies } from "./SyncBodies.ts"
import type { SyncCore } from "./SyncContext.ts"
import * as SyncHeaders from "./SyncHeaders.ts"

/** Installs `core.dispatch`. Events that arise while one is handled wait for it to end. */
export const install = (core: SyncCore, bodies: SyncBodies): void => {
  const inbox: Array<SyncEvent> = []
  let stepping = false
  let settling = false

  const disarm = (peer: PeerIp): void => {
    const timer = core.timers.get(peer)
    if (timer === undefined) return
    core.wheel.disarm(timer)
    core.timers.delete(peer)
  }

  /** A node that comes from an empty disk settles later: the first peer it met may be on a dead branch. */
  const settle = (height: number): void => {
    if (core.settled > 0) core.settled = Math.max(core.settled, height)
    if (core.settled > 0 || settling || height === 0) return
    settling = true
    core.wheel.arm(Limits.settleAfterMs, () => {
      core.settled = core.state.chain.height
    })
  }

  const perform = (action: SyncAction): void => {
    switch (action._tag) {
      case "GetHeaders":
        return SyncHeaders.ask(core, action.peer, action.request)
      case "GetBlocks":
        return bodies.ask(action.peer, action.request, action.from, action.count)
      case "Forget": {
        const asked = core.asked.get(action.request)
        if (asked !== undefined) asked.forgotten = true
        return
      }
      case "Arm": {
        const { peer } = action.timer
        disarm(peer)
        const timer = core.wheel.arm(action.ms, () => {
          core.timers.delete(peer)
          const progressed = core.links.get(peer)?.progressed === true
          core.dispatch({ _tag: "Fired", timer: action.timer })
          // Late, so that others are asked; but slow, not silent. Were every byte to start the timer anew, a peer could
          // keep the next block, or the headers, from us for ever.
          if (progressed) core.dispatch({ _tag: "Progress", peer })
        })
        const link = core.links.get(peer)
        if (link !== undefined) link.progressed = false
        core.timers.set(peer, timer)
        return
      }
      case "Disarm":
        return disarm(action.timer.peer)
      case "Stalled":
        return core.emit({ _tag: "SyncStalled", ip: action.peer, stalls: action.stalls })
      case "Blame": {
        const link = core.links.get(action.peer)
        // Who only said nothing may still answer.
        if (link !== undefined && action.fault !== "unresponsive") link.blamed = true
        return core.emit({ _tag: "SyncBlamed", ip: action.peer, fault: action.fault, detail: action.detail })
      }
      case "Abandon":
        return SyncHeaders.abandon(core)
      case "Done":
        settle(action.tip.height)
        return core.emit({ _tag: "Synced", height: action.tip.height })
    }
  }

  core.dispatch = (event) => {
    inbox.push(event)
    if (stepping) return
    stepping = true
    try {
      for (let next = inbox.shift(); next !== undefined; next = inbox.shift()) {
        const [state, actions] = SyncPlan.step(core.state, next)
        core.state = state
        for (const action of actions) perform(action)
      }
    } finally {
      stepping = false
    }
  }
}
