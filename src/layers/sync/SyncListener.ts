/** Receives peers' opens, closes and messages for sync, and passes each message to the part that handles it. */
import * as Hash from "../../domain/chain/Hash.ts"
import * as Limits from "../../domain/Limits.ts"
import { Capability } from "../../domain/pair/Handshake.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { SyncTip } from "../../domain/sync/SyncState.ts"
import type { GetBlocks, GetHeaders, SyncMessage } from "../../domain/wire/SyncMessage.ts"
import type { Origin } from "../../services/ConnectionManager.ts"
import type { PeerListener } from "../../services/PeerMessages.ts"
import type { Steps } from "./MessageTurns.ts"
import * as ServeQueue from "./ServeQueue.ts"
import * as SyncAnnounce from "./SyncAnnounce.ts"
import * as SyncAnnounced from "./SyncAnnounced.ts"
import * as SyncBodies from "./SyncBodies.ts"
import type { PeerLink, SyncContext } from "./SyncContext.ts"
import * as SyncHeaders from "./SyncHeaders.ts"
import * as SyncServer from "./SyncServer.ts"

/** Sync uses this connection from now on. */
export const opened = (
  context: SyncContext,
  origin: Origin,
  tip: SyncTip,
  how: Pick<PeerLink, "say" | "again" | "requests">
): PeerLink => {
  const told = { height: tip.height, hash: Hash.fromHexUnsafe(tip.hash) }
  const link: PeerLink = {
    ...how,
    origin,
    lastAt: context.timers.now(),
    pendingAnswers: 0,
    showing: undefined,
    last: undefined,
    knownTip: tip.hash,
    announced: context.state.chain.hash,
    told,
    progressed: false,
    waitingBytes: 0,
    paused: false,
    blamed: false,
    blocks: 0,
    serve: ServeQueue.make()
  }
  context.links.set(origin.ip, link)
  context.machine.post({ _tag: "PeerUp", peer: origin.ip, tip, on: SyncHeaders.onBranch(context, told) })
  // Our chain may have grown since our Hello, when there was no connection to announce it on.
  SyncAnnounce.greet(context, origin.ip)
  return link
}

const up = (context: SyncContext, origin: Origin, tip: SyncTip, capabilities: number): void => {
  if ((capabilities & Capability.chain) === 0) return
  const link = opened(context, origin, tip, {
    again: undefined,
    say: (message) => context.messages.send(origin, message),
    requests: () => link.serve.waiting.length
  })
}

/** The connection is gone. */
export const closed = (context: SyncContext, { connection, ip }: Origin): void => {
  const link = context.links.get(ip)
  if (link?.origin.connection !== connection) return
  context.links.delete(ip)
  for (const [request, { peer }] of context.headerRequests) if (peer === ip) context.headerRequests.delete(request)
  for (const [request, { peer }] of context.blockRequests) if (peer === ip) context.blockRequests.delete(request)
  context.machine.post({ _tag: "PeerDown", peer: ip })
}

const answered = (
  context: SyncContext,
  ip: PeerIp,
  message: Exclude<SyncMessage, GetHeaders | GetBlocks>
): Steps | void => {
  switch (message._tag) {
    case "Headers":
      return SyncHeaders.received(context, ip, message)
    case "Blocks":
      return SyncBodies.received(context, ip, message)
    case "Tip":
      return SyncAnnounced.tipReceived(context, ip, message)
    case "NewBlock":
      return SyncAnnounced.blockReceived(context, ip, message)
  }
}

/** Approximate bytes that a message holds while it waits. */
const sizeOf = (message: Exclude<SyncMessage, GetHeaders | GetBlocks>): number => {
  const own = Limits.waitingMessageBytes
  switch (message._tag) {
    case "Headers":
      return own + message.list.length
    case "Blocks":
      return message.blocks.reduce((bytes, block) => bytes + block.length, own)
    case "NewBlock":
      return own + message.block.length
    case "Tip":
      return own
  }
}

/** Runs a message's task after those of earlier messages; `bytes` are held until then. A task in steps ends early with its connection. */
export const inTurn = (context: SyncContext, link: PeerLink, bytes: number, task: () => Steps | void): void => {
  waits(context, link, bytes)
  const isHeard = () => context.links.get(link.origin.ip) === link && !link.blamed
  context.turns.push(() => {
    waits(context, link, -bytes)
    const steps = isHeard() ? task() : undefined
    return steps && whileHeard(steps, isHeard)
  })
}

const whileHeard = function*(steps: Steps, isHeard: () => boolean): Steps {
  for (const _ of steps) {
    yield
    if (!isHeard()) return
  }
}

/** Adjusts the bytes that wait. A peer that sends faster than we check is not read until half of them are done. */
const waits = ({ messages }: SyncContext, link: PeerLink, bytes: number): void => {
  link.waitingBytes += bytes
  if (!link.paused && link.waitingBytes > Limits.syncInboxBytes) {
    link.paused = true
    messages.pauseReading(link.origin)
  } else if (link.paused && link.waitingBytes <= Limits.syncInboxBytes / 2) {
    link.paused = false
    messages.resumeReading(link.origin)
  }
}

/** Listens to a node's connections for sync. */
export const make = (context: SyncContext): PeerListener => ({
  onUp: (origin, tip, capabilities) => up(context, origin, tip, capabilities),
  onDown: (origin) => closed(context, origin),
  onMessage: ({ connection, ip }, message) => {
    const link = context.links.get(ip)
    if (link?.origin.connection !== connection) return
    if (message._tag === "GetHeaders" || message._tag === "GetBlocks") return SyncServer.requested(context, ip, message)
    inTurn(context, link, sizeOf(message), () => answered(context, ip, message))
  },
  onProgress: ({ ip }) => {
    const link = context.links.get(ip)
    if (link !== undefined) link.progressed = true
  }
})
