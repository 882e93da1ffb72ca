/** Dials what the pair machines ask for, at most `maxDials` at once, first come first served. */
import { Effect } from "effect"
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
  const waiting: Array<{ readonly row: PeerRow; readonly connection: PeerConnection.PeerConnection }> = []
  const dialling = new Set<PeerConnection.PeerConnection>()

  const next = (): void => {
    while (dialling.size < tuning.maxDials) {
      const turn = waiting.shift()
      if (turn === undefined) return
      if (turn.connection.active) start(turn.row, turn.connection)
    }
  }

  const start = (row: PeerRow, connection: PeerConnection.PeerConnection): void => {
    const port = row.port ?? core.setup.network.port
    dialling.add(connection)
    core.emit({ _tag: "Dialling", ip: row.ip, port })
    core.fork(Effect.flatMap(
      sockets.dial(PeerAddress.make(row.ip, port), { from: sameFamily(from, row.ip), timeoutMs: tuning.dialMs }),
      ({ local, socket }) => connection.run(socket, local)
    ))
  }

  return {
    dial: (row, id) => {
      const connection = new PeerConnection.PeerConnection(host, id, row.ip, "outbound", core.entropy.nonce())
      core.openDials.add(connection.helloNonce)
      row.connections.push(connection)
      waiting.push({ row, connection })
      next()
    },
    done: (connection) => {
      if (dialling.delete(connection)) next()
    }
  }
}

/** A specific listen address is also where we dial from, so that the peer observes it; not across families. */
const sameFamily = (from: PeerIp | undefined, to: PeerIp): PeerIp | undefined =>
  from !== undefined && from.includes(":") === to.includes(":") ? from : undefined
