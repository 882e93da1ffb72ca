/**
 * Every bound and default of the node, each with its unit and its reason. "Rule" timers belong to the rule version of the
 * pair protocol and are not configurable: one side's wait must exceed the other's hold.
 */

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
/** Dials in flight at once: of 32 addresses of which a fifth answers, some do at the first try; too few to look like a port scan. */
export const maxDials = 32
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

// --- frames ---------------------------------------------------------------------

/** bytes. Frame limit (kind and body) before Up: a Hello fits many times over, and a native stream always begins `00 00`. */
export const frameBeforeUpBytes = 4 * 1024
/** bytes. Frame limit after Up: that of the TIME network. */
export const frameBytes = 8 * 1024 * 1024
/** ms. A frame must be complete this long after its first byte. */
export const frameMs = 120_000
/** bytes. Bulk data in a socket's buffer at once, so that a control frame never waits behind more; fits the CPU caches. */
export const undrainedBytes = 256 * 1024
/** bytes. Frames shorter than this are copied together before a write, up to the second size: a system call costs more than the copy. */
export const smallFrameBytes = 4_096
export const slabBytes = 64 * 1024
/** bytes. Buffers of written batches that a busy connection keeps for the next ones: what is written at once, four times over. */
export const spareSendBytes = 4 * undrainedBytes

// --- queues, tables, buffers -----------------------------------------------------

/** events. A reader of the event stream that falls further behind loses the oldest. */
export const eventBuffer = 4_096
/** messages. A reader of a channel's stream that falls further behind ends with `Lagged`. */
export const streamBuffer = 16_384
/** bytes. `send` waits while more than this is queued for a peer: four writes ahead. More fills no pipe, and leaves the caches. */
export const outboxHighBytes = 1024 * 1024
/** bytes. Beyond this the peer is not reading and is disconnected (`outbox-full`). */
export const outboxBytes = 32 * 1024 * 1024
/** bytes. The same for control frames: thousands of unread pongs. */
export const outboxControlBytes = 256 * 1024
/**
 * bytes. Messages held for an application that does not receive on their channel yet, of all peers together and of one: a frame
 * of the greatest length fits. Beyond, they are dropped, and the log says so. Each counts `heldMessageBytes` besides itself.
 */
export const heldBytes = 8 * 1024 * 1024
export const heldBytesPerPeer = 1024 * 1024
export const heldMessageBytes = 256
/** Failures in a row of a receiver on one peer's messages, from which on it gets no more of them: the first may be bad luck. */
export const handlerFailures = 3
/** peers. Rows of the peer table; beyond it, the unconnected, unconfigured row with the most failures is evicted. Bitcoin's addr cap × 4. */
export const knownPeers = 4_096
/** peers. That an operator may name: half the table, so that what is learned has room. More are a start-up error. */
export const configuredPeers = 2_048
/** addresses per `Peers` message: what a new peer learns at once; covers the peers of a full node. */
export const peersPerMessage = 256
/**
 * addresses. New ones accepted from one peer at once, and per second after that: a full message, then Bitcoin Core's rate.
 * The rest are ignored: an honest peer's gossip fits, and a hostile peer's thousands do not fill the table.
 */
export const newAddresses = 256
export const newAddressesPerSecond = 0.1
/** Alternative ports remembered per peer beside the latest: a second process behind its address may have announced its own. */
export const otherPorts = 2
/** addresses. Known good ones of the book that a node dials when it starts: twice the places. */
export const storedPeers = 256
/** bytes. Maximum size of peers.json, node.json and a config file: 256 of the longest addresses take 14 KiB. */
export const smallFileBytes = 1024 * 1024
/** ms. Minimum time between two writes of the peer book. */
export const storeEveryMs = 10_000
/** rows of the peer table for addresses that were only told of: each dialled once a minute, they take half of the dials. */
export const candidates = 512
/** Failed dials after which a row of those gives way to an address that was not dialled yet: the book keeps it. */
export const candidateTries = 1
/** ms. How often the node looks into its book for further addresses to dial. */
export const seekEveryMs = 10_000
/**
 * rows of addresses not dialled yet, up to which such a look adds some; and the first look, when nothing else is known. Fewer than are dialled
 * until the next look even when none of them answers: what a peer sends meanwhile does not wait behind them.
 */
export const seekRows = 32
export const seekFirstRows = 128
/** ms. Mean time between two dials of a full node that only test an address of its book (Bitcoin Core's feelers). */
export const feelerEveryMs = 120_000
/** Draws from the book for such a dial: of a small book, many may be connected. */
export const feelerDraws = 16
/** ms. Mean time between two questions to one of its peers for addresses. */
export const askEveryMs = 600_000
/**
 * answers with addresses to one peer at once, and the time after which there is one more, ms. An honest peer asks twice as seldom, and
 * once more each time it was restarted: one that crashes again and again still learns of the others.
 */
