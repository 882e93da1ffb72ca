/**
 * `ConnectionManager` and `PeerMessages`: listens, builds the parts and starts them. The parts are modules of functions over one
 * `NodeContext`; the state machine of all pairs (`PairDriver`) ties them together.
 */
import { Clock, Context, Effect, Layer } from "effect"
import * as Limits from "../../domain/Limits.ts"
import { ownPeer, peerProblem } from "../../domain/NodeSetup.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import type { WireName } from "../../domain/peer/PeerRecord.ts"
import { ConnectionManager, InvalidPeer, type Origin } from "../../services/ConnectionManager.ts"
import { EventLoop } from "../../services/EventLoop.ts"
import { NodeConfig } from "../../services/NodeConfig.ts"
import { NodeEvents } from "../../services/NodeEvents.ts"
import { type PeerListener, PeerMessages } from "../../services/PeerMessages.ts"
import { PeerSocket } from "../../services/PeerSocket.ts"
import * as AddressSaver from "./AddressSaver.ts"
import * as ApplicationChannels from "./ApplicationChannels.ts"
import { Dialler } from "./Dialler.ts"
import * as Discovery from "./Discovery.ts"
import * as Heartbeat from "./Heartbeat.ts"
import { Inbound, listen } from "./Inbound.ts"
import * as Isolation from "./Isolation.ts"
import * as NodeContext from "./NodeContext.ts"
import * as OperatorBans from "./OperatorBans.ts"
import * as Outgoing from "./Outgoing.ts"
import * as PairDriver from "./PairDriver.ts"
import * as PairTimers from "./PairTimers.ts"
import type { Up } from "./PeerEnd.ts"
import { PeerSession } from "./PeerSession.ts"
import * as Protection from "./Protection.ts"
import type { Protocol } from "./Protocols.ts"
import * as Reachability from "./Reachability.ts"
import * as Redials from "./Redials.ts"
import * as Seeds from "./Seeds.ts"
import * as Seeker from "./Seeker.ts"
import * as TimeOutgoing from "./TimeOutgoing.ts"
import { TimeSession } from "./TimeSession.ts"

const make = Effect.gen(function*() {
  const sockets = yield* PeerSocket
  const { ownClock } = yield* EventLoop
  const setup = yield* NodeConfig
  const { emit, listen: hear } = yield* NodeEvents
  const listener = yield* listen(
    sockets,
    setup.listen,
    (error) => emit({ _tag: "AcceptFailed", detail: error.message })
  )
  const stored = yield* AddressSaver.load(yield* Clock.currentTimeMillis)
  const ctx = yield* NodeContext.make(listener.address.port, stored.book, (ctx) => new TimeSession(ctx))
  const session = new PeerSession(ctx)
  const dialler = new Dialler(ctx, sockets, session)
  NodeContext.listens(ctx, () => dialler.counts)
  const inbound = new Inbound(ctx, session, sockets.openFiles?.())
  const saver = yield* AddressSaver.make(ctx, stored)
  Protection.restore(ctx, stored)
  yield* hear((event) => Protection.observe(ctx, event))
  PairDriver.start(ctx, { dialler, saver })

  ctx.emit({ _tag: "Listening", address: PeerAddress.format(listener.address) })
  yield* Effect.forkScoped(listener.run((accepted) => inbound.accept(accepted), inbound.door, inbound.anteroom), {
    startImmediately: true
  })
  yield* Effect.forkScoped(Heartbeat.run(ctx))
  yield* Effect.forkScoped(saver.run)

  for (const address of setup.peers) {
    Seeker.remember(ctx, address, "configured")
    Discovery.learn(ctx, address, "configured")
  }
  Seeker.start(ctx, stored.anchors)
  Reachability.start(ctx)
  yield* Seeds.start(ctx)
  if ((setup.seeds ?? []).length === 0 && [...ctx.table.peers()].length === 0) ctx.emit({ _tag: "NoPeersKnown" })

  // Tell every peer, allow time to read it, then let the scope close what is left.
  yield* Effect.addFinalizer(() =>
    Effect.gen(function*() {
      ctx.slots.close()
      ctx.emit({ _tag: "Stopping" })
      yield* saver.save
      for (const peer of ctx.table.peers()) {
        PairTimers.disarmAll(ctx, peer)
        NodeContext.post(ctx, peer, { _tag: "Stopped", reject: "shutdown", detail: "", retryMs: undefined })
      }
      const bound = Effect.sleep(Limits.lingerMs + Limits.closeGraceMs)
      // The second bound runs on the event loop's own clock: a test clock that stands still must not keep the node from ending.
      const real = Effect.provideService(Effect.sleep(Limits.closeMs - 1_000), Clock.Clock, ownClock)
      yield* Effect.raceAllFirst([ctx.slots.drained, bound, real])
    })
  )

  const manager = ConnectionManager.of({
    ...ApplicationChannels.make(ctx),
    connect: (to) =>
      Effect.suspend(() => {
        const wrong = peerProblem(to, ctx.setup, "peer") ?? (
          ctx.table.own.how(to.ip) === undefined ? undefined : ownPeer(to)
        )
        if (wrong !== undefined) return Effect.fail(new InvalidPeer(wrong))
        const banned = OperatorBans.problem(ctx, to.ip)
        if (banned !== undefined) return Effect.fail(new InvalidPeer(banned))
        return Discovery.learn(ctx, to, "configured") ? Effect.void : Effect.fail(new InvalidPeer(noRoom(to)))
      }),
    disconnect: (ip) =>
      Effect.sync(() => {
        const peer = ctx.table.get(ip)
        if (peer === undefined) return false
        const wasUp = peer.up !== undefined
        peer.note({ isStopped: true })
        NodeContext.post(ctx, peer, { _tag: "Stopped", reject: "operator", detail: "", retryMs: undefined })
        return wasUp
      }),
    trust: (ip) =>
      Effect.sync(() => {
        const isForgotten = sockets.forgetKey?.(ip) === true
        const peer = ctx.table.get(ip)
        if (isForgotten && peer !== undefined) Redials.soon(ctx, peer)
        return isForgotten
      }),
    isolate: (ips) => Isolation.isolate(ctx, ips),
    ...OperatorBans.make(ctx, saver.save),
    address: listener.address
  })
  return Context.make(ConnectionManager, manager).pipe(Context.add(PeerMessages, messages(ctx)))
})

