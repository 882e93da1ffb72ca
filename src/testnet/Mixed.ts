/** A testnet in which some nodes are daemons of the TIME network: which ones, and the additional checks for them. Pure. */
import type { Account } from "./Facts.ts"

/** A daemon's report about itself; see `Daemons`. */
export interface DaemonAccount {
  readonly ip: string
  readonly height: number
  /** Hash of its tip, hex. */
  readonly tip: string
  /** Peers with which it has exactly one connection, and uses it. */
  readonly uses: ReadonlyArray<string>
  /** Violations it counts against a peer, in words. */
  readonly holds: ReadonlyArray<{ readonly against: string; readonly why: string; readonly isBan: boolean }>
}

export interface MixedVerdict {
  readonly daemons: number
  /** Pairs of a node and a daemon. */
  readonly pairs: number
  /** Pairs with exactly one connection at both ends at the end, over the TIME wire. */
  readonly connected: number
  readonly bans: number
  readonly violations: number
  readonly heights: ReadonlyArray<number>
}

/** Which of the nodes 1 … `nodes` are daemons: every second, the lowest first, so that each kind has some of the other above and below it. */
export const daemonsOf = (nodes: number): ReadonlyArray<number> =>
  Array.from({ length: Math.floor(nodes / 2) }, (_, i) => 2 * i + 1)

/** Whether a node reports being connected to that daemon, over the TIME wire. */
const has = ({ peers }: Account, ip: string): boolean =>
  peers?.peers.some((peer) => peer.ip === ip && peer.connection?.wire === "time") === true

export const connectedPairs = (nodes: ReadonlyArray<Account>, daemons: ReadonlyArray<DaemonAccount>): number =>
  nodes.reduce((sum, node) => sum + daemons.filter(({ ip, uses }) => uses.includes(node.ip) && has(node, ip)).length, 0)

export const judge = (
  nodes: ReadonlyArray<Account>,
  daemons: ReadonlyArray<DaemonAccount>
): MixedVerdict & { readonly problems: ReadonlyArray<string> } => {
  const pairs = nodes.length * daemons.length
  const connected = connectedPairs(nodes, daemons)
  const holds = daemons.flatMap(({ holds, ip }) => holds.map((held) => ({ ...held, ip })))
  const tips = new Set([...daemons.map(({ tip }) => tip), ...nodes.map(({ status }) => status?.chain?.hash)])
  const worst = holds.find(({ isBan }) => isBan) ?? holds[0]
  return {
    daemons: daemons.length,
    pairs,
    connected,
    bans: holds.filter(({ isBan }) => isBan).length,
    violations: holds.filter(({ isBan }) => !isBan).length,
    heights: daemons.map(({ height }) => height),
    problems: [
      ...(connected < pairs ? [`${pairs - connected} of ${pairs} pairs with a daemon are not connected`] : []),
      ...(worst === undefined
        ? []
        : [`daemon ${worst.ip} ${worst.isBan ? "bans" : "holds something against"} ${worst.against}: ${worst.why}`]),
      ...(tips.size > 1 ? ["nodes and daemons do not agree on a tip"] : [])
    ]
  }
}
