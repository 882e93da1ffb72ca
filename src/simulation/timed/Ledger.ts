/**
 * What the daemon counts against each IP, and the consequences (docs/TIME-NETWORK.md, "What a daemon counts"): one counter, three ladders that check its
 * value at their own kind of event, and bans that only those set. Times are ms.
 */

export type Violation = "ordinary" | "handshake" | "tls"

export interface Entry {
  readonly at: number
  readonly kind: Violation
  readonly why: string
}

interface Account {
  count: number
  lastAt: number
  bannedUntil: number
  readonly entries: Array<Entry>
  readonly bans: Array<{ readonly at: number; readonly why: string }>
  /** Recent inbound TCP connections, and the refused ones among them. */
  attempts: Array<number>
  refusals: Array<number>
  /** Recent pages on top of a chain other than its own. */
  forks: Array<number>
  lastDownAt: number
}

const minute = 60_000
const hour = 60 * minute

export class Ledger {
  private readonly accounts = new Map<string, Account>()

  private of(ip: string): Account {
    const known = this.accounts.get(ip)
    if (known !== undefined) return known
    const made: Account = {
      count: 0,
      lastAt: -Infinity,
      bannedUntil: -Infinity,
      entries: [],
      bans: [],
      attempts: [],
      refusals: [],
      forks: [],
      lastDownAt: -Infinity
    }
    this.accounts.set(ip, made)
    return made
  }

  entries(ip: string): ReadonlyArray<Entry> {
    return this.of(ip).entries
  }

  bans(ip: string): ReadonlyArray<{ readonly at: number; readonly why: string }> {
    return this.of(ip).bans
  }

  isBanned(ip: string, now: number): boolean {
    return now < this.of(ip).bannedUntil
  }

  violation(ip: string, kind: Violation, why: string, now: number): void {
    const account = this.of(ip)
    if (now - account.lastAt >= hour) account.count = 0
    account.count += 1
    account.lastAt = now
    account.entries.push({ at: now, kind, why })
    const { count } = account
    if (kind === "ordinary") {
      if (count === 5) this.ban(ip, 5 * minute, why, now)
      if (count === 10) this.ban(ip, hour, why, now)
      if (count === 20) this.ban(ip, Infinity, why, now)
    } else if (count === 10) this.ban(ip, 5 * minute, why, now)
    else if (count >= 30 && count % 30 === 0) this.ban(ip, hour, why, now)
  }

  ban(ip: string, ms: number, why: string, now: number): void {
    const account = this.of(ip)
    account.bannedUntil = Math.max(account.bannedUntil, now + ms)
    account.bans.push({ at: now, why })
  }

  /** An inbound TCP connection. More than ten in its first minute are a violation. */
  attempt(ip: string, now: number): void {
    const account = this.of(ip)
    account.attempts = [...account.attempts.filter((at) => now - at < minute), now]
    if (account.attempts.length === 11) this.violation(ip, "ordinary", "eleven connections in a minute", now)
  }

  /** A refused connection: four in a minute are a violation, eight another one. */
  refused(ip: string, now: number): void {
    const account = this.of(ip)
    account.refusals = [...account.refusals.filter((at) => now - at < minute), now]
    if (account.refusals.length === 4 || account.refusals.length === 8) {
      this.violation(ip, "ordinary", "refused again and again", now)
    }
  }

  /** A page on top of another chain, solicited or not: five in five minutes are a violation. */
  forkShown(ip: string, now: number): void {
    const account = this.of(ip)
    account.forks = [...account.forks.filter((at) => now - at < 5 * minute), now]
    if (account.forks.length === 5) this.violation(ip, "ordinary", "five forks in five minutes", now)
  }

  down(ip: string, now: number): void {
    this.of(ip).lastDownAt = now
  }

  /** A Free masternode announced itself. */
  announced(ip: string, now: number): void {
    if (now - this.of(ip).lastDownAt < 30_000) {
      this.violation(ip, "ordinary", "announced within 30 s of a disconnect", now)
    }
  }
}

// --- rates ------------------------------------------------------------------------

const special: Readonly<Record<string, string>> = {
  GetPeers: "get_peers",
  GetMasternodes: "get_masternodes",
  MasternodesResponse: "masternodes_response",
  MasternodeAnnouncementV2: "masternode_announce",
  MasternodeAnnouncementV3: "masternode_announce",
  MasternodeAnnouncementV4: "masternode_announce",
  GetBlocks: "get_blocks",
  BlockAnnouncement: "block",
  BlockResponse: "block",
  BlocksResponse: "sync",
  BlockRangeResponse: "sync"
}

const limits: Readonly<Record<string, readonly [most: number, ms: number]>> = {
  get_peers: [5, minute],
  get_masternodes: [6, minute],
  masternodes_response: [12, minute],
  masternode_announce: [3, minute],
  get_blocks: [100, 10_000],
  block: [10, 1_000],
  sync: [500, 1_000],
  general: [100, 1_000]
}

const free = new Set(["Ping", "Pong", "Handshake", "Ack", "Version"])

/** What one connection may send, in fixed windows. `dropped`: the excess. */
export class Rates {
  private readonly windows = new Map<string, { from: number; count: number }>()
  readonly dropped: Array<string> = []

  takes(tag: string, now: number): boolean {
    if (free.has(tag)) return true
    const name = special[tag] ?? "general"
    const [most, ms] = limits[name] ?? [100, 1_000]
    const window = this.windows.get(name)
    if (window === undefined || now - window.from >= ms) {
      this.windows.set(name, { from: now, count: 1 })
      return true
    }
    window.count += 1
    if (window.count <= most) return true
    this.dropped.push(tag)
    return false
  }
}
