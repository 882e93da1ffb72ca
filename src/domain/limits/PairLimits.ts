/** Bounds and defaults, with unit and reason: rule timers of the pair protocol, sockets and ends, liveness and retry. Import them from `Limits`. */

// --- pair protocol: rule timers -----------------------------------------------

/** ms. Handshake timeout: the Hello must arrive within this. Five round trips of a bad link. */
export const helloMs = 5_000
/** ms. The Ack must follow the Commit within this. */
export const commitMs = 5_000
/**
 * ms. Minimum and maximum time for a challenged end to answer; between them, 4 × smoothed RTT. The minimum is well above `quietMs`, so that
 * a live end whose Pong is stuck behind a long frame still counts as live (docs/decisions/0003).
 */
export const probeMinMs = 2_000
export const probeMaxMs = 5_000
/** ms. Maximum time the higher peer gives its live end when another process commits (rule H2): our Ack must arrive within L's `commitMs`. */
export const probeHigherMaxMs = 3_000
/** ms. A challenge still in our outbox after this counts as sent. A shorter time would condemn a live peer behind a slow link. */
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
/**
 * Lingering ends at once of peers that were never up, about 20 KB each; beyond this, the oldest closes. At 500 refusals a second each gets
 * half a second.
 */
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
/** ms. The node's heartbeat: what is due (a ping, a verdict) comes at most this much late. */
export const beatMs = 1_000
/** ms. A connection without a byte for this long is closed (`silent`). More than twice `pingMs`. */
export const deadMs = 45_000
/** ms. First and maximum redial delay; doubles per failure, full jitter 50–100 %. */
export const backoffBaseMs = 1_000
export const backoffMaxMs = 300_000
/** ms. Maximum of every other configurable duration: a day, so that a value in the wrong unit is refused. */
export const tuningMostMs = 86_400_000
/** ms. Maximum of the fallback times: to an operator, a pair that only H can connect seems lost after an hour. */
export const fallbackMostMs = 3_600_000
/** ms. Maximum of `graceMs`: the hello time of the dial that is held. */
export const graceMostMs = helloMs
/** ms. Minimum of `pingMs`: below it, pings are the traffic. */
export const pingLeastMs = 100
/** Maximum of `maxDials`: a common limit of open files. */
export const maxDialsMost = 1_024
/** ms. An Up shorter than this counts as a failure for the backoff. */
export const stableMs = 5_000
/** ms. An Up shorter than this counts as "comes up, and is lost again at once"; this many in a row are reported as such. */
export const steadyUpMs = 60_000
export const shortUpsReported = 3
/** ms. How long after the last short Up that report remains if the peer becomes unreachable. */
export const shortUpsForMs = 900_000
/** ms. Maximum age of the known host addresses, and the number of former own addresses that a node remembers. */
export const hostAddressesMs = 1_000
export const ownAddresses = 1_024
/** addresses abandoned by peers for which the node remembers where the peer went. */
export const movedAddresses = 1_024
/** ms. A ping followed by no byte for this long makes the line count as quiet. A round trip around the world takes a tenth. */
export const quietPingMs = 3_000

/**
 * ms. Maximum wait before redialling a peer that was well connected within `redialKnownForMs`. Both ends dial, so a pair reconnects about
 * 10 s after its link returns. Costs one dial per 14 s and lost peer for an hour while it does not answer.
 */
export const redialKnownMs = 12_000
export const redialKnownForMs = 3_600_000
/**
 * ms. The same for any address during its first failed dials, twelve minutes of them where nothing answers. Helps two nodes that never
 * connected because the path between them was down when each learned of the other. Dead addresses cost no more than `maxDials` allows at any
 * time.
 */
export const redialNewMs = 30_000
export const redialNewTries = 30
/**
 * ms. The same for every configured peer, and every peer that was ever well connected, while no peer is up: an isolated node tries to
 * reconnect at least this often.
 */
export const redialAloneMs = 30_000
/**
 * ms. Wait after a dial that this node's own system refused (no network, no sockets): such a dial costs a system call. With more than 50
 * addresses in that state, the wait grows with their number. The total stays at ten dials a second, which suits an IPv4 host with thousands
 * of IPv6 addresses.
 */
export const redialOwnFaultMs = 5_000
export const redialOwnFaultEachMs = 100
export const redialOwnFaultMaxMs = 600_000
/** ms. Peers lost within this time of one another were lost together: `deadMs` finds them one by one, up to a ping interval apart. */
export const lostTogetherMs = 60_000
/** dials. How many cancelled waits become due per second, at most: 125 peers are dialled within 8 s, and no link sees a storm. */
export const redialsPerSecond = 16

// --- sockets and ends -----------------------------------------------------------