export const peerAnswers = 10
export const peerAnswerEveryMs = 300_000
/** The share of its tried addresses that a node gives out (Bitcoin Core's number), and the least number that it gives out in any case. */
export const toldShare = 0.23
export const toldLeast = 64
/** ms. That choice stays the same for so long, for every peer: asking often, or from many addresses, shows no more of the book. */
export const toldSameMs = 24 * 60 * 60_000

// --- peer book --------------------------------------------------------------------

/** Buckets and their slots: new and tried (Bitcoin Core's numbers): 81,920 addresses, at most 20 MB. */
export const bookNewBuckets = 1_024
export const bookTriedBuckets = 256
export const bookBucketSlots = 64
/** New buckets that the word of one netgroup reaches, and tried buckets that the addresses of one netgroup reach (Bitcoin Core's). */
export const bookBucketsPerSource = 64
export const bookBucketsPerGroup = 8
/** Places in the new table that an address of the operator's own list may take: the first free one. */
export const bookOperatorPlaces = 16
/** ms. An address not heard of for this long goes first (Bitcoin Core: 30 days). */
export const bookHorizonMs = 30 * 24 * 60 * 60_000
/** Failed dials after which an address is dropped first: if it never answered, and if it has not for the following time, ms. */
export const bookFirstFailures = 3
export const bookFailures = 10
export const bookFailuresMs = 7 * 24 * 60 * 60_000
/** ms. What was dialled within the first time never goes; what was dialled within the second is rarely picked again. */
export const bookJustTriedMs = 60_000
export const bookRecentMs = 600_000
/** Newcomers to the tried table whose slot is taken, until the holder is tested; and how long that may take, ms (Bitcoin Core's). */
export const bookTests = 10
export const bookTestMs = 40 * 60_000
/** ms. A holder that answered within this time needs no test (Bitcoin Core: 4 hours). */
export const bookTestGoodMs = 4 * 60 * 60_000
/** ms. An address that is told again is noted no more often than this: gossip must not keep the disk busy. */
export const bookSeenEveryMs = 60 * 60_000
/** ms. An inbound peer counts as tried after so long a connection: that it listens is only its word. */
export const bookInboundMs = 60_000
/** The last good peers, dialled first after a restart: enough that some of them are there. */
export const anchors = 8
/** Least port that systems give to outgoing connections (Linux; IANA's range begins at 49152): nodes listen below. */
export const ephemeralPortLeast = 32_768
/** characters of a refused entry of a list of peers that are shown: the longest address fits. */
export const refusedTextCharacters = 80
/** bytes. Maximum size of a list of peers to import: a million entries. */
export const addressListBytes = 64 * 1024 * 1024
/** addresses that were told or dialled since the book was stored, from which on it is stored although no peer came up. */
export const bookUnsaved = 64
/** rows written by one statement of the book's database: within SQLite's bound of variables. */
export const bookRowsPerWrite = 500

// --- metrics ----------------------------------------------------------------------

/** ms. Upper bounds of the histogram of round trips: a machine, a town, a continent, the world, trouble; beyond the last a ping counts as quiet. */
export const rttBucketsMs = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 3_000] as const

// --- flight recorder --------------------------------------------------------------

/** steps of one pair that are kept: some 50 connections or attempts, each of five or six steps. */
export const traceSteps = 256
/** steps up to which a trace counts as short, and is not shortened for the others' sake: a connection and its end. */
export const traceLeastSteps = 8
/** Ups, Downs and attempts of one peer that the admin API shows: what 256 steps have. */
export const pastShown = 50
/** bytes. Of all pairs together: 125 peers have some ten steps each, so there is room for 4,096 addresses and for the pairs that flap. */
export const traceBytes = 8 * 1024 * 1024
/** bytes. What the heap has for a step, for each of its actions and each of the ends that it leaves, and for a pair (measured). */
export const traceStepBytes = 560
export const traceActionBytes = 96
export const traceEndBytes = 160
export const traceRingBytes = 512
/** bytes. Maximum size of a trace file: `traceSteps` of the greatest steps, each some 2 KiB of JSON, many times over. */
export const traceFileBytes = 16 * 1024 * 1024

/** ms. Peers that come up within this time are gossiped in one message. */
export const gossipMs = 20
/** ms. When a node closes, time beyond `lingerMs` for its final Rejects to be sent. */
export const closeGraceMs = 500
/** ms. Maximum time to close a node. */
export const closeMs = 5_000
/** ms. After SIGINT or SIGTERM every command has ended by then, by SIGKILL if need be: within the 5 s of service managers. */
export const stopMs = closeMs - 50
/** ms. A node that stops gives its word to the service manager so long: well within `closeMs`. */
export const notifyStopMs = 1_000
/** ms. How long an ending command waits for a slow reader of its output. */
export const outputMs = 2_000
/** ms. How often a dial held back by isolation checks whether that has ended. */
export const isolatedRedialMs = 250
/** ms. Lag below this is ordinary scheduling and is not counted. */
export const lagFloorMs = 100
/**
 * ms. A deadline that blames a peer and comes later than the first of these, but no later than `lagFloorMs`, waits the second once more: what
 * lies unread in the kernel is read in that time.
 */
