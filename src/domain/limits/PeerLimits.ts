/** Bounds and defaults, with unit and reason: queues and tables of peers, the peer book, discovery, masternodes. Import them from `Limits`. */
import { dialMs, helloMs } from "./PairLimits.ts"

// --- queues, tables, buffers -----------------------------------------------------

/** events. A reader of the event stream that falls further behind loses the oldest. */
export const eventBuffer = 4_096
/** messages. A reader of a channel's stream that falls further behind ends with `Lagged`. */
export const streamBuffer = 16_384
/**
 * bytes. `send` waits while more than this is queued for a peer: four writes ahead. More would not help throughput and would overflow the
 * CPU caches.
 */
export const outboxHighBytes = 1024 * 1024
/** bytes. Above this the peer is not reading and is disconnected (`outbox-full`). */
export const outboxBytes = 32 * 1024 * 1024
/** bytes. The same for control frames: thousands of unread pongs. */
export const outboxControlBytes = 256 * 1024
/**
 * bytes. Messages held for an application that does not receive on their channel yet, over all peers and per peer: a frame of maximum
 * length fits. Messages beyond are dropped and logged. Each counts `heldMessageBytes` in addition to its size.
 */
export const heldBytes = 8 * 1024 * 1024
export const heldBytesPerPeer = 1024 * 1024
export const heldMessageBytes = 256
/** Consecutive failures of a receiver on one peer's messages after which it gets no more of them: the first may be bad luck. */
export const handlerFailures = 3
/** peers. Rows of the peer table; beyond it, the unconnected, unconfigured row with the most failures is evicted. Bitcoin's addr cap × 4. */
export const knownPeers = 4_096
/** peers that an operator may name: half the table, so that learned addresses have room. More are a start-up error. */
export const configuredPeers = 2_048
/** addresses per `Peers` message: what a new peer learns at once; covers the peers of a full node. */
export const peersPerMessage = 256
/** addresses that a full node sends to a peer it refuses: a frame before Up has room for twice as many. */
export const peersOnRefusal = 64
/**
 * addresses. New addresses accepted from one peer at once, and per second after that: a full message, then Bitcoin Core's rate. The rest
 * are ignored: an honest peer's gossip fits, and a hostile peer's thousands do not fill the table.
 */
export const newAddresses = 256
export const newAddressesPerSecond = 0.1
/** Alternative ports remembered per peer besides the latest: a second process behind its address may have announced its own. */
export const otherPorts = 2
/** addresses of the book, known to be good, that a node dials when it starts: twice the peer limit. */
export const storedPeers = 256
/** bytes. Maximum size of peers.json, node.json and a config file: 256 of the longest addresses take 14 KiB. */
export const smallFileBytes = 1024 * 1024
/** ms. Minimum time between two writes of the peer book. */
export const storeEveryMs = 10_000
/** rows of the peer table for addresses known by gossip only: each dialled once a minute, they take half of the dials. */
export const candidates = 512
/** Failed dials after which such a row makes way for an address not dialled yet: the book keeps it. */
export const candidateTries = 1
/** ms. How often the node searches its book for further addresses to dial. */
export const seekEveryMs = 10_000
/**
 * rows of undialled addresses up to which such a search adds more; and the size of the first search, when nothing else is known. Fewer than
 * are dialled until the next search even if none answers, so that gossip received meanwhile does not wait behind them.
 */
export const seekRows = 32
export const seekFirstRows = 128
/** ms. Mean time between two dials of a full node that only test an address of its book (Bitcoin Core's feelers). */
export const feelerEveryMs = 120_000
/** Draws from the book for such a dial: in a small book, many may be connected already. */
export const feelerDraws = 16
/** ms. Mean time between two address requests to one of its peers. */
export const askEveryMs = 600_000
/**
 * ms. A node with free places and no address to try asks a peer again after this long, twice as long each time; and maximum requests to one
 * peer: a peer answers twice as many.
 */
export const askNeedyMs = 30_000
export const askNeedyTimes = 5
/**
 * answers with addresses to one peer at once, and the time after which one more is allowed, ms. An honest peer asks half as often, and once
 * more per restart, so that one in a crash loop still learns of others.
 */
export const peerAnswers = 10
export const peerAnswerEveryMs = 300_000
/** The share of its tried addresses that a node gives out (Bitcoin Core's number), and the minimum number that it always gives out. */
export const toldShare = 0.23
export const toldLeast = 64
/** ms. That selection stays the same for this long, for every peer: asking often, or from many addresses, reveals no more of the book. */
export const toldSameMs = 24 * 60 * 60_000

