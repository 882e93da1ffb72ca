/**
 * The connection manager: listens, accepts, dials what the pair machines ask for, tells peers of peers, and closes in
 * order. Composition only: the rules are in `domain/peer/Pair`, their execution in `PairDriver`, frames in `PeerSession`.
 */
import { Clock, Context, Deferred, Effect, Layer, type Scope } from "effect"
import type { SocketServer } from "effect/socket"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import * as NativeEncoder from "../../domain/wire/native/NativeEncoder.ts"
import { ConnectionManager, type Origin } from "../../services/ConnectionManager.ts"
import { EventLoop } from "../../services/EventLoop.ts"
import { PeerMessages } from "../../services/PeerMessages.ts"
import { type Accepted, errorCode, type Listener, PeerSocket } from "../../services/PeerSocket.ts"
import * as GoodAddresses from "./AddressSaver.ts"
import * as Aliases from "./Aliases.ts"
import * as Channels from "./ApplicationChannels.ts"
import * as Dialler from "./Dialler.ts"
import * as Discovery from "./Discovery.ts"
import * as Isolation from "./Isolation.ts"
import * as NodeCore from "./NodeContext.ts"
import * as Outbox from "./Outbox.ts"
import * as PairDriver from "./PairDriver.ts"
import type { PeerRow } from "./Peer.ts"
import * as PeerConnection from "./PeerConnection.ts"
import * as PeerSession from "./PeerSession.ts"

/** `any` is `[::]`, and 0.0.0.0 on a host without IPv6. */
const listen = (
  sockets: PeerSocket["Service"],
  at: { readonly ip: PeerIp.PeerIp | "any"; readonly port: number }
): Effect.Effect<Listener, SocketServer.SocketServerError, Scope.Scope> => {
  const on = (ip: string) => sockets.listen(PeerAddress.make(PeerIp.fromStringUnsafe(ip), at.port))
  if (at.ip !== "any") return on(at.ip)
  return Effect.catchIf(on("::"), (error) => errorCode(error) !== "EADDRINUSE", () => on("0.0.0.0"))
}

