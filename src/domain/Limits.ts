/**
 * Every bound and default of the node, each with its unit and its reason. "Rule" timers belong to the rule version of the
 * pair protocol and are not configurable: one side's wait must exceed the other's hold.
 */

// Those of simulations are a room of their own.
export * from "../simulation/plan/Limits.ts"

// --- pair protocol: rule timers -----------------------------------------------

/** ms. A peer that connected must have sent its Hello by then. Five round trips of a bad link. */
export const helloMs = 5_000
/** ms. Ack must follow Commit by then. */
export const commitMs = 5_000
/**
 * ms. Least and most time a challenged end has to answer; in between 4 × smoothed RTT. The least is well over `quietMs`, so
 * that a live end whose Pong is stuck behind a long frame has time to be heard (docs/decisions/0003).
 */
export const probeMinMs = 2_000
export const probeMaxMs = 5_000
/** ms. Most time the higher peer gives its live end when another process commits (rule H2): our Ack must beat L's `commitMs`. */
export const probeHigherMaxMs = 3_000
/** ms. A challenge that has not left our outbox by then counts as sent. */
export const probeQueuedMs = 5_000
/** ms. The same while another process's Commit waits (rule H2): with `probeHigherMaxMs` still less than L's `commitMs`. */
export const probeHigherQueuedMs = 1_000
/** ms. From then on after a challenge was sent, any received byte is an answer (before, it may have been under way). */
export const quietMs = 1_000
/** ms. At most one challenge starts per peer in this time, so that challengers cannot be used to flood a live end. */
export const challengeSpacingMs = 5_000
/** ms. H waits this long for Commit or Reject: longer than the longest hold of a challenger (spacing + probe = 10 s). */
export const waitMs = 12_000
/** ms. A closing end that sent a Reject reads on this long, so that a reset does not destroy the reason. */
export const lingerMs = 1_000

// --- pair protocol: configurable ----------------------------------------------

/** ms. A dial that has not connected by then failed (Bitcoin Core's value). */
export const dialMs = 5_000
/** ms. L holds H's dial this long for its own dial to arrive. */
export const graceMs = 500
/** ms. H waits this long, plus up to `fallbackJitterMs`, for L before dialling itself. */
export const fallbackMs = 3_000
export const fallbackJitterMs = 2_000
/** ms. The same on first contact with a configured peer, or when the rank is unknown, or when only H can dial. */
export const fallbackFirstMs = 500
export const fallbackFirstJitterMs = 500
/** ms. A ping goes out this often on every connection, both ends. */
export const pingMs = 15_000
/** ms. A connection on which no byte came for this long is down (`silent`). More than twice `pingMs`. */
export const deadMs = 45_000
/** ms. First and greatest redial delay; doubles per failure, full jitter 50–100 %. */
export const backoffBaseMs = 1_000
export const backoffMaxMs = 300_000
/** ms. An Up shorter than this counts as a failure for the backoff. */
export const stableMs = 5_000

// --- sockets and ends -----------------------------------------------------------

/** Ends (connections and attempts) of one pair; the K of the exhaustive search. A fifth inbound closes the oldest without Hello. */
export const endsPerPair = 4
/** Ends without Hello per node, so that strangers who say nothing cost a bounded amount of memory. */
export const endsWithoutHello = 64
/** Peers up at once (Bitcoin Core's default order). */
export const maxPeers = 125
/** Dials under way at once: enough to fill 125 slots in seconds, too few to look like a scan. */
export const maxDials = 16
/** Part of those that addresses may take which others only told of: the rest is for peers we know to exist. */
export const hearsayDials = 0.75

// --- frames ---------------------------------------------------------------------

/** bytes. Frame bound (kind and body) before Up: a Hello fits many times over; a native stream so begins `00 00`. */
export const frameBeforeUpBytes = 4 * 1024
/** bytes. Frame bound after Up: the TIME network's own frame bound. */
export const frameBytes = 8 * 1024 * 1024
/** ms. A frame once begun must end within this time. */
export const frameMs = 120_000
/** bytes. Bulk handed to a socket undrained, so that a control frame never waits behind more; fits the CPU caches. */
export const undrainedBytes = 256 * 1024

// --- queues, tables, buffers -----------------------------------------------------

