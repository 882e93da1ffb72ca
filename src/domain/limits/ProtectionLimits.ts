/**
 * Bounds and defaults, with unit and reason, on what peers may cost a node: bytes, messages, connections, scores, bans. Import them from
 * `Limits`.
 */

// --- bytes that wait, of all peers together ----------------------------------------

/** bytes of every frame read at once, whatever the budget: twice as much as sync usually answers (`blocksPieceBytes`). */
export const arrivingFreeBytes = 128 * 1024
/** bytes of longer frames read at once: 8 of the longest. Including the free part, 125 peers hold at most 80 MiB. */
export const arrivingBytes = 64 * 1024 * 1024
/** ms. Time for a long frame while others wait for its place: 125 peers get a turn before any of them times out writing (`frameMs`). */
export const pressedFrameMs = 7_500
/** bytes in all outboxes together. An outbox up to the second size is never refused because of the total: a fair share of 125 peers is 2 MiB. */
export const outboxesBytes = 256 * 1024 * 1024
export const outboxFairBytes = 1024 * 1024
/** messages and bytes of one connection that wait until the node's own protocols listen; beyond this it is not read. */
export const earlyMessages = 64
export const earlyBytes = 256 * 1024
/** ms. How often a deadline checks whether this node has resumed reading a connection that it paused. */
export const heldLookMs = 250

// --- what one connection may ask of this node --------------------------------------

/**
 * tokens per kind of message: at once, and per second after that. With none left, the connection is not read for a while; nothing is
 * dropped. Each burst is several times what an honest peer sends at once; each rate, several times what it sends in the long run. 125 peers
 * at their full rates take a few percent of one core. Cost of each message: `domain/peer/MessageCost`.
 */
export const messageRates = {
  /** Challenges, and pings at the fastest configurable rate (`pingLeastMs`, 100 ms). Pongs answer ours. */
  ping: { burst: 64, perSecond: 20 },
  pong: { burst: 64, perSecond: 20 },
  /** addresses and lists: four full messages, then the newcomers of a mesh that forms. */
  addresses: { burst: 4 * 256, perSecond: 16 },
  /** An honest peer asks once per `askEveryMs`. */
  askAddresses: { burst: 16, perSecond: 1 },
  /** Handshake messages after Up, and proofs that two connections belong to one process. */
  handshake: { burst: 16, perSecond: 1 },
  /** Tips and pushed blocks, with a token per 4 KiB: ten blocks a second, from a peer that is itself catching up. */
  announce: { burst: 256, perSecond: 50 },
  /** Requests for headers and for blocks: many times what a peer that syncs from us at full speed sends. */
  request: { burst: 512, perSecond: 512 },
  /** Messages of masternodes, with a token per KiB: 256 announcements at once, then reports. */
  masternode: { burst: 256, perSecond: 32 },
  /** Frames of kinds unknown to this version, with a token per 16 KiB: a later version's messages, 1 MiB a second. */
  unknown: { burst: 256, perSecond: 64 },
  /** Application data without a receiver, with a token per KiB: 4 MiB a second. Received data is not limited. */
  unreceived: { burst: 8_192, perSecond: 4_096 }
} as const
/** ms. Minimum pause in reading a connection that has run out of tokens: one timer for several messages. */
export const messagePauseMs = 250
/**
 * entries of long lists handled in one turn of the event loop, over all peers: a third of a millisecond, or about five before the code is
 * compiled. 125 full lists, one per peer, take a thousand turns.
 */
export const listEntriesPerTurn = 32
/**
 * ms. Time per turn of the event loop for one connection's messages while others wait, and for all connections'. A ping that arrives
 * meanwhile is delayed by a few milliseconds, not by everything that a hundred peers have sent. A smaller share would cost more in turns
 * than it saves.
 */
export const readShareMs = 1
export const readTurnMs = 4
/** Messages besides Hello that an end may send before it is up: pings while a Commit is held. */
export const messagesBeforeUp = 256

