/** Bounds and defaults, with unit and reason: rule timers of the pair protocol, sockets and ends, liveness and retry. Read them by way of `Limits`. */

// --- pair protocol: rule timers -----------------------------------------------

/** ms. Handshake timeout: the Hello must arrive within this. Five round trips of a bad link. */
export const helloMs = 5_000
/** ms. Ack must follow Commit within this. */
export const commitMs = 5_000
/**
 * ms. Minimum and maximum time for a challenged end to answer; between them, 4 × smoothed RTT. The minimum is well above
 * `quietMs`, so that a live end whose Pong is stuck behind a long frame is still heard (docs/decisions/0003).
 */
export const probeMinMs = 2_000
export const probeMaxMs = 5_000
/** ms. Maximum time the higher peer gives its live end when another process commits (rule H2): our Ack must beat L's `commitMs`. */
export const probeHigherMaxMs = 3_000
/** ms. A challenge still in our outbox after this counts as sent. Less would condemn a live peer behind a slow link. */
export const probeQueuedMs = 5_000
/** ms. The same while another process's Commit waits (rule H2). */
export const probeHigherQueuedMs = 1_000
/** ms. Maximum time H holds a Commit: a second below L's `commitMs`, for the Commit and the Ack to travel. */
export const holdHigherMs = probeHigherQueuedMs + probeHigherMaxMs
/** ms. A byte received this long after a challenge was sent counts as its answer; an earlier one may have been in flight. */
export const quietMs = 1_000
/** ms. Minimum time between two challenges of one peer, so that challengers cannot flood a live end. */
export const challengeSpacingMs = 5_000
/** ms. Maximum time L holds a challenger: until its challenge may start, the ping has left, and the answer is due. */
export const holdMs = challengeSpacingMs + probeQueuedMs + probeMaxMs
/** ms. H waits this long for Commit or Reject: L's `holdMs`, and two seconds for the Hello and the verdict to travel. */
export const waitMs = holdMs + 2_000
/** ms. An end that sent a Reject keeps reading this long before it closes, so that a reset does not destroy the reason. */
export const lingerMs = 1_000
/** Such ends at once of peers that were never up, some 20 KB each: with more, the oldest closes. At 500 refusals a second that leaves each half a second. */
export const lingeringEnds = 256

// --- pair protocol: configurable ----------------------------------------------

/** ms. Dial timeout (Bitcoin Core's value). */
export const dialMs = 5_000
/** ms. L holds H's dial this long while its own dial is in flight. */
export const graceMs = 500
/** ms. H waits this long, plus up to `fallbackJitterMs`, for L's dial before it dials. */
export const fallbackMs = 3_000
export const fallbackJitterMs = 2_000
/** ms. The same at first contact with a configured peer, when the rank is unknown, or when only H can dial. */
export const fallbackFirstMs = 500
export const fallbackFirstJitterMs = 500
/** ms. Ping interval, at both ends of every connection. */
export const pingMs = 15_000
/** ms. The node's heartbeat: what is due at some moment (a ping, a verdict) comes at most this much later. */
export const beatMs = 1_000
/** ms. Without a byte for this long a connection is closed (`silent`). More than twice `pingMs`. */
export const deadMs = 45_000
/** ms. First and maximum redial delay; doubles per failure, full jitter 50–100 %. */
export const backoffBaseMs = 1_000
export const backoffMaxMs = 300_000
/** ms. Maximum of every other duration that may be set: a day, so that a slip of a unit is refused. */
export const tuningMostMs = 86_400_000
/** ms. Maximum of the fallback times: beyond an hour a pair that only H can connect is lost for its operator. */
export const fallbackMostMs = 3_600_000
/** ms. Maximum of `graceMs`: the hello time of the dial that is held. */
export const graceMostMs = helloMs
/** ms. Minimum of `pingMs`: below it, pings are the traffic. */
export const pingLeastMs = 100
/** Maximum of `maxDials`: a common limit of open files. */
export const maxDialsMost = 1_024
/** ms. An Up shorter than this counts as a failure for the backoff. */
export const stableMs = 5_000
/** ms. A connection that is up for less counts for "comes up, and is lost again at once", and so many in a row are reported as such. */
export const steadyUpMs = 60_000
export const shortUpsReported = 3
/** ms. For how long after the last of them, when the peer cannot be reached any more. */
export const shortUpsForMs = 900_000
/** ms. How old what is known of this host's addresses may be, and how many former ones of its own a node remembers. */
export const hostAddressesMs = 1_000
export const ownAddresses = 1_024
/** addresses. Of so many that peers left, a node remembers where the peer went. */
export const movedAddresses = 1_024
/** ms. A ping without any byte since: from here on the line is reported as quiet. A round trip around the world takes a tenth. */
export const quietPingMs = 3_000

/**
 * ms. Longest wait before the next dial of a peer that was well connected within `redialKnownForMs`: both ends dial, so a pair is together
 * again some 10 s after its link is. Costs a dial per 14 s and lost peer while it does not answer, for an hour.
 */
export const redialKnownMs = 12_000
export const redialKnownForMs = 3_600_000
/**
 * ms. The same of any address for its first failed dials, some ten minutes of them: two nodes that never met because the way between them was
 * gone when they heard of one another. Dead addresses cost no more than `maxDials` allows at any time.
 */
export const redialNewMs = 30_000
export const redialNewTries = 20
/** ms. The same of every configured peer, and every one that ever was well connected, while no peer is up: an isolated node tries to come back at least this often. */
export const redialAloneMs = 30_000
/**
 * ms. Wait after a dial that this node's own system refused (no network, no sockets): such a dial costs a system call. With more than 50 addresses
 * in that state, so many more as there are: ten dials a second in all, which an IPv4 host with thousands of IPv6 addresses can bear.
 */