const make = Effect.gen(function*() {
  const sockets = yield* PeerSocket
  const core = yield* NodeCore.make
  const { setup } = core
  const { afterTurn, ownClock } = yield* EventLoop
  const allEnded = yield* Deferred.make<void>()

  const host: PeerConnection.Host = {
    wheel: core.wheel,
    afterTurn,
    fork: core.fork,
    onOpen: (connection) => {
      core.running.add(connection)
      if (connection.direction === "inbound") return
      dialler.done(connection)
      core.dispatch(connection.row, { _tag: "Connected", end: connection.id })
    },
    onBytes: (connection) => session.onBytes(connection),
    onFrame: (connection, kind) => session.onFrame(connection, kind),
    onBatch: (connection, frames) => session.onBatch(connection, frames),
    onEnd: (connection, reason, opened) => {
      core.running.delete(connection)
      if (core.stopping && core.running.size === 0) Deferred.doneUnsafe(allEnded, Effect.void)
      dialler.done(connection)
      const row = core.table.get(connection.ip)
      if (row === undefined) return
      if (row.connection(connection.id) !== undefined) {
        if (opened || connection.direction === "inbound") {
          core.dispatch(row, { _tag: "Closed", end: connection.id, reason })
        } else {
          const detail = reason.detail ?? reason.kind
          core.emit({ _tag: "DialFailed", ip: row.ip, detail })
          core.dispatch(row, { _tag: "DialFailed", end: connection.id, detail })
        }
      }
      // Somebody who never said Hello is no peer, and leaves no trace in the table.
      if (row.source === "inbound" && row.connections.length === 0 && !row.greeted) NodeCore.forget(core, row)
    }
  }
  const discovery = Discovery.make(core)
  const aliases = Aliases.make(core)
  const session = PeerSession.make(core, { onPeers: discovery.onPeers, aliases })
  const dialler = Dialler.make(core, sockets, host)
  const good = yield* GoodAddresses.make(core)
  PairDriver.install(core, {
    dial: dialler.dial,
    sendHello: session.sendHello,
    onUp: (row, connection) => {
      session.startLiveness(row, connection)
      discovery.onUp(row, connection)
      good.changed()
      aliases.onUp(row, connection)
      core.protocols?.onUp(originOf(connection), tipOf(core, row), row.capabilities)
    },
    onDown: (row, connection) => {
      core.protocols?.onDown(originOf(connection))
      aliases.onDown(row)
    }
  })

  const accepted = ({ local, remote, socket }: Accepted): Effect.Effect<void> =>
    Effect.suspend(() => {
      const refuse = core.stopping || core.isolated.has(remote.ip)
      const row = refuse ? undefined : NodeCore.admit(core, remote.ip, undefined, "inbound")
      if (row === undefined) return Effect.void
      const [oldest] = core.strangers
      if (core.strangers.size >= Limits.endsWithoutHello && oldest !== undefined) {
        const reason = DisconnectReason.local("hello-timeout", "made room for a newer connection")
        core.dispatch(oldest.row, { _tag: "Closed", end: oldest.id, reason })
      }
      const connection = new PeerConnection.PeerConnection(
        host,
        core.nextId++,
        row,
        "inbound",
        core.entropy.nonce()
      )
      connection.local = local.ip
      row.connections.push(connection)
      core.strangers.add(connection)
      core.dispatch(row, { _tag: "Accepted", end: connection.id })
      return connection.run(socket, Effect.succeedSome(remote))
    })

  const listener = yield* listen(sockets, setup.listen)
  core.listenPort = listener.address.port
  if (setup.advertise !== undefined) core.ownIps.add(setup.advertise)
  if (setup.listen.ip !== "any") core.ownIps.add(setup.listen.ip)
  core.emit({ _tag: "Listening", address: PeerAddress.format(listener.address) })
  yield* Effect.forkScoped(listener.run(accepted), { startImmediately: true })

  for (const address of setup.peers) discovery.learn(address, "configured")
  for (const address of yield* good.load) discovery.learn(address, "stored")
  if ([...core.table.rows()].length === 0) core.emit({ _tag: "NoPeersKnown" })

  // Tell every peer, give them a moment to read it, then let the scope take down what is left.
  yield* Effect.addFinalizer(() =>
    Effect.gen(function*() {
      core.stopping = true
      core.emit({ _tag: "Stopping" })
      yield* good.save
      for (const row of core.table.rows()) {
        NodeCore.disarmAll(core, row)
        core.dispatch(row, { _tag: "Stopped", reject: "shutdown", detail: "", retryMs: undefined })
      }
      if (core.running.size === 0) return
      const bound = Effect.sleep(Limits.lingerMs + Limits.closeGraceMs)
      // The second bound is the event loop's own time: a virtual clock that nobody moves any more must not keep a test from ending.
      const real = Effect.provideService(Effect.sleep(Limits.closeMs - 1_000), Clock.Clock, ownClock)
      yield* Effect.raceAllFirst([Deferred.await(allEnded), bound, real])
    })
  )

  const manager = ConnectionManager.of({
    ...Channels.make(core),
    connect: (to) => Effect.sync(() => discovery.learn(to, "configured")),
    disconnect: (ip) =>
      Effect.sync(() => {
        const row = core.table.get(ip)
        if (row === undefined) return false
        const was = row.up !== undefined
        core.dispatch(row, { _tag: "Stopped", reject: "operator", detail: "", retryMs: undefined })
        return was
      }),
    isolate: Isolation.make(core),
    address: listener.address
  })
  return Context.make(ConnectionManager, manager).pipe(Context.add(PeerMessages, messages(core)))
})

const originOf = (connection: PeerConnection.PeerConnection): Origin => ({
  ip: connection.ip,
  connection: connection.id
})

const tipOf = (core: NodeCore.NodeCore, row: PeerRow) => row.tip ?? { height: 0, hash: core.setup.network.genesis }

const messages = (core: NodeCore.NodeCore): PeerMessages["Service"] => {
  const live = (to: Origin): readonly [PeerRow, PeerConnection.PeerConnection] | undefined => {
    const row = core.table.get(to.ip)
    const up = row?.up
    return row === undefined || up === undefined || up.id !== to.connection ? undefined : [row, up]
  }
  return PeerMessages.of({
    listen: (listener) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          core.protocols = listener
          for (const row of core.table.rows()) {
            if (row.up !== undefined) listener.onUp(originOf(row.up), tipOf(core, row), row.capabilities)
          }
        }),
        () =>
          Effect.sync(() => {
            if (core.protocols === listener) core.protocols = undefined
          })
      ),
    send: (to, message) => {
      const found = live(to)
      if (found === undefined) return false
      const [row, connection] = found
      if (connection.sendBulk(Outbox.frameOf(NativeEncoder.encodeSync(message)))) return true
      PairDriver.overflow(core, row, connection)
      return false
    },
    queuedBytes: (ip) => core.table.get(ip)?.up?.outbox.queuedBytes ?? 0,
    drop: (to, detail) => {
      const found = live(to)
      if (found === undefined) return
      core.dispatch(found[0], {
        _tag: "Closed",
        end: to.connection,
        reason: DisconnectReason.local("protocol", detail)
      })
    }
  })
}

/** A function, so that two nodes never share one. Fails when the listen address cannot be bound. */
export const layer = () => Layer.effectContext(make)
