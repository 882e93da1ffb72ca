/** What the node knows of peers that misbehave, and of itself. Changed by `Protection` only. Times in monotonic ms. */
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
  /** Runs until the next ban ends. */
  expiry: Timer | undefined
  /** Sockets of banned addresses closed at accept, and those that were not reported yet. */
  turnedAway = 0
  unreported = 0
  /** Masternodes that are live, as far as the node's registry knows. */
  readonly masternodes = new Set<PeerIp>()
  /** Netgroups that were helped to a place in a full node, and when, the longest ago first. */
  readonly helped = new Map<string, number>()
  /** Netgroups whose strangers ask for a place, or came in. */
  readonly newcomers = new NewcomerTurns()
  /** The bans are not as they were stored. */
  isUnsaved = false
  /** Called when they change. */
  onChange: () => void = () => {}
  private words: TokenBucket.TokenBucket | undefined
  private readonly told = new WeakMap<Ban, number>()

  /** ms until the address may come again; `undefined`: it is not banned. */
  bannedMs(ip: PeerIp, now: number): number | undefined {
    const ban = this.bans.find(ip, now)
    return ban === undefined ? undefined : ban.until - now
  }

  /** Whether a socket under that ban may be told of it now. */
  isWorthAWord(ban: Ban, now: number): boolean {
    return this.wordsLeft(ban, now) !== undefined
  }

  /** The socket goes on as far as a Hello, and is told. Call it where `isWorthAWord`. */
  tells(ban: Ban, now: number): void {
    this.words = this.wordsLeft(ban, now)
    this.told.set(ban, now)
  }

  private wordsLeft(ban: Ban, now: number): TokenBucket.TokenBucket | undefined {
    if (now - (this.told.get(ban) ?? Number.NEGATIVE_INFINITY) < Limits.bannedWordMs) return undefined
    return TokenBucket.take(this.words ?? TokenBucket.full(words, now), words, now)
  }
}
