/**
 * Dials what the pair machines ask for, at most `maxDials` at once. Peers that were once connected, or that the operator or the
 * peer itself named, go before addresses that others only told of, and some places are theirs alone: whoever tells of thousands
 * of addresses where nobody is keeps us from no real peer. Of hearsay, what failed least goes first: a dead address waits
 * behind every one that was not tried. Among equals, first come first served.
 */
import { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { PeerSocket } from "../../services/PeerSocket.ts"
import type { NodeCore } from "./NodeContext.ts"
import type { PeerRow } from "./Peer.ts"
import * as PeerConnection from "./PeerConnection.ts"

export interface Dialler {
  /** Makes the connection for the end `id` of the pair and dials when its turn comes. */
  readonly dial: (row: PeerRow, id: number) => void
  /** A dialled connection is open, failed or was aborted: its place is free. */
  readonly done: (connection: PeerConnection.PeerConnection) => void
}

export const make = (core: NodeCore, sockets: PeerSocket["Service"], host: PeerConnection.Host): Dialler => {
  const { listen, tuning } = core.setup
  const from: PeerIp | undefined = listen.ip === "any" ? undefined : listen.ip
  const proven = new Set<PeerConnection.PeerConnection>()
  const hearsay = new Set<PeerConnection.PeerConnection>()
  const dialling = new Set<PeerConnection.PeerConnection>()
  const hearsayDials = Math.ceil(tuning.maxDials * Limits.gossipDials)

  const likeliest = (): PeerConnection.PeerConnection | undefined => {
    let best: PeerConnection.PeerConnection | undefined
    for (const connection of hearsay) {
      if (connection.row.failures === 0) return connection
      if (best === undefined || connection.row.failures < best.row.failures) best = connection
    }
    return best
  }

  const next = (): void => {
    while (dialling.size < tuning.maxDials) {
      const [first] = proven
      const connection = first ?? (dialling.size < hearsayDials ? likeliest() : undefined)
      if (connection === undefined) return
      leave(connection)
      dialling.add(connection)
      start(connection)
    }
  }

  const leave = (connection: PeerConnection.PeerConnection): void => {
    connection.queued = false
    proven.delete(connection)
    hearsay.delete(connection)
  }

  const start = (connection: PeerConnection.PeerConnection): void => {
    const { row } = connection
    const port = row.dialPort(core.setup.network.port)
    core.emit({ _tag: "Dialling", ip: row.ip, port })
    core.fork(Effect.flatMap(
      sockets.dial(PeerAddress.make(row.ip, port), { from: sameFamily(from, row.ip), timeoutMs: tuning.dialMs }),
      ({ local, socket }) => connection.run(socket, local)
    ))
  }

  return {
    dial: (row, id) => {
      const connection = new PeerConnection.PeerConnection(host, id, row, "outbound", core.entropy.nonce())
      core.openDials.add(connection.helloNonce)
      row.connections.push(connection)
      connection.queued = true
      const queue = row.isHearsay ? hearsay : proven
      queue.add(connection)
      next()
    },
    done: (connection) => {
      leave(connection)
      if (dialling.delete(connection)) next()
    }
  }
}

/** A specific listen address is also where we dial from, so that the peer observes it; not across families. */
const sameFamily = (from: PeerIp | undefined, to: PeerIp): PeerIp | undefined =>
  from !== undefined && from.includes(":") === to.includes(":") ? from : undefined