export const lastLookFloorMs = 1
export const lastLookMs = 20

// --- outbound connections by netgroup, and seeds -----------------------------------

/**
 * ms. Before one more dial to a netgroup to which this node has outbound connections, for each of those, since the last dial there: the
 * first goes at once, and 125 places take one netgroup more than an hour. In private networks each address is one of its own.
 */
export const sameGroupMs = 500
/** ms. After its start a node without a peer and with an empty book asks its seeds; later where it has addresses to try (Bitcoin Core: 11 s). */
export const seedFirstMs = 1_000
export const seedLaterMs = 11_000
/** ms. A node without a peer asks its seeds again after so long, twice as long each time, up to the maximum; give or take a quarter. */
export const seedAgainMs = 60_000
export const seedMaxMs = 3_600_000
/** ms. Maximum time to resolve one name. */
export const seedResolveMs = 10_000
/** addresses of one seed's answer that are used, drawn from all (Bitcoin Core: 256 of all its seeds). */
export const seedAddresses = 64
/** seeds that an operator may name. */
export const seeds = 64
/** characters of a host name (RFC 1035). */
export const hostNameCharacters = 253

// --- own address ------------------------------------------------------------------

/** netgroups that must see this node at an address, and more than half of those that see it at any, until it is taken for its own. */
export const ownAddressGroups = 3
/** ms. After a connection came up or went, until the votes are counted: a mesh that forms is counted once. */
export const ownAddressMs = 1_000
/** ms. How often a node that no peer dials asks one to dial back, give or take half of it. */
export const dialBackEveryMs = 120_000
/** ms. Until an answer is no longer expected: a dial and a Hello, and the way there and back. */
export const dialBackAnswerMs = dialMs + helloMs + 5_000
/** ms. Minimum time between two questions to peers of one netgroup, and between two dials back to one asker. */
export const dialBackAgainMs = 600_000
/** ms. What an answer says holds for so long; and so does a peer that came in. */
export const dialBackFreshMs = 2 * 60 * 60_000
/** netgroups whose latest answer is kept. */
export const dialBackAnswers = 16
/** dials back under way at once, and how many begin per second in the long run and at once, for all askers together. */
export const dialBacks = 2
export const dialBackRate = { burst: 4, perSecond: 0.2 }
/** askers of which a node remembers when it dialled back: twice the places for peers. */
export const dialBackAskers = 256

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
/** Messages beside Hello that an end may send before it is up: pings while a Commit is held. */
export const messagesBeforeUp = 256

// --- sockets: the byte streams below --------------------------------------------

/** ms. Idle time before TCP keepalive probes: a last resort after our own `deadMs`; keeps NAT entries open. */
export const keepAliveDelayMs = 60_000
/** Connections waiting in the kernel for accept, and in the process for a handler; more are dropped (Linux's cap was 128). */
export const backlog = 128
/** ms. How often a listener checks that file descriptors are left: Node does not report an accept that failed for want of one. */
export const descriptorsMs = 1_000
/** bytes. A socket this far ahead of its reader stops reading, so that the peer's TCP window closes. */
export const readAheadBytes = 256 * 1024
/** Chunks a socket may read ahead: a chunk of one byte costs about a hundred bytes of memory. */
export const readAheadChunks = 1024

// --- TLS --------------------------------------------------------------------------

/** ms. First byte and TLS handshake of an inbound connection, each: five round trips of a bad link, and a slow machine. */
export const tlsHandshakeMs = 10_000
/** Inbound connections whose handshake is not done, at once; the oldest gives way. As `endsWithoutHello`, for the same reason. */
export const tlsHandshakes = 64
/** peers known by their key: as many as are known at all. Each takes some 150 bytes. */
export const pins = 4_096
/**
 * ms. Redial of an endpoint that speaks TLS where we do not: its operator or ours must act first, and the TIME network's nodes ban who
 * tries ten times without an hour of quiet.
 */
export const otherTransportMs = 3_660_000
/** ms. As `lingerMs`, for all that a closed TLS connection still holds: 32 MiB take a second of one core. */
export const lingerTlsMs = 5_000
/** ms. Pins are written at most this often: after a crash a peer met since is met for the first time again. */
export const pinsEveryMs = 1_000

// --- native wire ----------------------------------------------------------------

