/** What the node knows about misbehaving peers and its own trouble. Changed only by `Protection`. Times in monotonic ms. */
import * as Limits from "../../domain/Limits.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import * as TokenBucket from "../../domain/peer/TokenBucket.ts"
import { type Ban, BanList } from "../../domain/protection/BanList.ts"
import { Ledger } from "../../domain/protection/Ledger.ts"
import { NewcomerTurns } from "../../domain/protection/NewcomerTurns.ts"
import * as OwnTrouble from "../../domain/protection/OwnTrouble.ts"
import type { Timer } from "../time/Timers.ts"

const words: TokenBucket.Rate = { burst: Limits.bannedWordBurst, perSecond: Limits.bannedWordsPerSecond }

export class ProtectionState {
  readonly ledger = new Ledger()
  readonly bans = new BanList()
  trouble: OwnTrouble.OwnTrouble = OwnTrouble.none
  /** Fires when the next ban ends. */
  expiry: Timer | undefined
  /** Sockets of banned addresses closed at accept: in all, and not yet reported. */
  turnedAway = 0
  unreported = 0
  /** Masternodes that are live, by the node's registry. */
  readonly masternodes = new Set<PeerIp>()
  /** When each netgroup was last helped to a place in a full node, oldest first. */
  readonly helped = new Map<string, number>()
  /** Netgroups whose strangers asked for a place, or got one. */
  readonly newcomers = new NewcomerTurns()
  /** The bans have changed since they were stored. */
  isUnsaved = false
  private words: TokenBucket.TokenBucket | undefined
  private readonly told = new WeakMap<Ban, number>()

  /** Bans or offenders have changed since they were stored. */
  get hasChanged(): boolean {
    return this.isUnsaved || this.ledger.isUnsaved
  }

  /** ms left of the address's ban; `undefined`: it is not banned. */
  bannedMs(ip: PeerIp, now: number): number | undefined {
    const ban = this.bans.find(ip, now)
    return ban === undefined ? undefined : ban.until - now
  }

  /** Whether a socket under that ban may be sent a Reject now. */
  isWorthAWord(ban: Ban, now: number): boolean {
    return this.wordsLeft(ban, now) !== undefined
  }

  /** Counts a Reject for a socket under that ban, which continues to its Hello. Call it only after `isWorthAWord`. */
  tells(ban: Ban, now: number): void {
    this.words = this.wordsLeft(ban, now)
    this.told.set(ban, now)
  }

  private wordsLeft(ban: Ban, now: number): TokenBucket.TokenBucket | undefined {
    if (now - (this.told.get(ban) ?? Number.NEGATIVE_INFINITY) < Limits.bannedWordMs) return undefined
    return TokenBucket.take(this.words ?? TokenBucket.full(words, now), words, now)
  }
}
