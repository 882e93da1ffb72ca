/**
 * Every bound and default of the node, each with its unit and its reason. "Rule" timers belong to the rule version of the
 * pair protocol and are not configurable: one side's wait must exceed the other's hold.
 */

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

// --- simulation -------------------------------------------------------------------

/** ms. A simulated disk takes up to this long to write: a busy solid-state disk with its flush. */
export const simDiskMs = 20
/** ms. A simulated network's producers make a block this often: the TIME network's ten minutes would leave a day with few. */
export const simProduceMs = 120_000
/** Producers in a simulated network, at most: each one's turn is to come within the hour. */
export const simProducers = 8
/** Nodes every node of a simulated network is told of at the start. */
export const simSeeds = 3
/** ms. One-way latency of a simulated link, least and most: a data centre, and half of the globe. */
export const simLatencyMinMs = 1
export const simLatencyMaxMs = 120
/** Greatest jitter of a simulated link, as a part of its latency. */
export const simJitter = 0.25
/** ms. Wall clocks of simulated nodes are right within this, as with a time service. */
export const simClockMs = 1_000
/** Clocks of simulated nodes run too fast or slow by at most this part: a bad quartz. */
export const simClockRate = 100e-6
/** ms. Nodes of a simulated network start within this time. */
export const simStartMs = 2_000
/** ms. How often the invariants of the whole network are checked, and those that ask every node for its tables. */
export const simCheckMs = 5_000
export const simAuditMs = 300_000
/** ms. So long after a disturbance has ended a connection may still go down for it: what was delayed arrives, what died is noticed. */
export const simAftermathMs = 60_000
/** ms. A node that has an undisturbed peer with a better chain has it too within this time. */
export const simSyncMs = 300_000
/** ms. An application's `send` has an outcome by then: the longest frame, then the dead time. */
export const simSendMs = 200_000
/** Most violations a report lists. */
export const simViolations = 20

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

// --- simulation: faults -------------------------------------------------------------

/** ms. Mean time between faults in a network of 10; grows and shrinks with the root of the number of nodes: a node of 50 has fewer. */
export const simFaultGapMs = 75_000
/** nodes. The network that `simFaultGapMs` is for. */
export const simFaultNodes = 10
/** Part of the faults that the next one follows within `simBurstMs`, and part of those that are at the same node. */
export const simBursts = 0.2
export const simBurstsSameNode = 0.5
/** ms. Faults of a burst are at most this far apart; a third of them not at all. */
export const simBurstMs = 1_000
/** Part of the pauses between faults that are lulls, and how long a lull is, ms: longer than `backoffMaxMs`, so that the slowest recovery is seen to end. */
export const simLulls = 0.04
export const simLullMs = [400_000, 900_000] as const
/** Targets tried for a fault before it is left out, because all of them are busy. */
export const simFaultTries = 8
/**
 * How often each kind of fault happens beside the others, and how long it lasts: ms, least and most, spread evenly over the
 * orders of magnitude between. 0: it happens at one moment.
 */