export const redialOwnFaultMs = 5_000
export const redialOwnFaultEachMs = 100
export const redialOwnFaultMaxMs = 600_000
/** ms. Peers lost within this time of one another were lost together: `deadMs` finds them one after the other, up to a ping apart. */
export const lostTogetherMs = 60_000
/** dials. How many waits that are void become due per second, at most: 125 peers are dialled within 8 s, and no link sees a storm. */
export const redialsPerSecond = 16

// --- sockets and ends -----------------------------------------------------------

/** Ends (connections and attempts) of one pair; the K of the exhaustive search. A fifth inbound socket evicts the oldest without Hello. */
export const endsPerPair = 4
/** Unidentified sockets (no Hello yet) per node, so that silent connections cost bounded memory. */
export const endsWithoutHello = 64
/**
 * connections from one IP, and from one netgroup (/16; IPv6 /32), at once and per second. The first: a process that restarts in a loop, a few
 * of them behind one router. The second: a full node's worth of peers from one provider at once. The netgroup's is for addresses that this node has no good
 * connection with yet; half of its tokens are for those that did not come lately, so that a few cannot keep the others of their netgroup out.
 */
export const inboundPerIp = { burst: 64, perSecond: 4 }
export const inboundPerNetgroup = { burst: 256, perSecond: 32 }
/** IPs and netgroups whose rates are remembered, some 200 bytes each; of an IPv4 flood, the netgroups are remembered. */
export const inboundIps = 8_192
export const inboundNetgroups = 65_536
/** Unidentified sockets from which on a stranger's waits outside until it has said something: a quarter of `endsWithoutHello`. */
export const crowdedEnds = 16
/**
 * Sockets that wait there at once, some 25 KB each, and at most this share of the files that the process may open; the oldest gives way. They wait
 * for `helloMs`. And how many may begin to wait, at once and per second: more are reset when they are accepted, which costs a tenth. At 10,000
 * connections a second a Hello may still come 0.3 s late, and every third dial has its chance.
 */
export const lobbySockets = 1_024
export const lobbyEntries = { burst: 1_024, perSecond: 3_000 }
export const lobbyShare = 0.25
/** ms. Connections refused for their rate are reported together this often. */
export const inboundReportMs = 10_000
/** Peer limit: connections up at once (the order of Bitcoin Core's default). */
export const maxPeers = 125
/**
 * Of these, places that inbound peers never fill: for peers that this node itself chose and dialled (Bitcoin Core's 8), at most this share of a smaller
 * `maxPeers`.
 */
export const outboundPlaces = 8
export const outboundShare = 1 / 8
/** Dials in flight at once: of 32 addresses of which a fifth answers, some do at the first try; too few to look like a port scan. */
export const maxDials = 32
/**
 * Dials in flight beyond `maxDials`, as a multiple of it, to addresses known by gossip alone, while fewer peers than `outboundPlaces` are up: at `toldDialsPerSecond` the dead
 * ones of a list fill no more than `maxDials` and these before the first time out. Eight peers of a list of which a fifth answers take some 3 s.
 */
export const needyDials = 1.5
/** Dials that begin per second in the long run, and at once: a list of 2,000 addresses is tried within a minute or so. */
export const dialsPerSecond = 32
export const dialBurst = 128
/** The share of those open to addresses known by gossip alone: the rest is for peers known to exist. */
export const gossipDials = 0.75
/**
 * Dials that begin per second to addresses known by gossip alone, and at once. A peer that sends addresses chooses what this node dials:
 * together no more than 20 in any second.
 */
export const toldDialsPerSecond = 16
export const toldDialBurst = 4
/** ms. Minimum time between two dials of one address that is known by gossip alone: nobody is made to knock at a stranger's door. */
export const toldDialEveryMs = 60_000
/** ms. Up to so much later, so that addresses that were told of together are not dialled together again. */
export const toldDialSpreadMs = 5_000
/** Least port that is dialled on gossip alone: below are the services of the system, which no node listens at. */
export const toldPortLeast = 1_024

// --- liveness and retry -----------------------------------------------------------

/** Unanswered pings remembered per connection: a dead time's worth of pings and challenges. The oldest is dropped first. */
export const outstandingPings = 8
/** ms. Time to answer the ping that follows a stall of our own event loop: the longest probe. */
export const answerMs = 5_000
/** ms. Bounds on the retry delay that a peer's Reject asks for. */
export const retryMinMs = 500
export const retryMaxMs = 3_600_000
/** ms. A banned peer that this node cannot dial asks again this often: how late it notices that its ban was lifted early. It costs a socket each time. */
export const retryBannedMs = 60_000
/** Maximum random share added to that delay, so that refused peers do not all return at once. */
export const retryJitter = 0.25
/** ms. Retry delay in our Rejects, by reason. `in-use` doubles per refusal, from `retryInUseMs` to `retryInUseMaxMs`. */
export const retryDuplicateMs = 1_000
export const retryInUseMs = 5_000
export const retryInUseMaxMs = 300_000
export const retryFullMs = 60_000
export const retryIncompatibleMs = 600_000
export const retryShutdownMs = 2_000
/** ms. The peer does not dial while its other connection is up; the delay matters only if it does not know of that one. */
export const retryAliasMs = 60_000
/** ms. The operator disconnected the peer: an immediate return would undo that. */
export const retryOperatorMs = 300_000
/** ms. Evicted to make room: as `full`. */
export const retryEvictedMs = 60_000
/** ms. The application failed on a message of the peer's: time for it to recover, or for its operator to look. */
export const retryApplicationMs = 60_000
/** ms. A protocol violation is a bug or a mix-up: worth another attempt, not a fast one. */
export const retryProtocolMs = 60_000