/** events. A reader of the event stream further behind loses the oldest. */
export const eventBuffer = 4_096
/** messages. A reader of an application channel's stream further behind ends with `Lagged`. */
export const streamBuffer = 16_384
/** bytes. `send` waits while more than this is queued for a peer. Two full frames. */
export const outboxHighBytes = 16 * 1024 * 1024
/** bytes. A peer for whom more than this would be queued does not read: it is disconnected (`outbox-full`). */
export const outboxBytes = 32 * 1024 * 1024
/** bytes. The same for control frames: thousands of unread pongs. */
export const outboxControlBytes = 256 * 1024
/** peers. Rows of the peer table; beyond, the unconnected one that failed most and that nobody configured goes. Bitcoin's addr cap × 4. */
export const knownPeers = 4_096
/** addresses per `Peers` message: what a newcomer learns at once; covers a full node's peers. */
export const peersPerMessage = 256
/**
 * addresses. New ones that one peer may tell us of at once, and per second after that: a full message, then Bitcoin Core's rate.
 * More are passed over; an honest peer's news fit, and a liar's thousands do not fill the table.
 */
export const newAddresses = 256
export const newAddressesPerSecond = 0.1
/** Ports beside the latest at which a peer was said to listen: a second process behind its address may have told of its own. */
export const otherPorts = 2
/** addresses. Good ones kept in the data directory. */
export const storedPeers = 256
/** ms. The data directory's addresses are written at most this often. */
export const storeEveryMs = 10_000
/** ms. Peers that come up within this time are told to the others in one message. */
export const gossipMs = 20
/** ms. On closing a node, time beyond `lingerMs` for last words to get out. */
export const closeGraceMs = 500
/** ms. Closing a node may take this long. */
export const closeMs = 5_000
/** ms. A dial that isolation holds back looks this often whether that is over. */
export const isolatedRedialMs = 250
/** ms. Lag below this is ordinary scheduling, not counted. */
export const lagFloorMs = 100

// --- sockets: the byte streams below --------------------------------------------

/** ms. Idle time before TCP keepalive probes: a last resort, our own `deadMs` comes first; keeps NAT entries open. */
export const keepAliveDelayMs = 60_000
/** Connections that may wait, in the kernel for accept and in the process for a handler; more are dropped (Linux's cap was 128). */
export const backlog = 128
/** bytes. A socket that has read this much ahead of its reader stops reading, so that the peer's window closes. */
export const readAheadBytes = 256 * 1024
/** Chunks a socket may read ahead: one byte each costs some hundred bytes of memory. */
export const readAheadChunks = 1024

// --- native wire ----------------------------------------------------------------

/** bytes. Network name in a Hello: printable ASCII; every name in use is shorter than 10. */
export const networkNameBytes = 32
/** bytes of UTF-8. Software name in a Hello: a name, a version and a platform. */
export const softwareBytes = 64
/** bytes of UTF-8. Text of a Reject: two sentences for an operator. */
export const rejectTextBytes = 256
/** Extensions of one Hello: more than any version will name, few enough to be scanned by hand. */
export const helloExtensions = 16
/** bytes. All extensions of one Hello with their heads, so that a Hello stays well within `frameBeforeUpBytes`. */
export const helloExtensionsBytes = 2048
/** bytes. Body of one `Peers`: `peersPerMessage` of the longest addresses take 13 KiB. Checked before the body is decoded. */
export const peersBodyBytes = 16 * 1024
/** bytes. A Data payload shorter than this is copied behind its header (one buffer to write); a longer one stays a view. */
export const copyPayloadBytes = 4096
/** bytes. Chunks shorter than this are gathered while a frame is incomplete, so that a drip of single bytes costs no more than its bytes. */
export const gatherChunkBytes = 4096
/** bytes. Greatest buffer of a frame that is used again for the next one: a batch of blocks. Longer ones are rare. */
export const spareFrameBytes = 256 * 1024
/** bytes. Greatest buffer in which short chunks are gathered. */
export const gatherBufferBytes = 16 * 1024

// --- liveness and retry -----------------------------------------------------------

/** Pings of one connection that wait for their pong: a dead time's worth of pings and challenges. The oldest gives way. */
export const outstandingPings = 8
/** ms. After a ping asked for because our own loop was late, a peer has this long to answer: the longest probe. */
export const answerMs = 5_000
/** ms. A wait a peer asks for is never shorter or longer than this, whatever it says. */
export const retryMinMs = 500
export const retryMaxMs = 3_600_000
/** Part of the wait a peer asks for that is added at most by chance, so that many who were refused do not come back at once. */
export const retryJitter = 0.25
/** ms. What we ask of a peer we refuse, by reason. `in-use` doubles per refusal, from the first to the second. */
export const retryDuplicateMs = 1_000
export const retryInUseMs = 5_000
export const retryInUseMaxMs = 300_000
export const retryFullMs = 60_000
export const retryIncompatibleMs = 600_000
export const retryShutdownMs = 2_000
/** ms. The peer stops dialling by itself while its other connection is up; the time matters only if it does not know that one. */
export const retryAliasMs = 60_000
/** ms. Somebody disconnected the peer by hand: coming back at once would undo it. */
export const retryOperatorMs = 300_000
/** ms. Evicted to make room: as `full`. */
export const retryEvictedMs = 60_000
/** ms. A broken rule is a bug or a mix-up: worth another try, not a fast one. */
export const retryProtocolMs = 60_000