/** The table is full, and every peer in it is configured or connected. */
const noRoom = ({ ip }: PeerAddress.PeerAddress) => ({
  input: ip,
  problem: `does not fit: all ${Limits.knownPeers} places for known peers are in use`,
  fix: "configure fewer peers"
})

const messages = (ctx: NodeContext.NodeContext): PeerMessages["Service"] => {
  const live = (to: Origin): Up | undefined => {
    const up = ctx.table.get(to.ip)?.up
    return up?.end.id === to.connection ? up : undefined
  }
  const ups = (wire: WireName) => [...ctx.table.peers()].flatMap(({ up }) => up?.end.wire === wire ? [up] : [])
  const listenTo = <M>(protocol: Protocol<M>, wire: WireName) => (listener: PeerListener<M>) =>
    Effect.acquireRelease(
      Effect.sync(() => protocol.listen(listener, ups(wire))),
      (end) => Effect.sync(end)
    )
  return PeerMessages.of({
    listen: listenTo(ctx.sync, "native"),
    listenMasternodes: listenTo(ctx.masternodes, "native"),
    listenTime: listenTo(ctx.timeChain, "time"),
    listenTimeMasternodes: listenTo(ctx.timeMasternodes, "time"),
    sendTime: (to, message) => {
      const up = live(to)
      if (up === undefined) return false
      return message._tag === "StoredBlocks"
        ? TimeOutgoing.sendBlocks(ctx, up.end, message)
        : TimeOutgoing.send(ctx, up.end, message)
    },
    timeWaitMs: (to, tag) => {
      const up = live(to)
      return up === undefined ? 0 : TimeOutgoing.waitMs(ctx, up.end, tag)
    },
    send: (to, message) => {
      const up = live(to)
      return up !== undefined && Outgoing.bulk(ctx, up, message)
    },
    whenLow: (to, bytes) =>
      Effect.callback<void>((resume) => {
        const up = live(to)
        if (up === undefined || up.connection.queuedBytes <= bytes) return resume(Effect.void)
        return Effect.sync(up.connection.whenLow(() => resume(Effect.void), bytes))
      }),
    pauseReading: (from) => live(from)?.connection.pauseReading(),
    resumeReading: (from) => live(from)?.connection.resumeReading(),
    report: (of, offence) => Protection.report(ctx, of, offence),
    drop: (to, detail) => {
      const up = live(to)
      if (up !== undefined) Outgoing.close(ctx, up.end, "protocol", detail)
    }
  })
}

/** A function, so that two nodes never share a layer. Fails when the listen address cannot be bound. */
export const layer = () => Layer.effectContext(make)
