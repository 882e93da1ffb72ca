/**
 * Dials what the pair machines ask for, at most `maxDials` at once. Peers that were once connected, or that the operator or the
 * peer itself named, go before addresses that others only told of, and some places are theirs alone: whoever tells of thousands
 * of addresses where nobody is keeps us from no real peer. Among equals, first come first served.
 */
import { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { PeerSocket } from "../../services/PeerSocket.ts"
import type { NodeCore } from "./NodeCore.ts"
import * as PeerConnection from "./PeerConnection.ts"
import type { PeerRow } from "./PeerRow.ts"

export interface Dialler {
  /** Makes the connection for the end `id` of the pair and dials when its turn comes. */
  readonly dial: (row: PeerRow, id: number) => void
  /** A dialled connection is open, failed or was aborted: its place is free. */
  readonly done: (connection: PeerConnection.PeerConnection) => void
}

export const make = (core: NodeCore, sockets: PeerSocket["Service"], host: PeerConnection.Host): Dialler => {
  const { listen, tuning } = core.setup
  const from: PeerIp | undefined = listen.ip === "any" ? undefined : listen.ip
  const proven: Array<Turn> = []
  const hearsay: Array<Turn> = []
  const dialling = new Set<PeerConnection.PeerConnection>()
  const hearsayDials = Math.ceil(tuning.maxDials * Limits.hearsayDials)

  const next = (): void => {
    while (dialling.size < tuning.maxDials) {
      const turn = proven.shift() ?? (dialling.size < hearsayDials ? hearsay.shift() : undefined)
      if (turn === undefined) return
      if (turn.connection.active) start(turn.row, turn.connection)
    }
  }

  const start = (row: PeerRow, connection: PeerConnection.PeerConnection): void => {
    const port = row.dialPort(core.setup.network.port)
    dialling.add(connection)
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
      const queue = row.source === "gossip" && row.ups === 0 ? hearsay : proven
      queue.push({ row, connection })
      next()
    },
    done: (connection) => {
      if (dialling.delete(connection)) next()
    }
  }
}

interface Turn {
  readonly row: PeerRow
  readonly connection: PeerConnection.PeerConnection
}

/** A specific listen address is also where we dial from, so that the peer observes it; not across families. */
const sameFamily = (from: PeerIp | undefined, to: PeerIp): PeerIp | undefined =>
  from !== undefined && from.includes(":") === to.includes(":") ? from : undefined
