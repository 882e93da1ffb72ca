/** Bounds and defaults, with unit and reason: sync, the chain store and the test producer. Read them by way of `Limits`. */

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
