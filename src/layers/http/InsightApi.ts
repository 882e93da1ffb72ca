/** What a node knows beyond its peers: its own address, settings, resources and refusals. Shapes and units as in `AdminApi`. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import * as Limits from "../../domain/Limits.ts"
import { Reading } from "./AccessApi.ts"
import { integerParameter } from "./integerParameter.ts"

/** This node's own address, as in `domain/peer/OwnAddress`. */
export const OwnAddress = Schema.Struct({
  /** Absent while it is neither set nor seen by peers. */
  ip: Schema.optional(Schema.String),
  /** The port advertised to peers. */
  port: Schema.Int,
  /** Peers of enough netgroups see this node there. */
  isConfirmed: Schema.Boolean,
  reachable: Schema.Literals(["yes", "no", "unknown"]),
  /** For each kind of address: the one that most netgroups see, how many see it, and out of how many. */
  seen: Schema.Array(Schema.Struct({
    ip: Schema.String,
    groups: Schema.Int,
    of: Schema.Int,
    others: Schema.Array(Schema.String)
  })),
  /** Notices about the address. Kinds are open: a newer node may send more. */
  notices: Schema.Array(Schema.Struct({
    notice: Schema.String,
    cause: Schema.String,
    fix: Schema.optional(Schema.String)
  })),
  /** One line for a person. */
  line: Schema.String
})

/** `GET /own`. */
export const Own = Schema.Struct({ at: Schema.Int, listen: Schema.String, ...OwnAddress.fields })
export type Own = typeof Own.Type

/** `GET /settings`: all settings, in the order of `timemesh run --help`. */
export const Settings = Schema.Struct({
  settings: Schema.Array(Schema.Struct({
    /** The setting's flag without dashes, which is also its key in the config file. */
    name: Schema.String,
    environment: Schema.String,
    /** In the operator's spelling; one text per value of a list. A token is `(hidden)`. */
    values: Schema.Array(Schema.String),
    source: Schema.Literals(["flag", "environment", "file", "default"]),
    /** Source as errors name it: `--listen`, `TIMEMESH_LISTEN`, `listen in /etc/timemesh.json`. Absent for a default. */
    where: Schema.optional(Schema.String)
  }))
})
export type Settings = typeof Settings.Type

/** `GET /resources`: resources of the process, and the disk that holds its data. */
export const Resources = Schema.Struct({
  at: Schema.Int,
  memory: Schema.Struct({
    residentBytes: Schema.Int,
    heapBytes: Schema.Int,
    heapLimitBytes: Schema.Int,
    externalBytes: Schema.Int
  }),
  /** Absent where the system does not report them. */
  descriptors: Schema.optional(Schema.Struct({ open: Schema.Int, limit: Schema.Int })),
  /** Absent on a node without a data directory. */
  disk: Schema.optional(Schema.Struct({ directory: Schema.String, freeBytes: Schema.Int, totalBytes: Schema.Int })),
  cpuMs: Schema.Int,
  /** Event loop lateness, total and maximum. */
  lagMs: Schema.Int,
  maxLagMs: Schema.Int
})
export type Resources = typeof Resources.Type

/** `GET /refusals`: sockets and dials that never came up, since the start. */
export const Refusals = Schema.Struct({
  at: Schema.Int,
  refused: Schema.Int,
  byReason: Schema.Record(Schema.String, Schema.Int),
  /** The `Limits.refusalGroups` most recently refused netgroups, most refusals first. */
  byNetgroup: Schema.Array(Schema.Struct({
    netgroup: Schema.String,
    refused: Schema.Int,
    byReason: Schema.Record(Schema.String, Schema.Int),
    /** Time of the latest. */
    at: Schema.Int,
    example: Schema.String
  })),
  /** Refusals of netgroups that are not listed. */
  others: Schema.Int,
  /** Sockets of banned addresses, closed when they were accepted: not counted elsewhere. */
  turnedAway: Schema.Int
})
export type Refusals = typeof Refusals.Type

/** `GET /clock`: peers whose next block is ahead of this node's clock. */
export const ClockReport = Schema.Struct({
  at: Schema.Int,
  /** s. Maximum by which such a block is ahead. One of the two clocks is wrong by at least this much, less what the rules allow. 0: none. */
  behindS: Schema.Finite,
  peers: Schema.Array(Schema.Struct({ ip: Schema.String, behindS: Schema.Finite })),
  /** Number of peers that could show such a block: those that keep a chain. */
  of: Schema.Int
})

export type ClockReport = typeof ClockReport.Type

/** `GET /book`. */
export const Book = Schema.Struct({
  at: Schema.Int,
  /** Addresses that completed a handshake with this node, and those known only by gossip. */
  tried: Schema.Int,
  new: Schema.Int,
  /** In the order in which the node learned them. */
  addresses: Schema.Array(Schema.Struct({
    ip: Schema.String,
    port: Schema.Int,
    table: Schema.Literals(["new", "tried"]),
    wire: Schema.String,
    seenAt: Schema.Int,
    dialledAt: Schema.optional(Schema.Int),
    goodAt: Schema.optional(Schema.Int),
    failures: Schema.Int
  })),
  /** The `skip` of the next page; absent on the last page. */
  next: Schema.optional(Schema.Int)
})
export type Book = typeof Book.Type

export const group = HttpApiGroup.make("insight", { topLevel: true }).annotate(
  OpenApi.Description,
  "What the node knows beyond its peers"
).add(
  /** This node's own address and whether others reach it. */
  HttpApiEndpoint.get("own", "/own", { success: Own }).annotate(
    OpenApi.Summary,
    "This node's own address, and whether others reach it"
  ),
  HttpApiEndpoint.get("settings", "/settings", { success: Settings }).annotate(
    OpenApi.Summary,
    "Every setting with its value and where that is from; secrets are hidden"
  ),
  HttpApiEndpoint.get("resources", "/resources", { success: Resources }).annotate(
    OpenApi.Summary,
    "Memory, descriptors, disk and processor time of the process"
  ),
  HttpApiEndpoint.get("refusals", "/refusals", { success: Refusals }).annotate(
    OpenApi.Summary,
    "Sockets and dials that never came up, by reason and by netgroup"
  ),
  HttpApiEndpoint.get("clock", "/clock", { success: ClockReport }).annotate(
    OpenApi.Summary,
    "Peers whose next block is ahead of this node's clock"
  ),
  HttpApiEndpoint.get("book", "/book", {
    query: {
      skip: Schema.optional(integerParameter(Number.MAX_SAFE_INTEGER, "Addresses before the page")),
      count: Schema.optional(integerParameter(Limits.bookPage, "Addresses of the page"))
    },
    success: Book
  }).annotate(OpenApi.Summary, "Addresses of the peer book, page by page")
).middleware(Reading)