// --- log --------------------------------------------------------------------------

/** ms. Window over which the log counts lines of one kind. */
export const logWindowMs = 10_000
/** lines per window and kind. Strangers can cause these lines at will; 20 show what happens without filling a disk. */
export const logLinesStrangers = 20
/** lines per window and kind for Up and Down: all of `maxPeers` can fall and come back twice. */
export const logLinesConnections = 500
/** lines per window and kind for pings, pongs and dials, which show only at Debug. */
export const logLinesDebug = 10_000

// --- headers-first sync -----------------------------------------------------------

/** headers per message (Bitcoin Core's number). */
export const headersPerMessage = 2_000
/** bytes of headers per message, as far as more than one is in it: 2,000 usual ones take 320 KB; half a frame at most. */
export const headersBytes = 4 * 1024 * 1024
/** hashes of a locator: ten, then one per doubling; enough for chains of 2^50 blocks. */
export const locatorHashes = 64
/** bytes. A new block up to this size is pushed to peers; of a longer one they are told height and hash. */
export const pushBlockBytes = 64 * 1024
/** bytes of blocks in one piece of an answer, as far as more than one is in it: some milliseconds of work at the receiver. */
export const blocksPieceBytes = 64 * 1024
/** requests of one peer that wait to be served; an honest one has `requestsPerPeer` and a few void ones under way. */
export const serveQueue = 64
/** bytes. The next piece is served when no more than this waits for the peer: the pipe stays full, and memory small. */
export const serveHighBytes = 1024 * 1024

/** headers beyond what is stored that are read: a peer that makes them up can cost us 6 MB. */
export const headersAhead = 100_000
/** blocks beyond what is stored that may be asked for or held: keeps dozens of peers busy over a round trip. */
export const syncWindowBlocks = 4_096
/** bytes of bodies held out of order; beyond, only what comes next is asked for. */
export const syncWindowBytes = 64 * 1024 * 1024
/** blocks per request: 124 KB of the smallest ones, which a server may cut short by bytes. */
export const blocksPerRequest = 256
/** blocks in the first request to a peer whose speed is unknown; doubles while answers are fast. */
export const blocksFirstRequest = 16
/** blocks. Fewer at the window's moving edge wait for more, so that a busy node with many peers sends few requests. */
export const blocksWorthAsking = 64
/** ms. A request asks a peer for about as many blocks as it sends in this time. */
export const requestTargetMs = 500
/** requests and blocks in flight per peer: one being sent, one under way, the rest of the pipe. */
export const requestsPerPeer = 4
export const blocksInFlightPerPeer = 1_024
/** ms. Silence on a request after which others are asked instead, before the peer's pace is known; its least and its most. */
export const stallFirstMs = 5_000
export const stallLeastMs = 2_000
export const stallMostMs = 60_000
/** ms. So long after a peer showed blocks that are in the future, by our clock, it is asked for them again. */
export const futureRetryMs = 5_000
/** An answer is late when it takes so many times what the peer's pace lets expect. */
export const stallFactor = 4
/** Stalls in a row, each wait twice the last, without a byte of an answer, that make a peer unresponsive: over a minute. */
export const stallsUnresponsive = 5
/** Times in a row a peer may lack a block whose header it showed us: a reorg explains one. */
export const refusalsWithheld = 3

// --- chain store ------------------------------------------------------------------

/** blocks per commit: 2,000 usual ones are 1 MB, written and synced in some 10 ms; what a kill can cost at most. */
export const storeBatchBlocks = 2_000
/** bytes of blocks per statement and commit, as far as more than one is in it: what is copied at once on its way to the disk. */
export const storeBatchBytes = 16 * 1024 * 1024
/** bytes. The store refuses a longer block as a bug: eight times the longest frame, so no valid one comes near. */
export const storeBlockBytes = 64 * 1024 * 1024 - 1
/** rows read from the database in one go: some 5 ms of the event loop when they are hashes. */
export const storeReadRows = 5_000
/** rows and bytes read in one go when the whole chain is read through: 2 ms of the event loop, half a frame. */
export const storeScanRows = 500
export const storeScanBytes = 4 * 1024 * 1024
/** ms. How long a statement waits for another process that holds the database, on the database's own thread. */
export const storeBusyMs = 5_000
/** ms. The same for a read, which is on the main thread: only the repair after a kill can make one wait. */
export const storeReadBusyMs = 200
/** Statements a connection keeps prepared; the store has fewer than 20. */
export const storeStatements = 64
/** bytes. The write-ahead log is cut back to this after a long reorganisation. */
export const storeLogBytes = 64 * 1024 * 1024
/** bytes. Page of a new database: 16 usual blocks; half the pages of SQLite's default, measurably faster to write. */
export const storePageBytes = 8_192
/** ms. Closing waits this long for the database's thread, then ends it; what was committed is safe either way. */
export const storeCloseMs = 4_000
/** Connections to a PostgreSQL server: one writes, the others read. */
export const storeConnections = 4
/** ms. What peers said is handled for so long, then everything else has a turn; a single message may take longer. */
export const syncTurnMs = 5
/** ms. A node from an empty disk takes a better chain however deep until this long after it was first in sync. */
export const settleAfterMs = 10 * 60_000
/** ms. A store that failed (disk full, server gone) is tried again after this. */
export const storeRetryMs = 10_000