// --- peer book --------------------------------------------------------------------

/** Buckets and their slots, new and tried (Bitcoin Core's numbers): 81,920 addresses, at most 20 MB. */
export const bookNewBuckets = 1_024
export const bookTriedBuckets = 256
export const bookBucketSlots = 64
/** New buckets that gossip from one netgroup can reach, and tried buckets that one netgroup's addresses can reach (Bitcoin Core's). */
export const bookBucketsPerSource = 64
export const bookBucketsPerGroup = 8
/** Places in the new table open to an address of the operator's own list; it takes the first free one. */
export const bookOperatorPlaces = 16
/** ms. An address not heard of for this long is dropped first (Bitcoin Core: 30 days). */
export const bookHorizonMs = 30 * 24 * 60 * 60_000
/** Failed dials after which an address is dropped first: if it never answered; and if it has not answered for the following time, ms. */
export const bookFirstFailures = 3
export const bookFailures = 10
export const bookFailuresMs = 7 * 24 * 60 * 60_000
/** ms. An address dialled within the first time is never dropped; one dialled within the second is rarely picked again. */
export const bookJustTriedMs = 60_000
export const bookRecentMs = 600_000
/** Newcomers to the tried table waiting for a test of the address in their slot; and how long that may take, ms (Bitcoin Core's). */
export const bookTests = 10
export const bookTestMs = 40 * 60_000
/** ms. A holder that answered within this time needs no test (Bitcoin Core: 4 hours). */
export const bookTestGoodMs = 4 * 60 * 60_000
/** ms. A repeated address is recorded at most this often, so that gossip does not keep the disk busy. */
export const bookSeenEveryMs = 60 * 60_000
/** ms. An inbound peer counts as tried after a connection this long: that it listens is only its claim. */
export const bookInboundMs = 60_000
/** The last good peers, dialled first after a restart: enough that some of them still answer. */
export const anchors = 8
/** Lowest port that systems give to outgoing connections (Linux; IANA's range begins at 49152): nodes listen below it. */
export const ephemeralPortLeast = 32_768
/** characters shown of a refused entry in a list of peers: the longest address fits. */
export const refusedTextCharacters = 80
/** entries of a JSON list not found in its text, after which line numbers are no longer looked up: each costs a search of the whole text. */
export const addressListMisses = 64
/** characters. A longer text is not an address: IPv6 with brackets and a port has 54. */
export const addressCharacters = 128
/** bytes. Maximum size of a list of peers to import: a million entries. */
export const addressListBytes = 64 * 1024 * 1024
/** addresses gossiped or dialled since the book was last stored, after which it is stored even if no peer came up. */
export const bookUnsaved = 64
/** rows written by one statement of the book's database: within SQLite's bound of variables. */
export const bookRowsPerWrite = 500

// --- outbound connections by netgroup, and seeds -----------------------------------

/**
 * ms. Delay before one more dial to a netgroup, counted from the last dial there, for each outbound connection to it. The first dial is
 * immediate, and filling 125 places from one netgroup takes over an hour. In private networks each address is its own netgroup.
 */
export const sameGroupMs = 500
/**
 * ms. Delay after start before a node without a peer and with an empty book asks its seeds; later if it has addresses to try (Bitcoin Core:
 * 11 s).
 */
export const seedFirstMs = 1_000
export const seedLaterMs = 11_000
/** ms. A node without a peer asks its seeds again after this long, doubling up to the maximum; ± a quarter. */
export const seedAgainMs = 60_000
export const seedMaxMs = 3_600_000
/** ms. Maximum time to resolve one name. */
export const seedResolveMs = 10_000
/** addresses of one seed's answer that are used, drawn from all (Bitcoin Core: 256 over all its seeds). */
export const seedAddresses = 64
/** seeds that an operator may name. */
export const seeds = 64
/** characters of a host name (RFC 1035). */
export const hostNameCharacters = 253

// --- own address ------------------------------------------------------------------