/** bytes. Network name in a Hello: printable ASCII; every name in use is shorter than 10. */
export const networkNameBytes = 32
/** bytes of UTF-8. Software name in a Hello: a name, a version and a platform. */
export const softwareBytes = 64
/** bytes of UTF-8. Text of a Reject: two sentences for an operator. */
export const rejectTextBytes = 256
/** Extensions of one Hello: more than any version will define, few enough to scan linearly. */
export const helloExtensions = 16
/** bytes. All extensions of one Hello with their headers, so that a Hello stays well within `frameBeforeUpBytes`. */
export const helloExtensionsBytes = 2048
/** bytes. Body of one `Peers`: `peersPerMessage` of the longest addresses take 13 KiB. Checked before the body is decoded. */
export const peersBodyBytes = 16 * 1024
/** bytes. A Data payload shorter than this is copied after its header (one buffer to write); a longer one stays a view. */
export const copyPayloadBytes = 4096
/** bytes. Short payloads sent together become one buffer of about this size: a quarter of `undrainedBytes`. */
export const dataBatchBytes = 64 * 1024
/** bytes. Shorter chunks of an incomplete frame are gathered, so that single bytes cost no more memory than themselves. */
export const gatherChunkBytes = 4096
/** bytes. Maximum frame buffer reused for the next frame: a batch of blocks. Longer ones are rare. */
export const spareFrameBytes = 256 * 1024
/** bytes. Maximum buffer in which short chunks are gathered. */
export const gatherBufferBytes = 16 * 1024

// --- TIME pair: what the daemon's own rules ask for -------------------------------

/** ms. The lower IP waits so long for the higher one's dial, which comes within 30 s where it knows us. The daemon's own number. */
export const timeFallbackMs = 180_000
/** ms. A refusal is silence: without an Ack within this our dial was refused. Ten round trips of a bad link; the daemon answers at once. */
export const timeAckMs = 10_000
/** ms. A peer that dialled us says its Handshake within this: the daemon's own number. */
export const timeHandshakeMs = 10_000
/** ms. Least time between two dials of one peer: four refusals within 60 s are a violation there. */
export const timeDialSpacingMs = 30_000
/** ms. Longest wait after failed dials that the peer never noticed. */
export const timeDialMostMs = 300_000
/** Dials that may each be a violation there (silence, a handshake that broke off): the fifth without a quiet hour is a ban. */
export const timeRisks = 4
/** ms. Violations are forgotten there after an hour without one; and a minute, for two clocks. */
export const timeForgivenMs = 3_660_000
/** ms. Retry of a peer of another network or version: nothing changes before someone upgrades. */
export const timeIncompatibleMs = 3_600_000 + timeForgivenMs
/** ms. No announcement so soon after a disconnect: within 30 s each is a violation there. */
export const timeAnnounceMs = 60_000

/**
 * Messages that this node sends to a daemon in so many ms at the most: half of what the daemon reads, whose own limit stands beside each. It
 * drops what is more without a word.
 */
export const timeRates = {
  /** 5. */
  peers: { most: 2, ms: 60_000 },
  /** 6. */
  masternodes: { most: 3, ms: 60_000 },
  /** 12. */
  masternodeList: { most: 6, ms: 60_000 },
  /** 3. */
  announcement: { most: 1, ms: 60_000 },
  /** 100: one page per `timePageMs` is 50. */
  pages: { most: 50, ms: 10_000 },
  /** 10. */
  block: { most: 5, ms: 1_000 },
  /** 500. */
  pageServed: { most: 250, ms: 1_000 },
  /** 100. */
  general: { most: 50, ms: 1_000 }
} as const

// --- TIME wire ------------------------------------------------------------------

/** bytes of UTF-8. A name, an address or a version in a TIME message: the longest in use have fewer than 60. */
export const timeTextBytes = 256
/** bytes. A certificate, a signature or a proof of collateral: 96 at most today. */
export const timeProofBytes = 512
/** bytes of UTF-8. Shown of a text for a person; the rest is dropped. */
export const timeWordsBytes = 512
/** entries of a list of addresses or masternodes: of all masternodes there are, many times over. */
export const timeListEntries = 4_096
/** blocks of one answer: the network's 50, and room for what earlier versions send. */
export const timeBlocks = 128
/** capabilities of a Version. */
export const timeCapabilities = 64

/** blocks of one page: the most that the daemon sends, and asks for. */
export const timePageBlocks = 50
/** ms. Least time between two pages: the daemon's own pace, and half of the requests that it reads. */
export const timePageMs = 200
/**
 * Pages in so many ms whose ends are both within so many heights of one another: half of the twenty from which on the daemon answers none and
 * counts a violation for each.
 */