// --- protection -------------------------------------------------------------------

/** points at which a peer is banned. One proof that it lied about blocks suffices; so do five broken frames within half an hour. */
export const banScore = 100
export const offenceFalsePoints = 100
export const offenceFramePoints = 22
/** points. A flood before Up ends the connection, and may be a version's bug: ten of them within half an hour lead to a ban. */
export const offenceFloodPoints = 11
/** ms. Half-life of points: a peer that breaks one frame a day is never banned for it. */
export const scoreHalfLifeMs = 3_600_000
/** addresses whose offences are remembered, 500 bytes to 5 KB each; and offences remembered per address. */
export const ledgerPeers = 1_024
export const ledgerOffences = 16
/** characters of an offence's detail: one line. */
export const offenceDetailCharacters = 200
/** bans at once: 5 MB, and a look-up of 2 µs at most. */
export const bans = 10_000
/** ms. Duration of a ban by score, doubled each time the address reaches it again; its maximum; and an operator's default, as Bitcoin Core's. */
export const scoreBanMs = 3_600_000
export const scoreBanMaxMs = 86_400_000
export const operatorBanMs = 86_400_000
/** ms. Maximum of an operator's ban: a year. */
export const banMostMs = 365 * 86_400_000
/** ms. Minimum of an operator's ban: a shorter one would end before it takes effect. */
export const banLeastMs = 1_000
/** characters of an operator's reason for a ban. */
export const banReasonCharacters = 200
/** Shortest prefix of a subnet that may be banned, IPv4 and IPv6: a wider one is most of the network. */
export const subnetIpv4Least = 8
export const subnetIpv6Least = 16
/** peers. A score leads to no ban if fewer good peers would remain. The offender's connection still ends. */
export const goodPeersLeast = 3
/** points below which a peer is good. */
export const goodPeerPoints = 50
/** ms. After a sign of this node's own trouble, a score leads to no ban for this long. */
export const troubleMs = 60_000
/** ms. Event-loop lag that is such a sign; and a jump of the wall clock that is. */
export const troubleLagMs = 1_000
export const troubleClockMs = 5_000
/** peers that were silent within `troubleMs`, and their share of all: this many are no coincidence. */
export const troubleTimeouts = 3
export const troubleTimeoutShare = 0.25
/** ms. A banned address that dials receives a Reject at most this often; its other sockets are closed at accept. */
export const bannedWordMs = 10_000
/** The same over all banned addresses: Rejects per second, and at once. */
export const bannedWordsPerSecond = 10
export const bannedWordBurst = 50
/** ms. Sockets of banned addresses closed at accept are reported together at most this often. */
export const turnedAwayEveryMs = 10_000
/**
 * Inbound peers protected from eviction in a full node: by netgroup in a secret order, by lowest round trip, by latest new block, and
 * masternodes (Bitcoin Core's 4, 8 and 8 + 4); then the longest-connected half of the rest.
 */
export const evictionGroups = 4
export const evictionNearest = 8
export const evictionUseful = 12
export const evictionMasternodes = 8
/** ms. A new peer is protected from eviction for this long, so that a wave of newcomers does not evict one another. */
export const evictionGraceMs = 20_000
/** connections below which a newcomer is in need: it may take another's place without making the peers more diverse (Bitcoin Core's outbound). */
export const enoughPeers = 8
/** ms. Minimum time between such help to one netgroup; and netgroups for which that is remembered. */
export const evictionEveryMs = 60_000
/**
 * ms. How long a full node keeps a netgroup's turn after one of its newcomers asked for a place: several tries of a peer that dials once a
 * second. Longer, and netgroups that have given up would hold up the others.
 */
export const newcomerWaitMs = 5_000
export const evictionGroupsKnown = 1_024
/** dials per second to peers whose ban has ended. */
export const unbannedDialsPerSecond = 16
