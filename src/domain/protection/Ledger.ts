/**
 * What each address did: its score and its last offences, so that `why` can show the grounds of a ban. Bounded: beyond `Limits.ledgerPeers`
 * addresses, the one that offended longest ago is forgotten. Times in monotonic ms.
 */
import { putLatest } from "../latest.ts"
import * as Limits from "../Limits.ts"
import type { PeerIp } from "../peer/PeerIp.ts"
import * as Subnet from "../peer/Subnet.ts"
import * as Offence from "./Offence.ts"
import * as Score from "./Score.ts"

/** `times`: how often in a row, the last time at `at`. */
export interface LedgerLine extends Offence.Offence {
  readonly at: number
  readonly times: number
}

export interface LedgerEntry {
  readonly score: Score.Score
  /** The oldest first, at most `Limits.ledgerOffences`. */
  readonly lines: ReadonlyArray<LedgerLine>
  /** How often it was banned by its score. */
  readonly bans: number
}

/** An address's offences, to be kept across restarts: times of any one clock that the reader uses. */
export interface Offender extends LedgerEntry {
  readonly ip: PeerIp
}

export class Ledger {
  /** In order of the last offence. */
  private readonly entries = new Map<PeerIp, LedgerEntry>()
  /** Addresses whose entry changed since `takeChanges` last returned it. */
  private changed = new Set<PeerIp>()

  get size(): number {
    return this.entries.size
  }

  get(ip: PeerIp): LedgerEntry | undefined {
    return this.entries.get(ip)
  }

  /** Points of the address now; 0 without offences. */
  points(ip: PeerIp, now: number): number {
    const entry = this.entries.get(ip)
    return entry === undefined ? 0 : Score.pointsAt(entry.score, now)
  }

  /** Records one offence and returns the updated entry. */
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

  /** Records a ban of the address by score and returns its number. */
  banned(ip: PeerIp): number {
    const entry = this.entries.get(ip)
    const bans = (entry?.bans ?? 0) + 1
    if (entry !== undefined) this.set(ip, { ...entry, bans })
    return bans
  }

  /** A ban of the subnet has ended: its addresses start again at zero, with their offences still on record. */
  forgive(subnet: Subnet.Subnet): void {
    for (const [ip, entry] of this.entries) {
      if (Subnet.contains(subnet, ip)) this.set(ip, { ...entry, score: Score.none })
    }
  }

  /** Replaces the entry in its place in the order. */
  private set(ip: PeerIp, entry: LedgerEntry): void {
    this.entries.set(ip, entry)
    this.changed.add(ip)
  }

  // --- beyond this process ----------------------------------------------------------

  /** Whether `takeChanges` would return something. */
  get isUnsaved(): boolean {
    return this.changed.size > 0
  }

  /** Entries changed since the last call, and addresses that were forgotten. */
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

  /** They could not be stored: the next `takeChanges` returns them again, in their state at that time. */
  giveBack({ forgotten, offenders }: ReturnType<Ledger["takeChanges"]>): void {
    for (const ip of forgotten) this.changed.add(ip)
    for (const { ip } of offenders) this.changed.add(ip)
  }

  *all(): Iterable<Offender> {
    for (const [ip, entry] of this.entries) yield { ip, ...entry }
  }

  /** Loads stored entries at start. Times may precede the clock's start; a time in the future becomes now. */
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