export const timeAlikePages = 10
export const timeAlikeMs = 30_000
export const timeAlikeHeights = 100
/** ms. What is not answered by then is asked again: the daemon answers at once or, while it syncs itself, not at all. Below `stallFirstMs`. */
export const timeAnswerMs = 4_000
/** bytes of blocks that wait to be asked for, per peer: four of the longest blocks, or hundreds of pages of ordinary ones. */
export const timeKeptBytes = 16 * 1024 * 1024
/** Searches for the place where two chains part before a peer whose chain changes all the time is left for later. */
export const timeSearches = 3
/** ms. Each peer is asked for its tip this often: it announces a height without a hash, and no reorganisation. The daemon asks every 10 s. */
export const timeTipMs = 20_000
/**
 * ms. A peer of the TIME network whose blocks this node refuses is not disconnected: it may be right by rules of its own. It is not used for so long,
 * and then tried again.
 */
export const timeRefusedMs = 600_000

// --- liveness and retry -----------------------------------------------------------

/** Unanswered pings remembered per connection: a dead time's worth of pings and challenges. The oldest is dropped first. */
export const outstandingPings = 8
/** ms. Time to answer the ping that follows a stall of our own event loop: the longest probe. */
export const answerMs = 5_000
/** ms. Bounds on the retry delay that a peer's Reject asks for. */
export const retryMinMs = 500
export const retryMaxMs = 3_600_000
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

// --- protection -------------------------------------------------------------------

/** points. At so many a peer is banned. One proof that a peer lied about blocks is enough; so are five broken frames within half an hour. */
export const banScore = 100
export const offenceFalsePoints = 100
export const offenceFramePoints = 22
/** points. A flood is stopped by reading slowly, and may be a bug of a version: ten times within half an hour are a ban. */
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
export const evictionGroupsKnown = 1_024
/** dials per second to peers whose ban has ended. */
export const unbannedDialsPerSecond = 16

// --- log --------------------------------------------------------------------------

/** ms. Window in which the log bounds the lines of one kind. */
export const logWindowMs = 10_000
/** lines per window and kind that any remote host can trigger at will: 20 show what is going on without filling a disk. */
export const logLinesRemote = 20
/** lines per window and kind for Up and Down: all of `maxPeers` can drop and return twice. */
export const logLinesConnections = 500
/** lines about strangers, at once and per second, at Info and above: a mesh of 100 comes together twice; then some 40 MB a day. */
export const logStrangers = { burst: 500, perSecond: 1 }
/** lines per window and kind for pings, pongs and dials, which appear at Debug only. */
export const logLinesDebug = 10_000

/** bytes. Log output that waits for a slow reader or a held terminal; beyond it lines are dropped: some thousand lines. */
export const logPendingBytes = 256 * 1024
/** ms. How often waiting log output is tried again, and dropped lines are reported. */
export const logRetryMs = 1_000

// --- admin API ----------------------------------------------------------------------

/** bytes. Maximum body of a request: a list of a few hundred addresses. */
export const adminBodyBytes = 4 * 1024
/** bytes. Maximum headers of a request: a browser's cookies for the host fit. */
export const adminHeaderBytes = 8 * 1024
/** ms. A request must arrive whole within this. */
export const adminRequestMs = 10_000
/** Connections at once: an operator has a few. The oldest idle one gives way. */
export const adminConnections = 64
/** Requests of one connection at once: clients wait for the answer before they ask again. More end the connection. */
export const adminPipelined = 4
/** ms. An idle connection is closed after this; a reader of a reply that takes nothing for so long loses it. */
export const adminIdleMs = 5_000
export const adminReadMs = 10_000
/** ms. How long closing waits for responses in flight. */
export const adminShutdownMs = 500
/** ms. How long a client waits for an answer. A node answers in a few ms unless its event loop is busy. */
export const adminAnswerMs = 5_000

// --- headers-first sync -----------------------------------------------------------

/** headers per message (Bitcoin Core's number). */
export const headersPerMessage = 2_000
/** bytes of headers per message of more than one header: 2,000 typical ones take 320 KB; at most half a frame. */
export const headersBytes = 4 * 1024 * 1024
/** hashes of a locator: ten, then one per doubling; enough for chains of 2^50 blocks. */
export const locatorHashes = 64
/** bytes. A new block up to this size is pushed whole; a longer one is announced by height and hash. */
export const pushBlockBytes = 64 * 1024
/** bytes of blocks per response chunk of more than one block: a few milliseconds of work for the receiver. */
export const blocksPieceBytes = 64 * 1024
/** Queued requests of one peer; an honest one has `requestsPerPeer` and a few superseded ones in flight. */
export const serveQueue = 64
/** bytes. The next chunk is served when no more than this is queued for the peer: the pipe stays full, memory small. */
export const serveHighBytes = 1024 * 1024
/** ms. Minimum interval of answers with headers to one peer: 100,000 headers a second, and 15 % of a core if it asks all the time. */
export const serveHeadersEveryMs = 20

