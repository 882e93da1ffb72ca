/**
 * What each address did: its score, and its last offences, so that `why` can show on what a ban rests. Bounded: beyond
 * `Limits.ledgerPeers` addresses the one that offended longest ago is forgotten. Times in monotonic ms.
 */
import { putLatest } from "../latest.ts"
import * as Limits from "../Limits.ts"
import type { PeerIp } from "../peer/PeerIp.ts"
import * as Subnet from "../peer/Subnet.ts"
import * as Offence from "./Offence.ts"
import * as Score from "./Score.ts"

/** `times`: so often in a row, the last time at `at`. */
export interface LedgerLine extends Offence.Offence {
  readonly at: number
  readonly times: number
}

export interface LedgerEntry {
  readonly score: Score.Score
  /** The oldest first, at most `Limits.ledgerOffences`. */
  readonly lines: ReadonlyArray<LedgerLine>
  /** So often it was banned by its score. */
  readonly bans: number
}

export class Ledger {
  /** In order of the last offence. */
  private readonly entries = new Map<PeerIp, LedgerEntry>()

  get size(): number {
    return this.entries.size
  }

  get(ip: PeerIp): LedgerEntry | undefined {
    return this.entries.get(ip)
  }

  /** Points of the address now; 0 for one that did nothing. */
  points(ip: PeerIp, now: number): number {
    const entry = this.entries.get(ip)
    return entry === undefined ? 0 : Score.pointsAt(entry.score, now)
  }

  /** Notes one offence: the entry with it. */
  add(ip: PeerIp, offence: Offence.Offence, now: number): LedgerEntry {
    const before = this.entries.get(ip)
    const lines = before?.lines ?? []
    const last = lines.at(-1)
    const isSame = last?.kind === offence.kind && last.detail === offence.detail
    const line: LedgerLine = { ...offence, at: now, times: isSame ? last.times + 1 : 1 }
    const entry: LedgerEntry = {
      score: Score.add(before?.score ?? Score.none, Offence.pointsOf(offence), now),
      lines: [...(isSame ? lines.slice(0, -1) : lines), line].slice(-Limits.ledgerOffences),
      bans: before?.bans ?? 0
    }
    putLatest(this.entries, ip, entry, Limits.ledgerPeers)
    return entry
  }

  /** The address is banned by its score: the how manyeth time. */
  banned(ip: PeerIp): number {
    const entry = this.entries.get(ip)
    const bans = (entry?.bans ?? 0) + 1
    if (entry !== undefined) this.entries.set(ip, { ...entry, bans })
    return bans
  }

  /** Its addresses begin anew, their offences still to be read: a ban of them has ended. */
  forgive(subnet: Subnet.Subnet): void {
    for (const [ip, entry] of this.entries) {
      if (Subnet.contains(subnet, ip)) this.entries.set(ip, { ...entry, score: Score.none })
    }
  }
}
