/** Turns the facts that `doctor` found into findings, each with its fix. Pure. */
import { DateTime } from "effect"
import * as Limits from "../../domain/Limits.ts"
import { type Problem, text } from "../../domain/Problem.ts"
import type { Status } from "../../layers/http/AdminApi.ts"
import type { ClockReport, Resources } from "../../layers/http/InsightApi.ts"
import { bytes } from "../table.ts"

/** `problem`: the node does not work, or soon will not. `warning`: it works, but could work better. */
export type Level = "ok" | "warning" | "problem"

export interface Finding {
  /** What was examined, such as `disk`. */
  readonly check: string
  readonly level: Level
  readonly says: string
  /** In the imperative. */
  readonly fix?: string
}

/** An address that the node needs: whether it can be bound, or which process has it. */
export interface Port {
  /** `peers`, or `admin API`. */
  readonly of: string
  readonly address: string
  /** The flag that chooses another. */
  readonly flag: string
  /** The system's code if the address cannot be bound or, for a running node, cannot be reached. */
  readonly code: string | undefined
}

/** A seed named by DNS. `code`: the system's, if the name has no address. */
export interface SeedName {
  readonly name: string
  readonly code: string | undefined
}

/** The chain's file. `open`: a node has it open, so it is not read here. */
export type Database =
  | { readonly state: "none" | "readable" | "open" }
  | { readonly state: "damaged"; readonly why: string }

export interface Directory {
  readonly path: string
  /** Why the node cannot use it, as `DataDir` reports. */
  readonly problem: Problem | undefined
  readonly exists: boolean
  /** What is wrong with the token's file, if it exists. */
  readonly token: string | undefined
  /** Wall time of the latest change to one of its files, ms. */
  readonly changedAt: number | undefined
  readonly disk: Resources["disk"]
  /** `undefined`: not examined, since the directory cannot be used. */
  readonly database: Database | undefined
}

/** Reports of a running node. */
export interface Answers {
  readonly status: Status
  readonly resources: Resources
  readonly clock: ClockReport
}

/** Why a running node gives no reports. `isProblem`: it should, and does not; else no node runs, which doctor need not mind. */
export interface NoAnswer {
  readonly why: string
  readonly fix?: string | undefined
  readonly isProblem: boolean
}

export interface Facts {
  /** `process.versions.node`. */
  readonly nodeVersion: string
  /** Wall time, ms. */
  readonly now: number
  /** Why the settings are refused; fields below that depend on them are then empty. */
  readonly settings: Problem | undefined
  readonly directory: Directory | undefined
  readonly ports: ReadonlyArray<Port>
  readonly seeds: ReadonlyArray<SeedName>
  /** Peers and seeds that are given by address: what else a new node could start from. */
  readonly starts: number
  /** Maximum open sockets and files of a process; `undefined`: unknown. */
  readonly descriptors: number | undefined
  readonly maxPeers: number
  /** Reports of the running node, or why there are none. */
  readonly node: Answers | NoAnswer
}

const ok = (check: string, says: string): Finding => ({ check, level: "ok", says })
const problem = (check: string, says: string, fix: string | undefined): Finding =>
  fix === undefined ? { check, level: "problem", says } : { check, level: "problem", says, fix }
/** A finding from an error of the node's own. */
const refused = (check: string, { fix, what }: Problem): Finding => problem(check, what, fix)
const warning = (check: string, says: string, fix: string): Finding => ({ check, level: "warning", says, fix })

const ofNode = ({ nodeVersion }: Facts): Finding =>
  Number(nodeVersion.split(".")[0]) >= Limits.nodeMajor
    ? ok("Node", `version ${nodeVersion}`)
    : problem("Node", `version ${nodeVersion} is too old`, `install Node ${Limits.nodeMajor} or later`)

const ofDirectory = ({ path, problem: wrong, exists, token }: Directory): ReadonlyArray<Finding> => [
  wrong === undefined
    ? ok("data directory", exists ? `${path} is this user's` : `${path} is made at the first start`)
    : refused("data directory", wrong),
  ...(token === undefined
    ? []
    : [problem("token", `${path}/admin.token ${token}`, "restart the node: it makes a new one")])
]

const ofDisk = ({ disk }: Directory): ReadonlyArray<Finding> => {
  if (disk === undefined) return []
  const left = `${bytes(disk.freeBytes)} free of ${bytes(disk.totalBytes)} at ${disk.directory}`
  const fix = "free some, or move the data directory (--data-dir) to a larger disk"
  if (disk.freeBytes < Limits.doctorDiskLeast) return [problem("disk", left, fix)]
  return [disk.freeBytes < Limits.doctorDiskLow ? warning("disk", left, fix) : ok("disk", left)]
}

