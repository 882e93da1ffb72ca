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

/** What an address did, to be kept beyond this process: times of whatever clock the reader keeps to. */
export interface Offender extends LedgerEntry {
  readonly ip: PeerIp
}

export class Ledger {
  /** In order of the last offence. */
  private readonly entries = new Map<PeerIp, LedgerEntry>()
  /** Addresses whose entry is not as `takeChanges` told it last. */
  private changed = new Set<PeerIp>()

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
    this.put(ip, entry)
    return entry
  }

  private put(ip: PeerIp, entry: LedgerEntry): void {
    const [oldest] = this.entries.keys()
    putLatest(this.entries, ip, entry, Limits.ledgerPeers)
    this.changed.add(ip)
    if (oldest !== undefined && !this.entries.has(oldest)) this.changed.add(oldest)
  }

  /** The address is banned by its score: the how manyeth time. */
  banned(ip: PeerIp): number {
    const entry = this.entries.get(ip)
    const bans = (entry?.bans ?? 0) + 1
    if (entry !== undefined) this.set(ip, { ...entry, bans })
    return bans
  }

  /** Its addresses begin anew, their offences still to be read: a ban of them has ended. */
  forgive(subnet: Subnet.Subnet): void {
    for (const [ip, entry] of this.entries) {
      if (Subnet.contains(subnet, ip)) this.set(ip, { ...entry, score: Score.none })
    }
  }

  /** Keeps its place in the order. */
  private set(ip: PeerIp, entry: LedgerEntry): void {
    this.entries.set(ip, entry)
    this.changed.add(ip)
  }

  // --- beyond this process ----------------------------------------------------------

  /** Entries since the last call, and addresses that were forgotten. */
  takeChanges(): { readonly offenders: ReadonlyArray<Offender>; readonly forgotten: ReadonlyArray<PeerIp> } {
    const offenders: Array<Offender> = []
    const forgotten: Array<PeerIp> = []
    for (const ip of this.changed) {
      const entry = this.entries.get(ip)
      if (entry === undefined) forgotten.push(ip)
      else offenders.push({ ip, ...entry })
    }
    this.changed = new Set()
    return { offenders, forgotten }
  }

  /** They could not be stored: the next `takeChanges` tells them again, as they are then. */
  giveBack({ forgotten, offenders }: ReturnType<Ledger["takeChanges"]>): void {
    for (const ip of forgotten) this.changed.add(ip)
    for (const { ip } of offenders) this.changed.add(ip)
  }

  *all(): Iterable<Offender> {
    for (const [ip, entry] of this.entries) yield { ip, ...entry }
  }

  /** Takes what was stored, at the start. Its times may lie before the clock began; a time in the future is now. */
  restore(offenders: ReadonlyArray<Offender>, now: number): void {
    for (const { bans, ip, lines, score } of offenders.toSorted((a, b) => lastAt(a) - lastAt(b))) {
      putLatest(this.entries, ip, {
        score: { ...score, at: Math.min(score.at, now) },
        lines: lines.slice(-Limits.ledgerOffences).map(notAfter(now)),
        bans
      }, Limits.ledgerPeers)
    }
  }
}

const notAfter = (now: number) => (line: LedgerLine): LedgerLine => ({ ...line, at: Math.min(line.at, now) })

const lastAt = ({ lines, score }: LedgerEntry): number => lines.at(-1)?.at ?? score.at
