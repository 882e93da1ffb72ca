/**
 * Whether other hosts can reach this node. An inbound peer from outside proves it; without one, the node asks a peer now and then to dial back.
 *
 * **No reflector**: a dial-back goes to the asker's own IP, as its socket shows it, at the port of its Hello, never below
 * `Limits.toldPortLeast`. It sends nothing, reads one Hello, and closes. **Bounds**: one per `Limits.dialBackAgainMs` and asker,
 * `Limits.dialBackRate` in all; further requests get no answer.
 */
import { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import { Capability } from "../../domain/pair/Handshake.ts"
import * as Pair from "../../domain/pair/Pair.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import * as Reach from "../../domain/peer/Reach.ts"
import type { DialBack, Hello } from "../../domain/wire/Message.ts"
import { errorCode } from "../../services/PeerSocket.ts"
import type { NodeContext } from "./NodeContext.ts"
import * as Outgoing from "./Outgoing.ts"
import type { Peer } from "./Peer.ts"
import type { Up } from "./PeerEnd.ts"

// --- asking -----------------------------------------------------------------------

/** Checks periodically whether other hosts can reach this node, and asks a peer if nothing shows it. */
export const start = (ctx: NodeContext): void => {
  // Nodes that were started together must not ask together.
  const spread = 0.5 + Number.parseInt(ctx.entropy.process.slice(0, 8), 16) / 2 ** 32
  const next = (): void => {
    ctx.timers.arm(Limits.dialBackEveryMs * spread, () => {
      if (ctx.slots.closed) return
      look(ctx)
      next()
    })
  }
  if (ctx.listenPort > 0) next()
}

const look = (ctx: NodeContext): void => {
  const now = ctx.timers.now()
  for (const peer of ctx.table.peers()) if (isFromOutside(peer)) ctx.table.own.cameInAt = now
  report(ctx, now)
  if (ctx.table.own.cameIn(now)) return
  const { dialBacks } = ctx
  if (dialBacks.isWaiting(now)) return
  const chosen = toAsk(ctx, now)
  if (chosen === undefined) return
  const request = dialBacks.ask(chosen, PeerIp.operatorOf(chosen.end.ip), now)
  Outgoing.bulk(ctx, chosen, { _tag: "AskDialBack", request })
}

/** Whether the peer's connection proves that another host can reach this one: it dialled us, and not from this host. */
const isFromOutside = ({ ipClass, up }: Peer): boolean => up?.end.direction === "inbound" && ipClass !== "loopback"

/** A peer that supports dial-backs, of the netgroup asked longest ago. */
const toAsk = (ctx: NodeContext, now: number): Up | undefined => {
  let best: Up | undefined
  let least = Number.POSITIVE_INFINITY
  for (const { ip, up } of ctx.table.peers()) {
    if (up === undefined || (up.greeting.capabilities & Capability.dialBack) === 0) continue
    const at = ctx.dialBacks.askedAt(PeerIp.operatorOf(ip))
    if (now - at < Limits.dialBackAgainMs || at >= least) continue
    best = up
    least = at
  }
  return best
}

/** A peer reports how its dial-back went. An unsolicited answer is ignored. */
export const answered = (ctx: NodeContext, up: Up, { request, result }: DialBack): void => {
  if (!ctx.dialBacks.answered(up, request)) return
  const now = ctx.timers.now()
  const { own } = ctx.table
  own.reach = Reach.answered(own.reach, PeerIp.operatorOf(up.end.ip), { result, at: now })
  report(ctx, now)
}

const details: Readonly<Record<Reach.DialBackResult, string>> = {
  "reached": "peers reached it",
  "another-node": "peers find another node at its address",
  "refused": "its port refuses the dials of peers",
  "no-answer": "dials of peers are not answered",
  "not-a-node": "peers find something else at its port"
}

/** Reports reachability once, and again when it changes. */
const report = (ctx: NodeContext, now: number): void => {
  const { own } = ctx.table
  const reachable = own.reachable(now)
  if (reachable === "unknown" || reachable === own.reported) return
  own.reported = reachable
  const failure = Reach.commonFailure(own.reach, now)
  const detail = reachable === "no"
    ? details[failure ?? "no-answer"]
    : own.cameIn(now)
    ? "a peer came in"
    : "a peer dialled back"
  ctx.emit({ _tag: "Reachability", reachable, detail })
}

// --- answering --------------------------------------------------------------------

/** A peer asks for a dial-back. */
export const ask = (ctx: NodeContext, peer: Peer, up: Up, request: number): void => {
  const { dialBacks } = ctx
  const now = ctx.timers.now()
  const { listens } = up.greeting
  if (listens < Limits.toldPortLeast || !dialBacks.mayDial(peer.ip, now)) return
  const to = PeerAddress.make(peer.ip, listens)
  ctx.io.fork(
    dial(ctx, peer, up, to).pipe(
      Effect.map((result) => {
        if (up.end.up === up) Outgoing.bulk(ctx, up, { _tag: "DialBack", request, result, ip: to.ip, port: to.port })
      }),
      Effect.ensuring(Effect.sync(() => dialBacks.dialled()))
    )
  )
}

/** Opens a connection, waits for the Hello that every node sends first, and closes it. */
const dial = (
  ctx: NodeContext,
  peer: Peer,
  up: Up,
  to: PeerAddress.PeerAddress
): Effect.Effect<Reach.DialBackResult> => {
  const { listen, tuning } = ctx.setup
  const isSpecific = listen.ip !== "any" && PeerIp.isIpv6(listen.ip) === PeerIp.isIpv6(to.ip)
  const from = isSpecific && listen.ip !== "any" ? listen.ip : undefined
  const result = (hello: Hello | undefined): Reach.DialBackResult =>
    hello === undefined ? "not-a-node" : isSame(peer, up, hello) ? "reached" : "another-node"
  return Effect.gen(function*() {
    const { socket } = yield* ctx.sockets.dial(to, { from, timeoutMs: tuning.dialMs })
    const { pull } = yield* socket.reader
    return yield* readHello(ctx, pull).pipe(
      Effect.timeoutOrElse({ duration: Limits.helloMs, orElse: () => Effect.succeed(undefined) }),
      Effect.catch(() => Effect.succeed(undefined)),
      Effect.map(result)
    )
  }).pipe(
    Effect.scoped,
    Effect.catch((error) =>
      Effect.succeed<Reach.DialBackResult>(errorCode(error) === "ECONNREFUSED" ? "refused" : "no-answer")
    )
  )
}

/** Whether that Hello is from the process that asked: by its instance tag, which no other process knows. */
const isSame = ({ pair }: Peer, { end, greeting }: Up, { process, tag }: Hello): boolean =>
  process === greeting.process && tag === Pair.known(pair, end.id)?.tag

const readHello = <E>(
  ctx: NodeContext,
  pull: Effect.Effect<ReadonlyArray<Uint8Array | string>, E>
): Effect.Effect<Hello | undefined, E> => {
  const reader = ctx.wire.reader((bytes) => new Uint8Array(bytes))
  return Effect.gen(function*() {
    while (true) {
      const next = reader.read(ctx.wire.limits.beforeUp)
      if (next === "none") {
        for (const chunk of yield* pull) if (typeof chunk !== "string") reader.push(chunk)
        continue
      }
      const message = next === "message" ? reader.message() : undefined
      return message?._tag === "Hello" ? message : undefined
    }
  })
}