/** headers accepted ahead of what is stored, at most: 100 bytes each. */
export const headersAhead = 100_000
/** headers accepted of a branch before any of its blocks came: one full list, so that made-up ones cost us 200 KB a peer. */
export const headersUndelivered = 2_000
/** headers accepted further for each block that came: reading stays far ahead of the bodies. */
export const headersPerDelivered = 64
/** headers in the first request to a peer, and at least: 10 KB and 3 KB, which a link of 1,000 B/s carries in time. */
export const headersFirstRequest = 64
export const headersLeastRequest = 16
/** ms. A request for headers covers about as many as the peer sends in this time. */
export const headersTargetMs = 2_000
/** conversations about headers at once: one that stalls holds up none, and few lists come twice. */
export const headerConversations = 3
/** blocks requested or held ahead of the stored chain: keeps dozens of peers busy over a round trip. */
export const syncWindowBlocks = 4_096
/** blocks of a branch asked for before any came, and further for each that came: what a claim may cost grows with what was delivered. */
export const blocksUndelivered = 64
export const blocksPerDelivered = 4
/** blocks of a deep branch moved from memory to the disk at once: some hundred KB. */
export const stageBlocks = 500
/** bytes of bodies held out of order; beyond it, only the next blocks are requested. */
export const syncWindowBytes = 64 * 1024 * 1024
/** blocks per request: 124 KB of the smallest ones; a server may cut the answer by bytes. */
export const blocksPerRequest = 256
/** blocks in the first request to a peer whose speed is unknown; doubles while answers are fast. */
export const blocksFirstRequest = 16
/** blocks. Minimum request at the window's moving edge, so that a busy node with many peers sends few requests. */
export const blocksWorthAsking = 64
/** ms. A request covers about as many blocks as the peer sends in this time. */
export const requestTargetMs = 500
/** requests and blocks in flight per peer: one being sent, one in flight, the rest to fill the pipe. */
export const requestsPerPeer = 4
export const blocksInFlightPerPeer = 1_024
/** ms. Silence on a request after which other peers are asked: before the peer's pace is known, and the minimum and maximum after. */
export const stallFirstMs = 5_000
export const stallLeastMs = 2_000
export const stallMostMs = 60_000
/**
 * ms. Delay before asking a peer again for headers that were in the future by our clock: until the first of them is due, within these
 * bounds. The clock may be set right at any moment; what is asked for each time is 3 KB.
 */
export const futureRetryMs = 5_000
export const futureRetryMostMs = 15_000
/** An answer has stalled when it takes this many times what the peer's pace predicts. */
export const stallFactor = 4
/**
 * Waits in a row, each twice the last, without a whole block or header list, after which a peer is dropped: before it sent any (35 s),
 * and after (over two minutes). Bytes are no progress. One less for each time that its address was dropped before.
 */
export const stallsFirst = 3
export const stallsMost = 5
/**
 * ms and blocks. However many liars are connected, and whatever they claim, show and withhold: a node with one honest peer that answers is
 * not behind that peer's chain by more than so many blocks for longer than this (docs/decisions/0025): one wait for a late answer.
 */
export const liarsHoldUpMs = stallFirstMs
export const liarsHoldUpBlocks = 4
/** addresses whose faults are remembered, in memory: eight times the places. */
export const rememberedFaults = 1_024
/** ms. A peer that was dropped is not believed for this long when it returns; twice as long for each further time. */
export const probationMs = 30_000
/** ms. No peer is held off longer than this at a time. */
export const holdoffMostMs = 60 * 60_000
/** ms. A peer whose chain leaves ours too deep shows its headers again after this; twice as long each time. */
export const tooDeepRetryMs = 60_000
/** ms. A peer whose copy of a block cannot be used is asked again after this; twice as long each time in a row. */
export const copyRetryMs = 30_000
/** blocks in one chunk by which a peer makes up for a former fault: a made-up block is cheap, but not free. */
export const blocksForgiving = 16
/** Times in a row that a peer may lack a block whose header it sent: a reorg explains one. */
export const refusalsWithheld = 3

// --- chain store ------------------------------------------------------------------

/** blocks per commit: 2,000 typical ones are 1 MB, written and synced in about 10 ms; the most a kill can cost. */
export const storeBatchBlocks = 2_000
/** bytes of blocks per statement and commit of more than one block: what is copied at once on the way to the disk. */
export const storeBatchBytes = 16 * 1024 * 1024
/**
 * bytes of the one branch stored beside the chain: about 700,000 typical blocks, far more than `headersAhead` lets a peer show. A
 * longer branch is refused.
 */
export const branchBytes = 512 * 1024 * 1024
/**
 * bytes. A longer block has its header and the ids of its transactions in the store's index; a shorter one is read itself, which costs
 * about as much as an entry, and an entry for each of them would cost a tenth of sync.
 */