export const simFaults = {
  /** The commonest fault of a real network: restarts for upgrades and crashes. From a supervisor's at-once to an operator's. */
  kill: { weight: 12, ms: [100, 120_000] },
  /** Shorter and longer than `deadMs`: a suspended laptop, a swapping machine. */
  pause: { weight: 7, ms: [1_000, 120_000] },
  /** Garbage collection, a slow disk: around `probeMinMs` and `helloMs`, never `deadMs`. */
  stall: { weight: 8, ms: [100, 10_000] },
  /** Before and after `deadMs`: the machine is back before or after its peers have noticed. */
  vanish: { weight: 6, ms: [5_000, 300_000] },
  /** A service that its supervisor starts again and again. */
  "crash-loop": { weight: 3, ms: 0 },
  /** From a lost packet's retransmission to well over `deadMs`. */
  cut: { weight: 10, ms: [500, 300_000] },
  /** Some are long enough for two chains to grow apart by hundreds of blocks. It touches everybody: rare. */
  partition: { weight: 4, ms: [5_000, 600_000] },
  clog: { weight: 6, ms: [10_000, 300_000] },
  /** It touches many links, each for a part of the time. */
  swizzle: { weight: 3, ms: [5_000, 60_000] },
  /** It touches everybody: rare and short. */
  storm: { weight: 2, ms: [5_000, 120_000] },
  /** A Hello at 500 B/s takes a second; a block takes minutes. */
  narrow: { weight: 5, ms: [10_000, 180_000] },
  /** At every byte of a handshake: wants many. Lasts until so many bytes went by, at most as long as some pings. */
  reset: { weight: 12, ms: [1, 60_000] },
  /** Makes the backoff grow, so that what follows starts from a long one. */
  refuse: { weight: 4, ms: [10_000, 300_000] },
  jump: { weight: 5, ms: [10_000, 600_000] },
  drift: { weight: 4, ms: [60_000, 1_800_000] },
  /** Shorter and longer than `deadMs`. */
  "slow-reader": { weight: 4, ms: [1_000, 180_000] },
  /** More than `outboxBytes` at once: costs tens of MB of memory each. */
  flood: { weight: 2, ms: [1_000, 60_000] },
  readdress: { weight: 3, ms: [60_000, 900_000] },
  /** Longer than the waits of rule H2, and than the first steps of the backoff of `in-use`. */
  twin: { weight: 3, ms: [10_000, 300_000] },
  hostile: { weight: 8, ms: [30_000, 600_000] },
  /** Costs a whole branch of blocks to make. */
  fork: { weight: 4, ms: 0 }
} as const
/** Part of the kills that last longer, and how long, ms: the others have given up, the chain has gone on by hundreds of blocks. */
export const simLongKills = 0.08
export const simLongKillMs = [600_000, 1_200_000] as const
/** Part of the kills at which the process is back at once. */
export const simAtOnceKills = 0.1
/** Part of the kills after which the disk is empty. */
export const simLostDisks = 0.25
/** Reboots of a crash loop; ms of each that the machine is down, and up. */
export const simReboots = [2, 8] as const
export const simRebootDownMs = [50, 2_000] as const
export const simRebootUpMs = [300, 8_000] as const
/** Part of the cuts and partitions that stop one direction only. */
export const simOneWay = 0.35
/** ms. Latency of a clogged link, and of all links in a storm: past `probeMinMs` and, there and back, past `helloMs`. */
export const simClogMs = [500, 20_000] as const
export const simStormMs = [100, 3_000] as const
/** bytes per second of a narrow node's links: a modem's worst to a bad mobile network. */
export const simNarrowBytes = [500, 50_000] as const
/** bytes until a reset: most are inside a handshake (Hello, Commit, Ack: some 300), the others soon after. */
export const simResetBytes = 2_000
export const simResetHandshakeBytes = 300
export const simResetsInHandshake = 0.8
/** ms. By how much a clock is set: mostly minutes, as by hand or by a time server after a long sleep; at most hours (a time zone). */
export const simJumpMs = [1_000, 600_000] as const
export const simFarJumpMs = [600_000, 7_200_000] as const
export const simFarJumps = 0.15
/** ms per 1,000 s. Greatest departure of a clock's rate: of a usual crystal, at its worst; and of a broken one. */
export const simDriftPpm = 200
export const simGreatDriftPpm = 50_000
export const simGreatDrifts = 0.2
/** bytes of a flood: from just over what an outbox takes. */
export const simFloodBytes = [33_000_000, 80_000_000] as const
/** blocks below the tip at which a fork leaves: usual ones, and those that are nearly too deep for a reorganisation. */
export const simForkDepth = 8
export const simDeepForkDepth = 40
export const simDeepForks = 0.1

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

// --- simulation: search and shrinking -------------------------------------------------

/** runs. A failure is made shorter with at most so many; some 40 faults of 10 nodes take about half. */
export const simShrinkRuns = 200
/** ms of wall time. Making a failure shorter ends after this. */
export const simShrinkMs = 300_000
/** ms of virtual time. A shorter plan may fail this much later than the longer one did: what follows is another course of events. */
export const simShrinkSlackMs = 600_000
/** seeds. A worker process is replaced after so many, so that what a run may leave behind does not add up. */
export const simSeedsPerProcess = 25
/** ms between two application messages of a simulated node, on average, and their greatest size, bytes. */
export const simTrafficMs = 30_000
export const simTrafficBytes = 8_000
/** Steps a simulation runs before others have a turn (a progress bar, an interrupt): some 50 ms of real time. */
export const simSliceSteps = 20_000
/** bytes. Largest chunks of simulated links, each as likely: as one loopback write, Ethernet segments, and a path of small ones. */
export const simChunkBytes = [64 * 1024, 64 * 1024, 1_460, 1_460, 536, 100] as const
/** ms. A node that refuses a socket as a duplicate may be wrong about the others for so long: a few round trips. */
export const simRefusalMs = 1_000