/** Ends (connections and attempts) of one pair; the K of the exhaustive search. A fifth inbound socket evicts the oldest without a Hello. */
export const endsPerPair = 4
/** Unidentified sockets (no Hello yet) per node, so that silent connections cost bounded memory. */
export const endsWithoutHello = 64
/**
 * connections from one IP, and from one netgroup (/16; IPv6 /32), at once and per second. The IP's allows a process that restarts in a
 * loop, several of them behind one router. The netgroup's allows a full node's worth of peers from one provider at once. The netgroup's
 * applies to addresses with which this node has had no good connection yet. Half of its tokens are for addresses that did not connect
 * recently, so that a few cannot lock out the rest of their netgroup.
 */
export const inboundPerIp = { burst: 64, perSecond: 4 }
export const inboundPerNetgroup = { burst: 256, perSecond: 32 }
/** IPs and netgroups whose rates are remembered, about 200 bytes each; during an IPv4 flood, the netgroups are remembered. */
export const inboundIps = 8_192
export const inboundNetgroups = 65_536
/** Unidentified sockets from which on a stranger's socket waits in the lobby until it sends something: a quarter of `endsWithoutHello`. */
export const crowdedEnds = 16
/**
 * Sockets waiting in the lobby at once, about 25 KB each, and at most this share of the process's open-file limit; the oldest is evicted.
 * They wait for `helloMs`. Also how many may start to wait, at once and per second: the rest are reset at accept, which costs a tenth. At
 * 10,000 connections a second a Hello may still arrive 0.3 s late, and every third dial gets through.
 */
export const lobbySockets = 1_024
export const lobbyEntries = { burst: 1_024, perSecond: 3_000 }
export const lobbyShare = 0.25
/** ms. Connections refused by rate are reported together this often. */
export const inboundReportMs = 10_000
/** Peer limit: connections up at once (the order of Bitcoin Core's default). */
export const maxPeers = 125
/**
 * Places within `maxPeers` that inbound peers never fill: for peers that this node chose and dialled (Bitcoin Core's 8), at most this share
 * of a smaller `maxPeers`.
 */
export const outboundPlaces = 8
export const outboundShare = 1 / 8
/** Dials in flight at once: of 32 addresses of which a fifth answer, some connect at the first try; too few to look like a port scan. */
export const maxDials = 32
/**
 * Dials in flight beyond `maxDials`, as a multiple of it, to addresses known by gossip alone, while fewer peers than `outboundPlaces` are
 * up. At `toldDialsPerSecond` a list's dead addresses fill no more than `maxDials` and these before the first times out. Finding eight
 * peers in a list of which a fifth answer takes about 3 s.
 */
export const needyDials = 1.5
/** Dials started per second in the long run, and at once: a list of 2,000 addresses is tried within about a minute. */
export const dialsPerSecond = 32
export const dialBurst = 128
/** ms. A dial that has waited this long for its turn gets every second one: fewest failures go first otherwise, whoever they keep waiting. */
export const dialWaitMs = 5_000
/** The share of those dials open to addresses known by gossip alone: the rest is for peers known to exist. */
export const gossipDials = 0.75
/**
 * Dials started per second to addresses known by gossip alone, and at once. A peer that sends addresses chooses what this node dials:
 * together no more than 20 in any second.
 */
export const toldDialsPerSecond = 16
export const toldDialBurst = 4
/** ms. Minimum time between two dials of one address known by gossip alone, so that no peer can make us harass a third host. */
export const toldDialEveryMs = 60_000
/** ms. Random extra delay up to this, so that addresses gossiped together are not redialled together. */
export const toldDialSpreadMs = 5_000
/** Lowest port dialled on gossip alone: below are system services, where no node listens. */
export const toldPortLeast = 1_024

// --- liveness and retry -----------------------------------------------------------

/** Unanswered pings remembered per connection: a dead time's worth of pings and challenges. The oldest is dropped first. */
export const outstandingPings = 8
/** ms. Time to answer the ping that follows a stall of our own event loop: the longest probe. */
export const answerMs = 5_000
/** ms. Bounds on the retry delay that a peer's Reject asks for. */
export const retryMinMs = 500
export const retryMaxMs = 3_600_000
/**
 * Rejects in a row after which a peer's own wish no longer sets the pace of our dials; then ms, twice as long for each further one, and the maximum.
 * An honest peer has answered within a challenge and a hold, half as many.
 */
export const refusalsFree = 8
export const refusedMs = 1_000
export const refusedMaxMs = 60_000
/** ms. Retry interval of a banned peer that this node cannot dial: how late it notices that its ban was lifted early. Each retry costs a socket. */
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
/** ms. The peer does not dial while its other connection is up; the delay matters only if it does not know of that connection. */
export const retryAliasMs = 60_000
/** ms. The operator disconnected the peer: an immediate return would undo that. */
export const retryOperatorMs = 300_000
/** ms. Evicted to make room: as `full`. */
export const retryEvictedMs = 60_000
/** ms. The application failed on a message of this peer: time for it to recover, or for its operator to look. */
export const retryApplicationMs = 60_000
/** ms. A protocol violation is a bug or a mix-up: worth another attempt, not a fast one. */
export const retryProtocolMs = 60_000
