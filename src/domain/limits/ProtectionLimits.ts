/** Bounds and defaults, with unit and reason: what peers may cost a node: bytes, messages, connections, scores, bans. Read them by way of `Limits`. */

// --- bytes that wait, of all peers together ----------------------------------------

/** bytes. Read of every frame at once, whatever the budget: more than the usual answers of sync. */
export const arrivingFreeBytes = 256 * 1024
/** bytes. Of longer frames that are read at once: 8 of the longest. With what is free, 125 peers hold 95 MiB at most. */
export const arrivingBytes = 64 * 1024 * 1024
/** ms. For a long frame while others wait for its place: 125 peers have their turn before any of them gives up writing (`frameMs`). */
export const pressedFrameMs = 7_500
/** bytes. In all outboxes together; an outbox up to the second size is never refused for it: a fair share of 125 peers is 2 MiB. */
export const outboxesBytes = 256 * 1024 * 1024
export const outboxFairBytes = 1024 * 1024
/** messages and bytes of one connection that wait for the node's own protocols to listen; then it is not read further. */
export const earlyMessages = 64
export const earlyBytes = 256 * 1024
/** ms. A deadline of a connection that this node itself does not read looks this often whether that is over. */
export const heldLookMs = 250

// --- what one connection may ask of this node --------------------------------------

/**
 * tokens per kind of message: at once, and per second from then on. With none left, the connection is not read for a while; nothing is
 * dropped. Each burst is several times what an honest peer sends at once, each rate several times what it sends in the long run, and 125
 * peers at their full rates take a few percent of one core. What a message costs: `domain/peer/MessageCost`.
 */
export const messageRates = {
  /** A ping per 100 ms is the fastest that can be set (`pingLeastMs`), and challenges. Pongs answer ours. */
  ping: { burst: 64, perSecond: 20 },
  pong: { burst: 64, perSecond: 20 },
  /** addresses and lists: four full messages, then the newcomers of a mesh that forms. */
  addresses: { burst: 4 * 256, perSecond: 16 },
  /** An honest peer asks once per `askEveryMs`. */
  askAddresses: { burst: 16, perSecond: 1 },
  /** Handshake messages after Up, and proofs of being one process. */
  handshake: { burst: 16, perSecond: 1 },
  /** Tips and pushed blocks, with a token per 4 KiB: blocks that come ten times a second, from a peer that is itself catching up. */
  announce: { burst: 256, perSecond: 50 },
  /** Requests for headers and for blocks: what a peer that syncs from us at full speed sends, many times over. */
  request: { burst: 512, perSecond: 512 },
  /** Messages of masternodes, with a token per KiB: 256 announcements at once, then reports. */
  masternode: { burst: 256, perSecond: 32 },
  /** Frames of kinds that this version does not know, with a token per 16 KiB: a later version's news, 1 MiB a second. */
  unknown: { burst: 256, perSecond: 64 },
  /** Application data for which there is no receiver, with a token per KiB: 4 MiB a second. Received data is not limited. */
  unreceived: { burst: 8_192, perSecond: 4_096 }
} as const
/** ms. A connection that is not read because its tokens are gone waits at least this long: one timer for several messages. */
export const messagePauseMs = 250
/**
 * entries of long lists that are handled in one turn of the event loop, of all peers together: a third of a millisecond, and some five before the code is
 * compiled. 125 peers with a full list each are through in a thousand turns.
 */
export const listEntriesPerTurn = 32
/**
 * ms. Messages of one connection that are handled in one turn of the event loop while others wait, and of all connections: a ping that comes meanwhile is a
 * few milliseconds late, not as late as all that a hundred peers have sent. Less would cost more turns than it saves.
 */
export const readShareMs = 1
export const readTurnMs = 4
/** Messages beside Hello that an end may send before it is up: pings while a Commit is held. */
export const messagesBeforeUp = 256

// --- protection -------------------------------------------------------------------

/** points. At so many a peer is banned. One proof that a peer lied about blocks is enough; so are five broken frames within half an hour. */
export const banScore = 100
export const offenceFalsePoints = 100
export const offenceFramePoints = 22
/** points. A flood before Up ends the connection, and may be a bug of a version: ten of them within half an hour are a ban. */
export const offenceFloodPoints = 11
/** ms. Points halve in this time: a peer that breaks one frame a day is never banned for it. */
export const scoreHalfLifeMs = 3_600_000
/** addresses whose offences are remembered, 500 bytes to 5 KB each, and offences of one. */
export const ledgerPeers = 1_024
export const ledgerOffences = 16
/** characters. Detail of an offence: one line. */
export const offenceDetailCharacters = 200
/** bans at once: 5 MB, and a look-up of 2 µs at most. */
export const bans = 10_000
/** ms. A ban by score, doubled each time the address comes to it again; its maximum; and an operator's, as Bitcoin Core's. */
export const scoreBanMs = 3_600_000
export const scoreBanMaxMs = 86_400_000
export const operatorBanMs = 86_400_000
/** ms. Maximum of an operator's ban: a year. */
export const banMostMs = 365 * 86_400_000
/** ms. Minimum of an operator's ban: below a second it is over before it is known. */
export const banLeastMs = 1_000
/** characters. An operator's reason for a ban. */
export const banReasonCharacters = 200
/** Least length of a block of addresses that may be banned, IPv4 and IPv6: a wider one is most of the network. */
export const subnetIpv4Least = 8
export const subnetIpv6Least = 16
/** peers. A score bans nobody when fewer good ones would be left. Below, the offender's connection ends all the same. */
export const goodPeersLeast = 3
/** points. With fewer a peer is good. */
export const goodPeerPoints = 50
/** ms. For so long after a sign of this node's own trouble a score bans nobody. */
export const troubleMs = 60_000
/** ms. A lag of the event loop that is such a sign; and a jump of the wall clock. */
export const troubleLagMs = 1_000
export const troubleClockMs = 5_000
/** peers that were silent within `troubleMs`, and their share of all: so many are no coincidence. */
export const troubleTimeouts = 3
export const troubleTimeoutShare = 0.25
/** ms. A banned address that dials is told so at most this often; its other sockets are closed at accept. */
export const bannedWordMs = 10_000
/** The same, of all banned addresses together: words per second, and at once. */
export const bannedWordsPerSecond = 10
export const bannedWordBurst = 50
/** ms. Sockets of banned addresses that were closed at accept are reported together at most this often. */
export const turnedAwayEveryMs = 10_000
/**
 * Inbound peers that keep their place in a full node: by netgroup in a secret order, by least round trip, by the latest new block, and
 * masternodes (Bitcoin Core's 4, 8 and 8 + 4); then the longer connected half of the others.
 */
export const evictionGroups = 4
export const evictionNearest = 8
export const evictionUseful = 12
export const evictionMasternodes = 8
/** ms. A peer that has its place has it for so long at least, so that a wave of newcomers does not sweep one another away. */
export const evictionGraceMs = 20_000
/** connections. With fewer, a newcomer is in need: it may take another's place without making the peers more diverse (Bitcoin Core's outbound). */
export const enoughPeers = 8
/** ms. Such help to one netgroup; and netgroups of which that is remembered. */
export const evictionEveryMs = 60_000
/**
 * ms. A netgroup whose newcomer asked a full node for a place has its turn kept for so long: several tries of a peer that dials again each second. Longer, and
 * netgroups that have given up would hold up the others.
 */
export const newcomerWaitMs = 5_000
export const evictionGroupsKnown = 1_024
/** dials per second to peers whose ban has ended. */
export const unbannedDialsPerSecond = 16
