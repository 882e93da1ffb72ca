/** The chain part of a testnet's verdict: whether all nodes have the same chain, and how they got it. Pure. */
import type { Account, Asked, Cut, NodeEvents } from "./Facts.ts"

export interface ChainVerdict {
  /** By node, in order of address; `null`: no answer. */
  readonly heights: ReadonlyArray<number | null>
  readonly tips: ReadonlyArray<string | null>
  /** Over all nodes. */
  readonly reorgs: number
  /** How the first node's blocks reached the other nodes; `null` without `--chain`. */
  readonly sync: {
    readonly blocks: number
    /** From the last node listening until every node had the blocks; `null`: never. */
    readonly seconds: number | null
    readonly blocksPerSecond: number | null
    /** By node, then by the peer the blocks came from. */
    readonly sources: Readonly<Record<string, Readonly<Record<string, number>>>>
  } | null
  /** `null` without `--partition`. */
  readonly partition: {
    readonly seconds: number
    /** From healing until every pair was connected again; `null`: never. */
    readonly reconnectedMs: number | null
  } | null
}

/** Whether all nodes answer, with one tip, and have the blocks that the first one started with. */
export const agree = (accounts: ReadonlyArray<Account>, { chain }: Asked): boolean => {
  const [first, ...others] = accounts.map(({ status }) => status?.chain)
  return first !== undefined && first.height >= chain && others.every((other) => other?.hash === first.hash)
}

const sourcesOf = (accounts: ReadonlyArray<Account>) =>
  Object.fromEntries(accounts.map(({ ip, status }) => [
    ip,
    Object.fromEntries(
      (status?.chain?.peers ?? []).filter(({ blocks }) => blocks > 0).map(({ blocks, ip }) => [ip, blocks])
    )
  ]))

/** ms from the last node listening until each other node reported this height. */
const reachedMs = (nodes: ReadonlyArray<NodeEvents>, height: number): number | undefined => {
  const listening = nodes.map(({ events }) => events.find(({ event }) => event === "Listening")?.at)
  const reached = nodes.slice(1).map(({ events }) =>
    events.find((event) => (event.event === "TipChanged" || event.event === "Synced") && event.height >= height)?.at
  )
  const times = [...listening, ...reached]
  if (!times.every((at) => at !== undefined)) return undefined
  return Math.max(
    0,
    Math.max(...reached.filter((at) => at !== undefined)) -
      Math.max(...listening.filter((at) => at !== undefined))
  )
}

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000

export const judge = (given: {
  readonly accounts: ReadonlyArray<Account>
  readonly nodes: ReadonlyArray<NodeEvents>
  readonly asked: Asked
  readonly cut: Cut | undefined
  readonly partitionSeconds: number | undefined
  /** See `Replay.History`. */
  readonly reconnectedMs: number | undefined
}): ChainVerdict & { readonly problems: ReadonlyArray<string> } => {
  const { accounts, asked, cut, nodes, partitionSeconds } = given
  const chains = accounts.map(({ status }) => status?.chain)
  const heights = chains.map((chain) => chain?.height ?? null)
  const reorgs = chains.reduce((sum, chain) => sum + (chain?.reorgs ?? 0), 0)
  const ms = asked.chain === 0 ? undefined : reachedMs(nodes, asked.chain)
  const healed = cut?.healedAt !== undefined
  const problems = [
    ...(agree(accounts, { ...asked, chain: 0 }) ? [] : ["the nodes do not agree on a tip"]),
    ...(heights.some((height) => height !== null && height < asked.chain)
      ? [`not every node has the ${asked.chain} blocks`]
      : []),
    ...(asked.produce && heights.every((height) => (height ?? 0) <= asked.chain) ? ["the chain did not grow"] : []),
    ...(partitionSeconds !== undefined && !healed ? ["the partition did not come or did not end in time"] : []),
    ...(healed && reorgs === 0 ? ["no reorg after the partition"] : []),
    ...(healed && given.reconnectedMs === undefined ? ["the halves were not connected again"] : [])
  ]
  return {
    heights,
    tips: chains.map((chain) => chain?.hash ?? null),
    reorgs,
    sync: asked.chain === 0 ? null : {
      blocks: asked.chain,
      seconds: ms === undefined ? null : ms / 1_000,
      blocksPerSecond: ms === undefined ? null : rounded(asked.chain * 1_000 / Math.max(1, ms)),
      sources: sourcesOf(accounts)
    },
    partition: partitionSeconds === undefined
      ? null
      : { seconds: partitionSeconds, reconnectedMs: given.reconnectedMs ?? null },
    problems
  }
}