/** netgroups that must see this node at an address before it counts as its own; they must also be more than half of those that see it anywhere. */
export const ownAddressGroups = 3
/** ms. Delay between a connection change and counting the votes, so that a mesh that forms is counted once. */
export const ownAddressMs = 1_000
/** ms. How often a node that no peer dials asks a peer to dial back, ± half of it. */
export const dialBackEveryMs = 120_000
/** ms. Timeout of an answer: a dial and a Hello, and the round trip. */
export const dialBackAnswerMs = dialMs + helloMs + 5_000
/** ms. Minimum time between two requests to peers of one netgroup, and between two dials back to one asker. */
export const dialBackAgainMs = 600_000
/** ms. How long an answer is valid; an inbound peer counts for as long. */
export const dialBackFreshMs = 2 * 60 * 60_000
/** netgroups whose latest answer is kept. */
export const dialBackAnswers = 16
/** dials back in flight at once, and how many start per second in the long run and at once, for all askers together. */
export const dialBacks = 2
export const dialBackRate = { burst: 4, perSecond: 0.2 }
/** askers for which a node remembers when it dialled back: twice the peer limit. */
export const dialBackAskers = 256

// --- masternodes ------------------------------------------------------------------

/** ms. How far an announcement may be ahead of our clock: two clocks a minute off either way still agree. */
export const masternodeAheadMs = 120_000
/** ms. A masternode signs a new announcement this often, and an announcement is valid for three such times: two may be lost. */
export const masternodeAnnounceMs = 600_000
export const masternodeExpiryMs = 3 * masternodeAnnounceMs
/** ms. How often changes to the registry are stored: a masternode signs anew a tenth as often. */
export const masternodeStoreMs = 60_000
/** ms. An expired masternode is shown for a day, for operators looking for it. */
export const masternodeKeepMs = 24 * 60 * 60_000
/** announcements of one key that are relayed at once (a restart, a new port, a new address), and per second: one a minute. */
export const masternodePace = { burst: 5, perSecond: 1 / 60 }
/** Claims (key and IP) in all: many times the existing masternodes; about 2 MB, and a full report takes 20 ms. */
export const masternodeClaims = 2_048
/** Claims evicted at once from a full registry, to spread the cost of searching all of them. */
export const masternodesEvicted = 64
/** Keys that may claim one IP, and IPs that one key may claim: beyond a conflict of two, more claims add nothing. */
export const masternodesPerIp = 8
export const ipsPerMasternode = 4
/** IPs reported by peers of the TIME network, and entries read from one list: the network's daemon sends and reads 64. */
export const toldMasternodes = 1_024
export const toldPerMessage = 64
/** Netgroups whose witnesses make a masternode live (the TIME network's number), and ms for which a report counts: two may be lost. */
export const witnessNetgroups = 3
export const witnessMs = 180_000
/** Witnesses kept per masternode, and per netgroup among them. */
export const witnessesPerMasternode = 16
export const witnessesPerNetgroup = 2
/** ms. A node reports its connections at least this often, and after a change no sooner than the second after the last report. */
export const witnessEveryMs = 60_000
export const witnessSoonestMs = 2_000
/** reports of one peer that count at once, and per second: twice what an honest peer sends. */
export const witnessPace = { burst: 8, perSecond: 1 }
/** masternodes in one report: twice the default peer limit. */
export const sightingsPerReport = 256
/** announcements in one frame: 10 KB. */
export const announcementsPerMessage = 64
/** ms. Announcements wait this long to be relayed together. */
export const masternodeBeatMs = 1_000
/**
 * announcements sent to one peer, and accepted from one, at once and per second. All masternodes of today's network at once; then, from 125
 * peers together, no more than one thread can verify. The receiver's limit is a little larger because clocks differ.
 */
export const announcementsOut = { burst: 256, perSecond: 8 }
export const announcementsIn = { burst: 320, perSecond: 10 }
/** announcements of one peer waiting to be verified; more are dropped. A few hundred bytes each. */
export const announcementsWaiting = 320
/** signatures verified at once, off the main thread: half of the four threads that Node has for such work. */
export const signaturesAtOnce = 2
/** masternode proofs examined on one connection at once, and per second: an honest peer sends one. */
export const masternodeProofs = { burst: 4, perSecond: 1 / 60 }
/** ms. How often an unchanged registry is searched for entries that have expired. */
export const masternodeLookMs = 10_000
/** conflicts remembered as reported: each is logged once while it lasts. */
export const masternodeConflictsTold = 256

/** Nesting depth of a list of peers inside objects that contain no other possible list: exports of other programs wrap it once or twice. */
export const addressListDepth = 4
/** connections. An IP with at most this many recent ones counts as one that did not connect recently: a restart takes two or three. */
export const inboundFew = 4