const ofDatabase = ({ database, path }: Directory): ReadonlyArray<Finding> => {
  switch (database?.state) {
    case undefined:
      return []
    case "none":
      return [ok("database", "no chain yet: the node makes one")]
    case "readable":
      return [ok("database", "the chain's file can be read")]
    case "open":
      return [ok("database", "the node has the chain's file open")]
    case "damaged":
      return [problem(
        "database",
        `${path}/chain.db ${database.why}`,
        `run timemesh chain verify --data-dir ${path}, which names the command that repairs it`
      )]
  }
}

const ofClock = ({ directory, node, now }: Facts): Finding => {
  const behindS = "why" in node ? 0 : node.clock.behindS
  const fix = "set this host's clock, and keep it right by NTP (timedatectl set-ntp true)"
  if (behindS > 0) return problem("clock", `a peer's next block is ${behindS} s ahead of this host's clock`, fix)
  const aheadMs = (directory?.changedAt ?? 0) - now
  return aheadMs > Limits.doctorClockMs
    ? problem("clock", `it is ${Math.round(aheadMs / 1_000)} s before the latest change in the data directory`, fix)
    : ok("clock", DateTime.formatIso(DateTime.makeUnsafe(now)))
}

const ofDescriptors = ({ descriptors, maxPeers, node }: Facts): ReadonlyArray<Finding> => {
  const limit = "why" in node ? descriptors : node.resources.descriptors?.limit ?? descriptors
  if (limit === undefined) return []
  const needed = maxPeers + Limits.descriptorsBesides
  return [
    limit < needed
      ? problem(
        "limits",
        `${limit} open files are allowed, and ${maxPeers} peers take ${needed}`,
        `raise the limit (ulimit -n ${needed}, LimitNOFILE= of the unit), or lower --max-peers`
      )
      : ok("limits", `${limit} open files are allowed`)
  ]
}

const unbound: Readonly<Record<string, string>> = {
  EADDRINUSE: "is in use by another program",
  EADDRNOTAVAIL: "is of no interface of this host",
  EACCES: "needs a right that this user lacks"
}

const ofPort = (runs: boolean) => ({ address, code, flag, of }: Port): Finding => {
  if (code === undefined) return ok("ports", `${of}: ${address} ${runs ? "answers" : "is free"}`)
  const says = `${of}: ${address} ${runs ? "does not answer" : unbound[code] ?? "cannot be bound"} (${code})`
  if (runs) return problem("ports", says, "look for a firewall on this host, and read the node's log")
  const choose = code === "EACCES" ? `choose a port above 1023 with ${flag}` : `choose another with ${flag}`
  return problem("ports", says, code === "EADDRINUSE" ? `stop the other program, or ${choose}` : choose)
}

/** A node that knows peers does without its seeds; a new one that has nothing else never finds any. */
const ofSeeds = ({ node, seeds, starts }: Facts): ReadonlyArray<Finding> => {
  const hasOthers = starts > 0 || seeds.some(({ code }) => code === undefined) ||
    !("why" in node) && node.status.connected > 0
  return seeds.map(({ code, name }) =>
    code === undefined
      ? ok("seeds", `${name} resolves`)
      : (hasOthers ? warning : problem)(
        "seeds",
        `${name} does not resolve (${code})`,
        "correct the name (--seed), or this host's name servers (/etc/resolv.conf); or name a peer with --peer"
      )
  )
}

const ofAddress = ({ node }: Facts): ReadonlyArray<Finding> => {
  if ("why" in node || node.status.own === undefined) return []
  const { line, notices } = node.status.own
  const told = notices.map(({ cause, fix }) => warning("own address", cause, fix ?? "nothing, if that is intended"))
  return told.length > 0 ? told : [ok("own address", line)]
}

const ofPeers = ({ node }: Facts): ReadonlyArray<Finding> => {
  if ("why" in node) {
    return [
      node.isProblem
        ? problem("node", node.why, node.fix)
        : ok("node", text({ what: node.why, fix: node.fix }))
    ]
  }
  const { verdict } = node.status
  if (verdict === undefined) return [warning("node", "it is of a version that gives no verdict", "update it")]
  return verdict.problems.length === 0
    ? [ok("node", verdict.text)]
    : verdict.problems.map(({ fix, what }) => problem("node", what, fix ?? "see timemesh peers"))
}

/** In the order in which a node needs them. */
export const judge = (facts: Facts): ReadonlyArray<Finding> => {
  const { directory, node, ports, settings } = facts
  if (settings !== undefined) {
    return [ofNode(facts), refused("settings", settings)]
  }
  return [
    ofNode(facts),
    ok("settings", "every one is valid"),
    ...(directory === undefined ? [] : [...ofDirectory(directory), ...ofDisk(directory), ...ofDatabase(directory)]),
    ...ofDescriptors(facts),
    ofClock(facts),
    ...ports.map(ofPort(!("why" in node))),
    ...ofSeeds(facts),
    ...ofAddress(facts),
    ...ofPeers(facts)
  ]
}