export const indexedBlockBytes = 4_096
/** bytes of a typical header: what is set aside for each when a list is made. */
export const headerTypicalBytes = 176
/** bytes. The store refuses a longer block as a bug: eight times the frame limit, so no valid block comes near. */
export const storeBlockBytes = 64 * 1024 * 1024 - 1
/** Recipients that a block's reward pays at least, unless the network has fewer active masternodes: a rule of the TIME network. */
export const rewardRecipients = 3
/** Ids of a block's transactions: up to this many, comparing each with each is faster than a set. */
export const txidsComparedInPairs = 8
/** rows per read of the database: about 5 ms of the event loop when they are hashes. */
export const storeReadRows = 5_000
/** rows and bytes per read of a scan of the whole chain: 2 ms of the event loop, half a frame. */
export const storeScanRows = 500
export const storeScanBytes = 4 * 1024 * 1024
/** ms. How long a statement waits for another process that holds the database; on the database's own thread. */
export const storeBusyMs = 5_000
/** ms. The same for a read, on the main thread: only the recovery after a kill can make one wait. */
export const storeReadBusyMs = 200
/** Statements a connection keeps prepared; the store has fewer than 20. */
export const storeStatements = 64
/** bytes. The write-ahead log is truncated to this after a long reorg. */
export const storeLogBytes = 64 * 1024 * 1024
/** bytes. Page size of a new database: 16 typical blocks; half the pages of SQLite's default, measurably faster to write. */
export const storePageBytes = 8_192
/** ms. Closing waits this long for the database's thread, then terminates it; committed data is safe either way. */
export const storeCloseMs = 4_000
/** Connections to a PostgreSQL server: one writes, the others read. */
export const storeConnections = 4
/**
 * bytes of a peer's answers that wait to be checked: eight pieces of blocks. With more, nothing is read from it until half of them are
 * done; one message may come on top.
 */
export const syncInboxBytes = 512 * 1024
/** ms. Time slice for queued sync messages before other work runs; a single message may take longer. */
export const syncTurnMs = 5
/** ms. A node that started from an empty disk accepts a reorg of any depth until this long after it was first in sync. */
export const settleAfterMs = 10 * 60_000
/** ms. Retry delay of a failed store (disk full, server gone). */
export const storeRetryMs = 10_000

/** ms. Taking the data directory's lock waits this long, for `status` looks at the lock for a moment. */
export const lockBusyMs = 250
/** ms. How often the holder of a lock sees whether its file is still there: a system call. */
export const lockLookMs = 1_000

// --- test producer ----------------------------------------------------------------

/** ms. A turn of the devnet's test producers: one block per turn. */
export const produceEveryMs = 2_000
/** ms. Shortest and longest turn: below the first, checking for it is the load; beyond the second, no test waits for a block. */
export const produceEveryLeastMs = 100
export const produceEveryMostMs = 86_400_000
/** ms. How often a producer checks whether its turn has come. */
export const produceBeatMs = 100
/** bytes per read of a file of blocks: about 500 blocks, whose validation takes 10 ms of the event loop. */
export const chainFileChunkBytes = 256 * 1024
/** Damaged databases kept beside the repaired one; beyond, a repair refuses until one is removed. */
export const damagedFiles = 99
/** ms. How often a fifo without a reader is tried again. */
export const fifoRetryMs = 100
/** synthetic blocks made at once: about 10 ms of the event loop. */
export const chainMakeBlocks = 250
/** ms. Sync progress: interval of the bar on a terminal, and of log lines elsewhere. */
export const progressBarMs = 250
export const progressLogMs = 10_000
/** ms. An unchanged progress line is logged at most this often. */
export const progressSameMs = 60_000
/** ms. Window of the displayed blocks per second: long enough for several commits, short enough to follow a change. */
export const progressRateMs = 5_000

// --- masternodes ------------------------------------------------------------------

/** ms. An announcement may be so far ahead of our clock: two clocks a minute off either way still agree. */
export const masternodeAheadMs = 120_000
/** ms. A masternode signs a new announcement this often, and an announcement holds for three such times: two may be lost. */
export const masternodeAnnounceMs = 600_000
export const masternodeExpiryMs = 3 * masternodeAnnounceMs
/** ms. How often what has changed of the registry is stored: a masternode signs anew ten times as seldom. */
export const masternodeStoreMs = 60_000
/** ms. An expired masternode is shown for a day, for operators who look for it. */
export const masternodeKeepMs = 24 * 60 * 60_000
/** announcements of one key that are passed on at once (a restart, a new port, a new address), and per second: one a minute. */
export const masternodePace = { burst: 5, perSecond: 1 / 60 }
/** Claims (key and IP) in all: many times the masternodes there are; some 2 MB, and a report of all takes 20 ms. */
export const masternodeClaims = 2_048
/** Claims dropped at once by a full registry: a search through all of them is paid for by so many. */
export const masternodesEvicted = 64
/** Keys that may claim one IP, and IPs that one key may claim: beyond a conflict of two nothing more is learnt. */
export const masternodesPerIp = 8
export const ipsPerMasternode = 4
/** Netgroups whose witnesses make a masternode live (the TIME network's number), and ms for which a report counts: two may be lost. */
export const witnessNetgroups = 3
export const witnessMs = 180_000
/** Witnesses kept of one masternode, and of one netgroup among them. */
export const witnessesPerMasternode = 16
export const witnessesPerNetgroup = 2
/** ms. A node reports what it is connected to at least this often, and after a change no sooner than the second after the last report. */
export const witnessEveryMs = 60_000
export const witnessSoonestMs = 2_000
/** reports of one peer that count at once, and per second: twice what an honest one sends. */
export const witnessPace = { burst: 8, perSecond: 1 }
/** masternodes in one report: twice the peers that a node is connected to by default. */
export const sightingsPerReport = 256
/** announcements in one frame: 10 KB. */
export const announcementsPerMessage = 64
/** ms. Announcements wait this long to be passed on together. */
export const masternodeBeatMs = 1_000
/**
 * announcements that one peer is sent, and is believed, at once and per second. All masternodes of today's network at once; then, from
 * 125 peers together, no more than one thread can verify. The receiver's is a little larger: clocks differ.
 */
