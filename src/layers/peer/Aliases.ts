/**
 * One process under several addresses: told when a Hello looks like it, and of two connections to it that one is closed which
 * came up later. What makes sure of that is `domain/peer/Sameness`.
 */
import * as Sameness from "../../domain/peer/AliasProof.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type * as Message from "../../domain/wire/Message.ts"
import * as NativeEncoder from "../../domain/wire/native/NativeEncoder.ts"
import type { NodeCore } from "./NodeContext.ts"
import { overflow } from "./PairDriver.ts"
import type { PeerRow } from "./Peer.ts"
import type { PeerConnection } from "./PeerConnection.ts"

export interface Aliases {
  /** A Hello came, to a row of which nothing was up. */
  readonly onHello: (row: PeerRow, hello: Message.Hello) => void
  readonly onUp: (row: PeerRow, connection: PeerConnection) => void
  readonly onDown: (row: PeerRow) => void
  /** The peer says on this connection, which is up, that it is at the end of another one too. */
  readonly onAlso: (row: PeerRow, connection: PeerConnection, proof: string) => void
  /** The peer says that we have it under the other address; false if we do not. */
  readonly onReject: (row: PeerRow, other: Message.Reject["address"]) => boolean
}

export const make = (core: NodeCore): Aliases => {
  /** Connections to other addresses that say they lead to the same process. */
  const namesakes = function*(row: PeerRow, process: string): Iterable<PeerConnection> {
    for (const other of core.table.rows()) {
      const { up } = other
      if (other !== row && up?.facts?.process === process) yield up
    }
  }

  const aliased = (row: PeerRow, other: PeerRow, detail: string): void =>
    core.emit({ _tag: "Aliased", ip: row.ip, other: other.ip, detail })

  /** What proves to the verifier at that address that the prover is at the end of `about` too. */
  const proof = (verifier: PeerIp, about: Sameness.Nonces): string =>
    core.entropy.mac(Sameness.proofKey(about), Sameness.proofInput(verifier))

  /** Proves on each of two connections that we are at the end of the other. */
  const prove = (connection: PeerConnection, other: PeerConnection): void => {
    for (const [carrier, about] of [[connection, other], [other, connection]] as const) {
      if (about.facts === undefined) continue
      const said = proof(carrier.ip, { verifier: about.facts.nonce, prover: about.helloNonce })
      if (!carrier.sendControl(NativeEncoder.encodeAlso(said))) overflow(core, carrier.row, carrier)
    }
  }

  return {
    onHello: (row, hello) => {
      for (const other of namesakes(row, hello.process)) {
        return aliased(row, other.row, "both addresses say they are the same process")
      }
    },
    onUp: (row, connection) => {
      if (connection.facts === undefined) return
      for (const up of namesakes(row, connection.facts.process)) prove(connection, up)
    },
    onAlso: (row, connection, said) => {
      const { facts, local, self } = connection
      // Who says that we are somewhere else could pass on what was said to another. (Or an address is translated on the way.)
      if (facts === undefined || self === undefined || local !== self) return
      for (const up of namesakes(row, facts.process)) {
        if (up.facts === undefined) continue
        if (proof(self, { verifier: up.helloNonce, prover: up.facts.nonce }) !== said) continue
        // It cannot know that we know until it has our proof: its connection may have come up after ours.
        if (!Sameness.decides(core.entropy.process, facts.process)) return prove(connection, up)
        const [later, stays] = connection.upOrder > up.upOrder ? [connection, up] : [up, connection]
        later.row.aliasOf = stays.ip
        aliased(later.row, stays.row, "the same process, as it proved: one connection is enough")
        return core.dispatch(later.row, { _tag: "Merged", end: later.id, detail: `connected as ${stays.ip}` })
      }
    },
    onReject: (row, address) => {
      const other = address === undefined ? undefined : core.table.get(address)
      // Only as long as we really have the peer under that address: a lie must not keep us from dialling.
      if (other?.up === undefined || other === row) return false
      row.aliasOf = other.ip
      aliased(row, other, "the peer says we have it under the other address already")
      return true
    },
    onDown: (row) => {
      for (const other of core.table.rows()) {
        if (other.aliasOf !== row.ip) continue
        other.aliasOf = undefined
        core.dispatch(other, { _tag: "Freed" })
      }
    }
  }
}
