/**
 * How a node hears of others, in its simplest sound form: on every Up each side sends its connected peers to the newcomer
 * and tells them of it, once. So both ends of a pair learn of each other together, and the lower dials.
 */
import * as Limits from "../../domain/Limits.ts"
import type { PeerSource } from "../../domain/NodeEvent.ts"
import type { PeerAddress } from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import * as TieBreak from "../../domain/peer/TieBreak.ts"
import type { Peers } from "../../domain/wire/Message.ts"
import * as NativeEncoder from "../../domain/wire/native/NativeEncoder.ts"
import { admit, type NodeCore } from "./NodeContext.ts"
import { overflow } from "./PairDriver.ts"
import type { PeerRow } from "./Peer.ts"
import type { PeerConnection } from "./PeerConnection.ts"

export interface Discovery {
  /** Makes an address known, so that the pair gets connected. Own and unusable addresses are passed over. */
  readonly learn: (address: PeerAddress, source: PeerSource) => void
  readonly onUp: (row: PeerRow, connection: PeerConnection) => void
  readonly onPeers: (from: PeerRow, peers: Peers["peers"]) => void
}

export const make = (core: NodeCore): Discovery => {
  const { advertise, listen } = core.setup
  const own = advertise ?? (listen.ip === "any" ? undefined : listen.ip)

  const learn = (address: PeerAddress, source: PeerSource): void => {
    if (PeerIp.classOf(address.ip) === "special" || core.ownIps.has(address.ip)) return
    const known = core.table.get(address.ip)
    const row = admit(core, address.ip, address.port, source)
    if (row === undefined || row.own) return
    // A socket that said nothing names nobody: what is known of that address is what others tell.
    if (source === "configured" || (row.source === "inbound" && !row.greeted)) row.source = source
    // What an operator says, or a first hint; hearsay never changes a known port.
    if (source === "configured" || row.port === undefined || row.port === 0) row.learnPort(address.port)
    if (row.pair.dialable) return
    if (known === undefined || known.pair.rank === undefined) {
      core.emit({ _tag: "PeerLearned", ip: row.ip, port: address.port, source })
    }
    const rankOf = core.mutant === "ip-as-text" ? TieBreak.rankAsText : TieBreak.rank
    const rank = own === undefined ? undefined : rankOf(own, row.ip)
    core.dispatch(row, { _tag: "Learned", rank: rank === "same" ? undefined : rank })
  }

  const send = (row: PeerRow, connection: PeerConnection, peers: Peers["peers"]): void => {
    if (peers.length === 0) return
    if (!connection.sendBulk(NativeEncoder.encodePeers(peers))) overflow(core, row, connection)
  }

  const listens = (row: PeerRow) => row.port !== undefined && row.port > 0

  /** Whether a peer may add one more address to the table. */
  const mayAdd = (from: PeerRow): boolean => {
    const now = core.wheel.now()
    const since = from.newAddressesAt === 0 ? 0 : now - from.newAddressesAt
    from.newAddresses = Math.min(Limits.newAddresses, from.newAddresses + since / 1_000 * Limits.newAddressesPerSecond)
    from.newAddressesAt = now
    if (from.newAddresses < 1) return false
    from.newAddresses -= 1
    return true
  }

  // Who came up since the last round. One message per peer and round, however many came: a mesh of N that forms at once
  // would otherwise cost N³ small messages.
  let newcomers: Array<{ readonly row: PeerRow; readonly connection: PeerConnection }> = []

  const tell = (): void => {
    const round = newcomers.filter(({ connection, row }) => connection.upAt !== undefined && listens(row))
    newcomers = []
    for (const row of core.table.rows()) {
      const up = row.up
      if (up === undefined) continue
      // A peer that came up later was told of these on its own Up.
      const news = round.filter((other) => other.connection.upOrder > up.upOrder && fits(other.row, row))
      if (news.length > 0) send(row, up, news.slice(0, Limits.peersPerMessage).map(addressOf))
    }
  }

  return {
    learn,
    onUp: (row, connection) => {
      const others: Array<PeerRow> = []
      for (const other of core.table.rows()) {
        if (others.length === Limits.peersPerMessage) break
        if (other !== row && other.up !== undefined && listens(other) && fits(other, row)) others.push(other)
      }
      send(row, connection, others.map((other) => addressOf({ row: other })))
      if (newcomers.push({ row, connection }) === 1) core.wheel.arm(Limits.gossipMs, tell)
    },
    onPeers: (from, peers) => {
      for (const peer of peers) {
        // Most of what is told is known: a mesh that forms hears of every node from every other.
        const known = core.table.get(peer.ip)
        if (known?.pair.dialable === true || !fitsClass(PeerIp.classOf(peer.ip), from.ipClass)) continue
        if (known !== undefined || mayAdd(from)) learn(peer, "gossip")
      }
    }
  }
}

const addressOf = ({ row }: { readonly row: PeerRow }) => ({ ip: row.ip, port: row.port ?? 0 })

/**
 * Whether an address may be told to, or believed from, a peer: nobody outside a private network has use for private
 * addresses, and loopback ones mean something else on every host.
 */
const fitsClass = (address: PeerIp.IpClass, peer: PeerIp.IpClass): boolean =>
  address === "routable" || address === peer || (address === "private" && peer === "loopback")

const fits = (address: PeerRow, peer: PeerRow): boolean => fitsClass(address.ipClass, peer.ipClass)
