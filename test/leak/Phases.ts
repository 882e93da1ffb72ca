/** The three leak tests: connections on the memory network, connections on real sockets, whole nodes. */
import { Effect, Result as Outcome } from "effect"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import { MemoryNetwork } from "../../src/layers/socket/memory/MemoryNetwork.ts"
import * as TcpSocket from "../../src/layers/socket/TcpSocket.ts"
import { PeerSocket } from "../../src/services/PeerSocket.ts"
import type { Stuck } from "../../src/testing/Await.ts"
import type { RawPeerEnded } from "../../src/testing/RawPeer.ts"
import { judge, type Result } from "./Judge.ts"
import * as LifetimeLane from "./LifetimeLane.ts"
import * as PairLane from "./PairLane.ts"
import * as RawLane from "./RawLane.ts"

export interface Options {
  readonly cycles: number
  readonly warmUp: number
  /** Lanes of each kind. */
  readonly lanes: number
}

export type Failure = Stuck | RawPeerEnded

const ipOf = (text: string) => Outcome.getOrThrow(PeerIp.fromString(text))

/** `lanes` times `f`, with a number that is no other's. */
const times = <A, E, R>(lanes: number, f: (k: number) => Effect.Effect<A, E, R>) =>
  Effect.forEach(Array.from({ length: lanes }, (_, k) => k), f)

export const memory = ({ cycles, lanes, warmUp }: Options): Effect.Effect<Result, Failure> =>
  Effect.gen(function*() {
    const network = yield* MemoryNetwork
    const sockets = (text: string) => network.host(ipOf(text))
    const pairs = yield* times(lanes, (k) => {
      const ips = [`10.1.${k}.1`, `10.1.${k}.2`, `10.1.${k}.3`] as const
      return PairLane.make({ name: `pair ${k}`, ips, sockets, reset: network.reset(ipOf(ips[0]), ipOf(ips[1])) })
    })
    const raws = yield* times(lanes, (k) =>
      RawLane.make({ name: `raw ${k}`, ips: [`10.2.${k}.1`, `10.2.${k}.2`, `10.2.${k}.3`, `10.2.${k}.4`], sockets }))
    return yield* judge<Failure>({
      name: "memory",
      lanes: [...pairs, ...raws],
      cycles,
      warmUp,
      open: Effect.map(network.connections, (all) =>
        all.length)
    })
  }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))

export const sockets = ({ cycles, lanes, warmUp }: Options): Effect.Effect<Result, Failure> =>
  Effect.gen(function*() {
    const tcp = yield* PeerSocket
    const pairs = yield* times(lanes, (k) =>
      PairLane.make({
        name: `pair ${k}`,
        ips: [`127.61.${k}.1`, `127.61.${k}.2`, `127.61.${k}.3`],
        sockets: () => tcp,
        reset: undefined
      }))
    const raws = yield* times(lanes, (k) =>
      RawLane.make({
        name: `raw ${k}`,
        ips: [`127.62.${k}.1`, `127.62.${k}.2`, `127.62.${k}.3`, `127.62.${k}.4`],
        sockets: () => tcp
      }))
    return yield* judge<Failure>({ name: "sockets", lanes: [...pairs, ...raws], cycles, warmUp })
  }).pipe(Effect.scoped, Effect.provide(TcpSocket.layer))

export const lifetimes = ({ cycles, lanes, warmUp }: Options): Effect.Effect<Result, Failure> =>
  Effect.gen(function*() {
    const network = yield* MemoryNetwork
    const all = yield* times(lanes, (k) => {
      const ips = [`10.3.${k}.${1 + k % 2}`, `10.3.${k}.${2 - k % 2}`] as const
      return LifetimeLane.make({
        name: `lifetimes ${k}`,
        ips,
        sockets: (text) => network.host(ipOf(text)),
        crash: network.crash(ipOf(ips[1]))
      })
    })
    return yield* judge<Failure>({
      name: "lifetimes",
      lanes: all,
      cycles,
      warmUp,
      open: Effect.map(network.connections, (open) => open.length)
    })
  }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer))
