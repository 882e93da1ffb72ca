/** Shapes of the dashboard. Types only: no browser loads this file. What the node answers is typed by the API's own schemas. */
import type { Chain, Masternodes, Status } from "../src/layers/http/AdminApi.ts"
import type { Happened as AnyHappened } from "../src/layers/http/EventsApi.ts"
import type { Book, ClockReport, Own, Refusals, Resources, Settings } from "../src/layers/http/InsightApi.ts"
import type { Bans, Peer, Peers, Why } from "../src/layers/http/PeerApi.ts"

export type {
  Bans,
  Book,
  Chain,
  ClockReport,
  Masternodes,
  Own,
  Peer,
  Peers,
  Refusals,
  Resources,
  Settings,
  Status,
  Why
}

/** What a node knows beyond its peers. Absent: not asked yet, or this node does not answer it. */
export interface About {
  readonly own?: Own | undefined
  readonly clock?: ClockReport | undefined
  readonly resources?: Resources | undefined
  readonly refusals?: Refusals | undefined
  readonly bans?: Bans | undefined
  readonly settings?: Settings | undefined
  readonly book?: Book | undefined
}

/** One event. `fields` of a newer node may be missing. */
export type Happened =
  & Pick<AnyHappened, "at" | "event" | "ip" | "text">
  & { readonly level: string; readonly fields?: AnyHappened["fields"] | undefined }

/** An element as plain data. Views make these; only `dom/patch.js` touches the document. Text is a string, and is never markup. */
export interface VNode {
  readonly tag: string
  readonly attrs: Attributes
  readonly children: ReadonlyArray<VNode | string>
}

/** `undefined` and `false`: absent. `key`: the same element among its siblings from one drawing to the next. `keep`: its children are not ours. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>

export type Child = VNode | string | undefined | ReadonlyArray<VNode | string | undefined>

/** `asking`: no answer yet. `lost`: there was one, and now there is none. `token`: the node wants one. */
export type Link = "asking" | "live" | "lost" | "token"

export type Show = "connected" | "missing" | "all"

export interface Sort {
  readonly column: string
  readonly descending: boolean
}

/** What ended in one minute, by reason. `minute`: wall time in minutes. */
export interface DownBin {
  readonly minute: number
  readonly counts: Readonly<Record<string, number>>
}

/** A moment of the chain: ms of the page's monotonic clock, and the blocks that the node has added since its start. */
export interface Growth {
  readonly at: number
  readonly blocks: number
}

/** Everything that is shown. Replaced whole; bounded by `model/bounds.js`. */
export interface State {
  readonly link: Link
  /** Why there is no answer, in words. */
  readonly problem: string | undefined
  /** Wall time of the last answer, by the node's clock. */
  readonly answeredAt: number | undefined
  /** The same of the first answer. */
  readonly firstAt: number | undefined
  readonly status: Status | undefined
  readonly peers: Peers | undefined
  readonly masternodes: Masternodes | undefined
  readonly about: About
  /** The newest first. */
  readonly events: ReadonlyArray<Happened>
  /** The oldest first, without those in which nothing ended. */
  readonly downs: ReadonlyArray<DownBin>
  /** The oldest first. */
  readonly growth: ReadonlyArray<Growth>
  /** ms. Round trips of each connected peer, the oldest first. */
  readonly rtts: Readonly<Record<string, ReadonlyArray<number>>>
  readonly show: Show
  readonly filter: string
  readonly sort: Sort
  /** The page that each table shows, from 0, by the table's name. */
  readonly pages: Readonly<Record<string, number>>
  readonly eventFilter: string
  /** The address whose story is open. */
  readonly selected: string | undefined
  readonly why: Why | undefined
  readonly story: ReadonlyArray<string> | undefined
}
