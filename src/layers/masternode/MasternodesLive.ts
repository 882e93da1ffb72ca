/**
 * `Masternodes`: listens to peers that read announcements, keeps the registry, and passes on news once a second (decision 0065). Composition
 * only; see `Receiving` and `Announcing`.
 */
import { Clock, Effect, Layer, Schedule, Stream } from "effect"
import * as Limits from "../../domain/Limits.ts"
import * as Registry from "../../domain/masternode/MasternodeRegistry.ts"
import * as MasternodeReport from "../../domain/masternode/MasternodeReport.ts"
import * as RegistryBounds from "../../domain/masternode/RegistryBounds.ts"
import { knownAddress } from "../../domain/NodeSetup.ts"
import { Capability } from "../../domain/pair/Handshake.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import * as TokenBucket from "../../domain/peer/TokenBucket.ts"
import type { MasternodeMessage } from "../../domain/wire/MasternodeMessage.ts"
import type { TimeMessage } from "../../domain/wire/time/TimeMessage.ts"
import { ConnectionManager, type Origin } from "../../services/ConnectionManager.ts"
import { Masternodes, OwnMasternode } from "../../services/Masternodes.ts"
import { NodeConfig } from "../../services/NodeConfig.ts"
import { NodeEvents } from "../../services/NodeEvents.ts"
import { NodeRules } from "../../services/NodeRules.ts"
import { type PeerListener, PeerMessages, type PeerSession } from "../../services/PeerMessages.ts"
import { Signatures } from "../../services/Signatures.ts"
import { Timers } from "../time/Timers.ts"
import * as Announcing from "./Announcing.ts"
import * as Keeping from "./Keeping.ts"
import type { Link, MasternodeContext } from "./MasternodeContext.ts"
import * as Receiving from "./Receiving.ts"
import * as SignaturesLive from "./SignaturesLive.ts"
import * as TimeAsking from "./TimeAsking.ts"
import * as TimeReceiving from "./TimeReceiving.ts"
import { Verifier } from "./Verifier.ts"
import { Watch } from "./Watch.ts"

const linkOf = (origin: Origin, session: PeerSession, now: number): Link => ({
  origin,
  session,
  ipClass: PeerIp.classOf(origin.ip),
  netgroup: PeerIp.netgroup(origin.ip),
  proven: undefined,
  outgoing: new Map(),
  report: undefined,
  reported: undefined,
  out: TokenBucket.full(Limits.announcementsOut, now),
  in: TokenBucket.full(Limits.announcementsIn, now),
  reports: TokenBucket.full(Limits.witnessPace, now),
  proofs: TokenBucket.full(Limits.masternodeProofs, now),
  isPaused: false
})

const down = (context: MasternodeContext, { connection, ip }: Origin): void => {
  const link = context.links.get(ip)
  if (link?.origin.connection !== connection) return
  context.links.delete(ip)
  context.verifier.drop(link)
  if (link.proven === undefined) return
  context.seenVersion += 1
  context.registry = Registry.disconnected(context.registry, ip, connection)
}

const listener = (context: MasternodeContext): PeerListener<MasternodeMessage> => ({
  onUp: (origin, _tip, capabilities, session) => {
    if ((capabilities & Capability.masternodes) === 0) return
    const link = linkOf(origin, session, context.now().monotonic)
    context.links.set(origin.ip, link)
    Announcing.greet(context, link)
  },
  onDown: (origin) => down(context, origin),
  onMessage: ({ connection, ip }, message) => {
    const link = context.links.get(ip)
    if (link?.origin.connection === connection) Receiving.received(context, link, message)
  },
  onProgress: () => {}
})

/** The same for TIME-network peers, which sign nothing. */
const timeListener = (context: MasternodeContext): PeerListener<TimeMessage> => ({
  onUp: (origin) => context.timeLinks.set(origin.ip, { origin, askedAt: undefined }),
  onDown: (origin) => {
    if (context.timeLinks.get(origin.ip)?.origin.connection === origin.connection) context.timeLinks.delete(origin.ip)
    TimeReceiving.down(context, origin)
  },
  onMessage: (origin, message) => {
    TimeReceiving.received(context, origin, message)
    if (message._tag === "MasternodesResponse") TimeAsking.answered(context, origin)
  },
  onProgress: () => {}
})

/** A report may name masternodes whose announcements arrive after it. */
const lookAgain = (context: MasternodeContext, link: Link): void => {
  const { report } = link
  if (report?.hasUnknown === true) Receiving.witnessed(context, link, report.seen, report.at)
}

const beat = (context: MasternodeContext, watch: Watch): void => {
  const { monotonic } = context.now()
  if (context.own !== undefined) Announcing.repeat(context, context.own)
  TimeAsking.ask(context)
  const hasNews = context.changed.size > 0
  const seen = Announcing.seenNow(context)
  for (const link of context.links.values()) {
    if (hasNews) lookAgain(context, link)
    Announcing.flush(context, link, monotonic)
    Announcing.report(context, link, seen, monotonic)
    if (!link.isPaused) continue
    link.isPaused = false
    context.messages.resumeReading(link.origin)
  }
  context.registry = watch.look(context, RegistryBounds.withoutForgotten)
}

const make = Effect.gen(function*() {
  const setup = yield* NodeConfig
  const { emit } = yield* NodeEvents
  const messages = yield* PeerMessages
  const manager = yield* ConnectionManager
  const timers = yield* Timers
  const clock = yield* Clock.Clock
  const identity = yield* OwnMasternode
  const rules = yield* NodeRules
  const signatures = yield* Signatures
  const context: MasternodeContext = {
    registry: Registry.empty,
    links: new Map(),
    timeLinks: new Map(),
    seenVersion: 0,
    own: undefined,
    ownTime: undefined,
    changed: new Map(),
    network: setup.network,
    messages,
    verifier: new Verifier(signatures),
    emit,
    now: () => ({ wall: clock.currentTimeMillisUnsafe(), monotonic: timers.now() })
  }
  yield* Keeping.load(context, signatures)
  yield* Keeping.run(context)
  const ip = knownAddress(setup)
  if (identity !== undefined && ip === undefined) {
    yield* Effect.logWarning(
      "not announcing this masternode: the node does not know its own address; give --advertise IP"
    )
  }
  if (identity !== undefined && ip !== undefined) {
    Announcing.start(context, identity, ip, setup.advertisePort ?? manager.address.port)
  }
  yield* messages.listenMasternodes(listener(context))
  yield* messages.listenTimeMasternodes(timeListener(context))
  const watch = new Watch()
  yield* Effect.forkScoped(Stream.runForEach(
    Stream.fromSchedule(Schedule.spaced(Limits.masternodeBeatMs)),
    () => Effect.sync(() => beat(context, watch))
  ))
  return Masternodes.of({
    report: Effect.sync(() => rules.reportMasternodes(context.registry, timers.now())),
    live: Effect.sync(() =>
      MasternodeReport.live(context.registry, timers.now()).map(({ ip }) => ip).toSorted(PeerIp.compare)
    )
  })
})

/** A function, so that two nodes never share a layer. */
export const layer = () => Layer.provide(Layer.effect(Masternodes, make), SignaturesLive.layer)
