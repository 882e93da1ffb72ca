/** Bounds and defaults, with unit and reason: queues and tables of peers, the peer book, discovery, masternodes. Read them by way of `Limits`. */
import { dialMs, helloMs } from "./PairLimits.ts"

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
/** addresses that a full node gives a peer that it turns away: a frame before Up has room for as many again. */
export const peersOnRefusal = 64
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
 * ms. A node that has places left and no address to try asks a peer again after so long, twice as long each time, and questions to one peer in all:
 * a peer answers twice as many.
 */
export const askNeedyMs = 30_000
export const askNeedyTimes = 5
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
/** entries of a JSON list that are not found in its text, until lines are no longer looked for: each costs a search through all of it. */
export const addressListMisses = 64
/** characters. A longer text is no address: one of IPv6 with brackets and a port has 54. */
export const addressCharacters = 128
/** bytes. Maximum size of a list of peers to import: a million entries. */
export const addressListBytes = 64 * 1024 * 1024
/** addresses that were told or dialled since the book was stored, from which on it is stored although no peer came up. */
export const bookUnsaved = 64
/** rows written by one statement of the book's database: within SQLite's bound of variables. */
export const bookRowsPerWrite = 500

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
/** IPs of which peers of the TIME network told, and entries that are taken of one list: its daemon sends and reads 64. */
export const toldMasternodes = 1_024
export const toldPerMessage = 64
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
