/** The wording for this node's own address and for each notice about it: the cause, and what to do. */
import type { Notice, OwnView } from "./OwnAddress.ts"
import * as OwnAddress from "./OwnAddress.ts"
import * as PeerAddress from "./PeerAddress.ts"
import type { DialBackResult } from "./Reach.ts"
import type { Words } from "./SituationText.ts"

/** Values used in the text. */
export interface Details {
  /** The port advertised to peers. */
  readonly port: number
  /** The most common result of dials back that failed. */
  readonly failure: DialBackResult | undefined
}

/** State of this node's own address, with the wording. */
export interface OwnReport extends Omit<OwnView, "notices"> {
  readonly port: number
  /** One line for people. */
  readonly line: string
  readonly notices: ReadonlyArray<{ readonly notice: Notice } & Words>
}

const failures: Readonly<Record<DialBackResult, string>> = {
  "reached": "they reached it",
  "another-node": "another node answers there",
  "refused": "the dial is refused",
  "no-answer": "nothing answers",
  "not-a-node": "what answers is no node"
}

const votes = ({ seen }: OwnView): string => seen.map(({ groups, ip, of }) => `${ip} (${groups} of ${of})`).join(", ")

/** Cause and fix of one notice. */
export const of = (notice: Notice, view: OwnView, { failure, port }: Details): Words => {
  const at = view.ip === undefined ? `port ${port}` : PeerAddress.format(PeerAddress.make(view.ip, port))
  switch (notice) {
    case "unseen":
      return { cause: "no connected peer says at which address it sees this node" }
    case "unconfirmed":
      return { cause: `too few netgroups have said at which address they see this node: ${votes(view)}` }
    case "disagreement":
      return {
        cause: `peers disagree on this node's address: ${votes(view)}`,
        fix:
          "set --advertise to its public address; a router that gives every connection another address is no place for a node"
      }
    case "mismatch":
      return {
        cause: `this node is announced as ${view.ip ?? "?"}, but peers see it at ${
          view.seen.find(OwnAddress.isMajority)?.ip ?? "?"
        }`,
        fix:
          "correct --advertise or --listen, or let its dials leave from that address: a peer is the IP that others see"
      }
    case "translated":
      return {
        cause: `${view.ip ?? "its address"} is no address of this host's: a router translates it`,
        ...(view.reachable === "yes" ? {} : { fix: `have the router forward TCP port ${port} to this host` })
      }
    case "several":
      return {
        cause: `peers see this node at several addresses: ${
          view.seen.flatMap(({ ip, others }) => [ip, ...others]).join(", ")
        }`,
        fix: "nothing, if this host has them all; to have one only, set --listen to it"
      }
    case "second-node":
      return {
        cause: `another node answers at ${at}, which is this node's public address`,
        fix: "run one node per public IP, and have the router forward the port to this one"
      }
    case "unreachable":
      return {
        cause: `peers that were asked to dial ${at} cannot reach this node${
          failure === undefined ? "" : `: ${failures[failure]}`
        }`,
        fix:
          `open TCP port ${port} in the firewall and forward it at the router; without that, only dials of this node connect it`
      }
  }
}

const reachWords = { yes: "reachable", no: "not reachable from outside", unknown: "reachability not known yet" }

/** One line for people. */
export const line = (view: OwnView, port: number): string => {
  const reach = reachWords[view.reachable]
  if (view.ip === undefined) return `not known yet, ${reach}`
  const here = view.seen.find(({ ip }) => ip === view.ip)
  const groups = here === undefined ? 0 : here.groups
  return `${PeerAddress.format(PeerAddress.make(view.ip, port))}, ${
    groups === 0 ? "seen by no peer" : `seen by peers of ${groups} netgroup${groups === 1 ? "" : "s"}`
  }, ${reach}`
}

/** The view with its wording. */
export const report = (view: OwnView, details: Details): OwnReport => ({
  ...view,
  port: details.port,
  line: line(view, details.port),
  notices: view.notices.map((notice) => ({ notice, ...of(notice, view, details) }))
})