export const announcementsOut = { burst: 256, perSecond: 8 }
export const announcementsIn = { burst: 320, perSecond: 10 }
/** announcements of one peer that wait to be verified; more are dropped. A few hundred bytes each. */
export const announcementsWaiting = 320
/** signatures verified at once, off the main thread: half of the four threads that Node has for such work. */
export const signaturesAtOnce = 2
/** proofs of a masternode on one connection that are looked at at once, and per second: an honest one sends one. */
export const masternodeProofs = { burst: 4, perSecond: 1 / 60 }
/** ms. How often a registry that did not change is searched for what time alone makes expire. */
export const masternodeLookMs = 10_000
/** conflicts that are remembered as reported: each is logged once while it lasts. */
export const masternodeConflictsTold = 256

// --- buffers of hashing and randomness ---------------------------------------------

/** bytes. Texts of a block up to this size are read by a loop over ASCII: it beats the call of a decoder. */
export const shortTextBytes = 64
/** bytes. First size of the buffer a transaction is hashed from: one with one input and one output takes less than half. */
export const txidBufferBytes = 1024
/** bytes. A buffer of transaction hashing that grew beyond this is not kept for the next. */
export const txidSpareBytes = 64 * 1024
/** bytes. Nonces come from a block of random bytes of this size, so that a handshake costs no system call. */
export const entropyBlockBytes = 4_096

// --- soak and leak tests ----------------------------------------------------------

/** ms. Sampling interval of a soak: often enough for a slope, rare enough not to disturb what it measures. */
export const soakSampleMs = 10_000
/**
 * KiB. Permitted memory growth of a node in the second half of a soak: per minute (90 MiB a day, which an operator would
 * notice), and once (what a heap gains before its first full collection).
 */
export const soakGrowthPerMinuteKib = 64
export const soakGrowthOnceKib = 8 * 1024
/** Standard errors by which growth must exceed the permitted: samples of one process are not independent. */
export const soakSigmas = 3
/** File descriptors by which a node's last sample may exceed its first: a request or a dial in flight. */
export const soakFdSlack = 4
/** ms. Interval between faults of a soak: longer than any recovery. */
export const soakFaultEveryMs = 30_000
/** ms. Pauses of a process: one that no peer may take for a death, and one beyond `deadMs` that every peer must. */
export const soakPauseShortMs = 8_000
export const soakPauseLongMs = deadMs + 15_000
/** ms. No fault this close to the end: the last recovery must fit. */
export const soakQuietEndMs = 12_000

// --- testnet of processes ---------------------------------------------------------

/** ms. Every node of a testnet is asked this often, and a sample waits this long for an answer: less, so that samples do not queue. */
export const testnetSampleMs = 1_000
export const testnetAnswerMs = 900
/** ms. How often a testnet looks whether it is whole: before its partition begins, and while its end waits. */
export const testnetLookMs = 250
/** ms. The end waits this long for a recovery that is not over, or for one tip. */
export const testnetPatienceMs = 4_000
/** ms. From a kill to the respawn, and by when the killed node must be connected with every other again. */
export const testnetRespawnMs = 1_000
export const testnetRecoveryMs = 10_000
/** ms. No kill so shortly before the end: the last recovery must fit. */
export const testnetQuietEndMs = 12_000
/** ms. A node that does not stop on SIGTERM by then is killed. It closes within `closeMs` when peers do not answer; on one machine they do. */
export const testnetStopMs = 4_000
/** s. Extra time of a partitioned testnet: to connect before, and to agree afterwards. */
export const testnetPartitionRoomSeconds = 12
/** s. Each half of a partitioned testnet makes a block every 2 s, and no node follows a reorg deeper than 100 blocks. */
export const testnetPartitionMaxSeconds = 180
/** ms. The ends of a connection that a testnet cut may notice it this long after the cut has healed. */
export const testnetCutNoticeMs = 1_000