// --- test producer ----------------------------------------------------------------

/** ms. A turn of the devnet's test producers: one block. */
export const produceEveryMs = 2_000
/** ms. How often a producer looks whether it is its turn. */
export const produceBeatMs = 100
/** bytes read from a file of blocks at once: some 500 blocks, whose check takes 10 ms of the event loop. */
export const chainFileChunkBytes = 256 * 1024
/** blocks made at once for a file: some 10 ms of the event loop. */
export const chainMakeBlocks = 250
/** ms. Progress of sync: how often the bar on a terminal is redrawn, and a line logged elsewhere. */
export const progressBarMs = 250
export const progressLogMs = 10_000
/** ms. A progress line that says what the last one said is left out for so long. */
export const progressSameMs = 60_000
/** ms. Blocks per second are those of this time: long enough for several commits, short enough to follow a change. */
export const progressRateMs = 5_000

// --- soak and leak tests ----------------------------------------------------------

/** ms. A soak looks at every process this often: often enough for a slope, too rarely to be what it measures. */
export const soakSampleMs = 10_000
/**
 * KiB. What a node's memory may grow in the second half of a soak: so much per minute (90 MiB a day, by when an operator
 * would notice), and once the size that a heap takes on before its first full collection.
 */
export const soakGrowthPerMinuteKib = 64
export const soakGrowthOnceKib = 8 * 1024
/** Standard errors by which growth must exceed what is allowed: samples of one process are not independent. */
export const soakSigmas = 3
/** File descriptors by which a node's last sample may exceed its first: a request or a dial that was under way. */
export const soakFdSlack = 4
/** ms. Between two faults of a soak: longer than any recovery. */
export const soakFaultEveryMs = 30_000
/** ms. Pauses of a process: one that nobody may take for a death, and one that outlasts `deadMs` and everybody must. */
export const soakPauseShortMs = 8_000
export const soakPauseLongMs = deadMs + 15_000
/** ms. No fault so shortly before the end: the last recovery must fit. */
export const soakQuietEndMs = 12_000

// --- simulation: hostile peers ------------------------------------------------------

/**
 * frames and bytes per second that a simulated stranger sends in the long run (600 frames and 1.9 MB a minute), and ms of
 * both that it may send at once after it was quiet: bursts that hurt, and simulations that stay fast.
 */
export const hostileFramesPerSecond = 10
export const hostileBytesPerSecond = 32 * 1024
export const hostileBurstMs = 30_000
/** ms. Least and most time between two visits of a stranger. */
export const hostileWaitMinMs = 500
export const hostileWaitMaxMs = 20_000
/** ms. Least and most time that a visit lasts if nobody ends it: below a handshake, and beyond every timer but `frameMs`. */
export const hostileVisitMinMs = 2_000
export const hostileVisitMaxMs = 240_000
/** ms. A visit that sends or awaits one of the longest frames: what its bytes cost, and `frameMs` twice. */
export const hostileLongVisitMs = 600_000
/** Connections at once of a stranger that holds them open: more than a node allows all strangers together. */
export const hostileSwarm = endsWithoutHello + 8
/** Connections at once that a stranger accepts, or that compete as one peer: twice `endsPerPair`. */
export const hostileLines = 8
/** bytes. Most random bytes in one piece: a few frames before Up. */
export const hostileNoiseBytes = 2 * frameBeforeUpBytes
/** ms. Least and most time between two things that a stranger says without being asked. */
export const hostileBeatMinMs = 100
export const hostileBeatMaxMs = 15_000
/** blocks of the chain that a stranger makes up: 20 ms of work, and enough for several messages of every kind. */
export const hostileChainBlocks = 400
/** blocks. How far above the real tip a stranger's lies reach, when they are modest. */
export const hostileTipBlocks = 10_000
/** addresses that a stranger knows to tell again, at most. */
export const hostileHeard = 1_024
/** addresses a stranger tells of in one visit, at most: the table of peers fills, although some of them are refused. */
export const hostileAddresses = knownPeers + 4 * peersPerMessage
