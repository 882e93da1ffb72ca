/**
 * A real node and peers written by hand that rank above and below it: they come up and vanish, break rules, are refused, or
 * leave in the middle of the handshake.
 */
import { Effect, Result } from "effect"
import type { Scope } from "effect"
import { networks } from "../../src/domain/Network.ts"
import * as Handshake from "../../src/domain/pair/Handshake.ts"
import * as PeerAddress from "../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import type { PeerSocket } from "../../src/services/PeerSocket.ts"
import { type Stuck, until } from "../../src/testing/Await.ts"
import * as RawPeer from "../../src/testing/RawPeer.ts"
import type { Lane } from "./Lane.ts"
import { foreign, start } from "./Nodes.ts"

export interface Options {
  readonly name: string
  /** `IP`s, ascending. The last one never says Hello. */
  readonly ips: readonly [below: string, node: string, above: string, stranger: string]
  readonly sockets: (ip: string) => PeerSocket["Service"]
}

const network = networks.devnet

/** bytes. The head of a frame longer than any. */
const garbage = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0)

export const make = (
  { ips, name, sockets }: Options
): Effect.Effect<Lane<Stuck | RawPeer.RawPeerEnded>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const node = yield* start(sockets(ips[1]), ips[1])
    const peerAt = (text: string) => {
      const ip = Result.getOrThrow(PeerIp.fromString(text))
      const own = sockets(text)
      // Where the node really listens, from the address that the peer has.
      const from: PeerSocket["Service"] = {
        ...own,
        dial: (to, options) => own.dial(PeerAddress.make(to.ip, node.address.port), { ...options, from: ip })
      }
      return { ip, dial: RawPeer.dial(from, node.address), lower: text === ips[0] }
    }
    const peers = [peerAt(ips[0]), peerAt(ips[2])]
    const stranger = peerAt(ips[3])
    type Peer = typeof stranger
    const downs = (condition: string, before: number) =>
      until(`${name}: Down (${condition})`, [node], () => node.counts.downs > before)
    const refusals = (condition: string, before: number) =>
      until(`${name}: refusal (${condition})`, [node], () => node.counts.refused > before)

    /** Comes up, then does `leave`. */
    const meet = (
      what: string,
      peer: Peer,
      leave: (raw: RawPeer.RawPeer) => Effect.Effect<unknown, RawPeer.RawPeerEnded>
    ) =>
      Effect.gen(function*() {
        const before = node.counts.downs
        const raw = yield* peer.dial
        yield* raw.say(RawPeer.hello(network, node.ip))
        if (peer.lower) {
          yield* raw.until("Hello")
          yield* raw.say(Handshake.commit(peer.ip, node.ip))
          yield* raw.until("Ack")
        } else {
          yield* raw.until("Commit")
          yield* raw.say({ _tag: "Ack" })
        }
        yield* until(`${name}: Up (${what})`, [node], () => node.sockets.has(peer.ip))
        yield* leave(raw)
        yield* downs(what, before)
        yield* raw.close
      })

    /** Says `words` and leaves before it is up. */
    const fail = (
      what: string,
      peer: Peer,
      words: (raw: RawPeer.RawPeer) => Effect.Effect<unknown, RawPeer.RawPeerEnded>
    ) =>
      Effect.gen(function*() {
        const before = node.counts.refused
        const raw = yield* peer.dial
        yield* words(raw)
        yield* raw.close
        yield* refusals(what, before)
      })

    const ways: ReadonlyArray<(peer: Peer) => Effect.Effect<void, Stuck | RawPeer.RawPeerEnded>> = [
      (peer) => meet("all read, then closed", peer, (raw) => Effect.andThen(raw.until("Ping"), raw.close)),
      (peer) => meet("closed with bytes unread", peer, (raw) => raw.close),
      (peer) => meet("garbage", peer, (raw) => raw.bytes(garbage)),
      (peer) => meet("disconnected by the node", peer, () => node.manager.disconnect(peer.ip)),
      (peer) => meet("a second Hello", peer, (raw) => raw.say(RawPeer.hello(network, node.ip))),
      () => fail("gone before its Hello", stranger, (raw) => raw.until("Hello")),
      (peer) =>
        fail("gone after its Hello", peer, (raw) =>
          raw.say(RawPeer.hello(network, node.ip)).pipe(
            Effect.andThen(raw.until("Hello"))
          )),
      (peer) =>
        fail("of another network", peer, (raw) =>
          raw.say(RawPeer.hello(network, node.ip, { genesis: foreign.genesis })).pipe(
            Effect.andThen(raw.until("Reject"))
          )),
      () =>
        fail("garbage instead of a Hello", stranger, (raw) =>
          raw.bytes(garbage).pipe(Effect.andThen(raw.until("Reject"))))
    ]

    return {
      name,
      cycle: (i) => {
        const way = ways[i % ways.length]
        const peer = peers[Math.floor(i / ways.length) % peers.length]
        return way === undefined || peer === undefined ? Effect.void : way(peer)
      },
      rest: until(`${name}: nobody up`, [node], () =>
        node.sockets.size === 0),
      nodes: 1,
      // Who never said Hello leaves none.
      rows: peers.length,
      reasons: () =>
        node.reasons
    }
  })
