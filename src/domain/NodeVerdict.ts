/** Whether a node is healthy, in one sentence that an operator can act on. `status` begins with it and `/health/ready` answers by it. Pure. */
import type { Notice } from "./peer/OwnAddress.ts"
import type { PeerSummary } from "./peer/PeerSummary.ts"
import * as Problem from "./Problem.ts"

export interface NodeVerdict {
  readonly isOk: boolean
  /**
   * Connected, and at the best peer's chain if the node keeps a chain. Not being ready is not a problem in itself: a node that is starting
   * is not ready.
   */
  readonly isReady: boolean
  /** `OK: 4 peers (3 in, 1 out), height 19 = best peer`, or `PROBLEM: …; what to do`. */
  readonly text: string
  /** The most serious first. */
  readonly problems: ReadonlyArray<Problem.Problem>
}

export interface Facts {
  readonly peers: PeerSummary
  readonly inbound: number
  readonly outbound: number
  /** Present on a node that keeps a chain. */
  readonly chain: {
    readonly height: number
    readonly target: number
    readonly synced: boolean
    /** Why blocks are not stored; absent while they are. */
    readonly halted?: Problem.Problem | undefined
  } | undefined
  /** Why the peer book and the bans are not stored; absent while they are. */
  readonly book?: string | undefined
  /** Notices about its own address. */
  readonly notices: ReadonlyArray<
    { readonly notice: Notice; readonly cause: string; readonly fix?: string | undefined }
  >
}

/** Own-address notices that need an operator's action. Unreachability is not one: a healthy node behind a router may be unreachable for good. */
const grave: ReadonlySet<Notice> = new Set<Notice>(["second-node", "mismatch"])

const problem = (what: string, fix: string | undefined): Problem.Problem => fix === undefined ? { what } : { what, fix }

/** A chain that cannot be stored does not grow, whatever the peers announce. */
const ofStore = (chain: Facts["chain"]): ReadonlyArray<Problem.Problem> => {
  if (chain?.halted === undefined) return []
  const { fix, what } = chain.halted
  return [problem(`height ${chain.height}, not storing: ${what}`, fix)]
}

/** Bans and addresses of this node are lost when it stops. */
const ofBook = (book: Facts["book"]): ReadonlyArray<Problem.Problem> =>
  book === undefined
    ? []
    : [{ what: book, fix: "make room on that disk, or mend it: they are stored by themselves then" }]

const ofPeers = ({ connected, known, missing, troubled }: PeerSummary): ReadonlyArray<Problem.Problem> => {
  if (known === 0) {
    return [{ what: "no peers known", fix: "name one with --peer IP:PORT, or wait for an inbound connection" }]
  }
  const [most] = missing
  if (connected === 0 && most !== undefined) {
    const which = most.peers === 1 ? most.example : `${most.peers} such as ${most.example}`
    return [problem(`none of ${known} known peers is connected: ${which}: ${most.cause}`, most.fix)]
  }
  const { clock = 0, flaps = 0, restarts = 0 } = troubled
  return [
    ...(clock === 0 ? [] : [{ what: "this node's clock is behind its peers'", fix: "set this host's clock (NTP)" }]),
    ...(flaps === 0 ? [] : [{
      what: `${flaps} of ${connected} connections drop again and again`,
      fix: "timemesh peers marks them, timemesh trace IP shows what happened"
    }]),
    ...(restarts === 0 ? [] : [{
      what: `${restarts} of ${connected} peers restart again and again`,
      fix: "timemesh peers marks them; their operators should read their logs"
    }])
  ]
}

const ofNotices = (notices: Facts["notices"]): ReadonlyArray<Problem.Problem> =>
  notices.flatMap(({ cause, fix, notice }) => grave.has(notice) ? [problem(cause, fix)] : [])

const chainText = (chain: Facts["chain"]): string => {
  if (chain === undefined) return ""
  const { height, synced, target } = chain
  return synced ? `, height ${height} = best peer` : `, syncing: height ${height} of ${Math.max(height, target)}`
}

export const of = (facts: Facts): NodeVerdict => {
  const { book, chain, inbound, notices, outbound, peers } = facts
  const { connected } = peers
  const problems = [...ofStore(chain), ...ofBook(book), ...ofPeers(peers), ...ofNotices(notices)]
  const [first, ...more] = problems
  const count = `${connected} ${connected === 1 ? "peer" : "peers"} (${inbound} in, ${outbound} out)`
  return {
    isOk: first === undefined,
    isReady: connected > 0 && chain?.synced !== false,
    text: first === undefined
      ? `OK: ${count}${chainText(chain)}`
      : `PROBLEM: ${Problem.text(first)}${more.length === 0 ? "" : ` (and ${more.length} more)`}`,
    problems
  }
}
