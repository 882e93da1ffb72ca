/** Bounds and defaults, with unit and reason: sync, the chain store and the test producer. Import them from `Limits`. */

// --- headers-first sync -----------------------------------------------------------

/** headers per message (Bitcoin Core's number). */
export const headersPerMessage = 2_000
/** bytes of headers per message of more than one header: 2,000 typical headers take 320 KB; at most half a frame. */
export const headersBytes = 4 * 1024 * 1024
/** hashes of a locator: ten, then one per doubling; enough for chains of 2^50 blocks. */
export const locatorHashes = 64
/** bytes. A new block up to this size is pushed whole; a longer one is announced by height and hash. */
export const pushBlockBytes = 64 * 1024
/** bytes of blocks per response chunk of more than one block: a few milliseconds of work for the receiver. */
export const blocksPieceBytes = 64 * 1024
/** Queued requests of one peer; an honest peer has `requestsPerPeer` and a few superseded ones in flight. */
export const serveQueue = 64
/** bytes. The next chunk is served when no more than this is queued for the peer: keeps the pipe full and memory small. */
export const serveHighBytes = 1024 * 1024
/** ms. Minimum interval between header answers to one peer: 100,000 headers a second, and 15 % of a core if it asks all the time. */
export const serveHeadersEveryMs = 20

/** headers accepted ahead of the stored chain, at most: 100 bytes each. */
export const headersAhead = 100_000
/** headers that all peers together may be showing of chains that are not better than ours yet: 40 to 80 bytes each (docs/decisions/0137). */
export const headersShown = 1_000_000
/** ms. A peer whose headers found no room shows them again after this; twice as long each time, so many times. */
export const roomRetryMs = 5_000
export const roomRetryDoublings = 3
/** headers of a branch accepted before any of its blocks arrived: one full list, so that made-up headers cost us 200 KB a peer. */
export const headersUndelivered = 2_000
/** further headers accepted for each block that arrived: headers stay far ahead of the bodies. */
export const headersPerDelivered = 64
/** headers in the first request to a peer, and the minimum: 10 KB and 3 KB, which a link of 1,000 B/s carries in time. */
export const headersFirstRequest = 64
export const headersLeastRequest = 16
/** ms. A request for headers covers about as many as the peer sends in this time. */
export const headersTargetMs = 2_000
/**
 * Consecutive lists with only headers of our own chain from a peer that says it has more. Each request halves the distance to where its chain may
 * leave ours, so that an honest peer of a chain of 2^36 blocks sends fewer.
 */
export const knownListsMost = 32
/** header downloads at once: a stalled peer holds up none of the others, and few lists arrive twice. */
export const headerConversations = 3
/** blocks requested or held ahead of the stored chain: keeps dozens of peers busy over a round trip. */
export const syncWindowBlocks = 4_096
/** blocks of a branch requested before any arrived, and further ones for each that arrived: what a claim may cost grows with what was delivered. */
export const blocksUndelivered = 64
export const blocksPerDelivered = 4
/** blocks of a deep branch moved from memory to disk at once: a few hundred KB. */
export const stageBlocks = 500
/** bytes of bodies held out of order; beyond this, only the next blocks are requested. */
export const syncWindowBytes = 64 * 1024 * 1024
/** blocks per request: 124 KB of the smallest ones; a server may shorten the answer by bytes. */
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
/** ms. Silence on a request after which other peers are asked: while the peer's pace is unknown, then the minimum and maximum. */
export const stallFirstMs = 5_000
export const stallLeastMs = 2_000
export const stallMostMs = 60_000
/**
 * ms. Delay before asking a peer again for headers that our clock puts in the future: until the first is due, within these bounds. The
 * clock may be corrected at any moment; each request fetches 3 KB.
 */
export const futureRetryMs = 5_000
export const futureRetryMostMs = 15_000
/** An answer has stalled when it takes this many times what the peer's pace predicts. */
export const stallFactor = 4
/**
 * Timeouts in a row, each twice the last, without a whole block or header list, before a peer is dropped: if it never sent any (35 s), and
 * if it did (over two minutes). Partial bytes are not progress. One fewer for each time its address was dropped before.
 */
export const stallsFirst = 3
export const stallsMost = 5
/**
 * ms and blocks. However many liars are connected, and whatever they claim, show or withhold: a node with one honest, responsive peer is
 * never more than this many blocks behind that peer's chain for longer than this (docs/decisions/0025). The time is one wait for a late answer.
 */
export const liarsHoldUpMs = stallFirstMs
export const liarsHoldUpBlocks = 4
/** addresses whose faults are remembered in memory: eight times the peer limit. */
export const rememberedFaults = 1_024
/** ms. A dropped peer is not believed for this long when it returns; twice as long for each further time. */
export const probationMs = 30_000
/** ms. Maximum time for which a peer is held off at once. */
export const holdoffMostMs = 60 * 60_000
/** ms. A peer whose chain forks too deep below our tip shows its headers again after this; twice as long each time. */
export const tooDeepRetryMs = 60_000
/** ms. A peer whose copy of a block is unusable is asked again after this; twice as long each time in a row. */
export const copyRetryMs = 30_000
/** blocks in one chunk by which a peer makes up for a former fault: a made-up block is cheap, but not free. */
export const blocksForgiving = 16
/** Times in a row that a peer may lack a block whose header it sent: a reorg explains one. */
export const refusalsWithheld = 3

// --- chain store ------------------------------------------------------------------

/** blocks per commit: 2,000 typical ones are 1 MB, written and synced in about 10 ms; also the most that a kill can lose. */
export const storeBatchBlocks = 2_000
/** blocks per statement: about a ms of the event loop, where 2,000 took four. */
export const storeStatementBlocks = 500
/** bytes of blocks per statement and commit of more than one block: how much is copied at once on its way to disk. */
export const storeBatchBytes = 16 * 1024 * 1024
/**
 * bytes of the one branch stored beside the chain: about 700,000 typical blocks, far more than `headersAhead` lets a peer show. A longer
 * branch is refused.
 */
export const branchBytes = 512 * 1024 * 1024
/**
 * bytes. For a longer block, the store's index holds its header and transaction ids. A shorter block is read directly, which costs about as
 * much as an index entry; an entry for each would slow sync by a tenth.
 */
export const indexedBlockBytes = 4_096
/** bytes of a typical header: memory reserved per header when a list is built. */
export const headerTypicalBytes = 176
/** bytes. The store refuses a longer block as a bug: eight times the frame limit, so no valid block comes near. */
export const storeBlockBytes = 64 * 1024 * 1024 - 1
/** Minimum number of recipients of a block's reward, unless the network has fewer active masternodes: a rule of the TIME network. */
export const rewardRecipients = 3
/** Transaction ids in a block up to which comparing every pair is faster than a set. */
export const txidsComparedInPairs = 8
/** rows per database read: about 5 ms of the event loop for hashes. */
export const storeReadRows = 5_000
/** rows per turn of the event loop where all of a chain is read: about 2 ms for hashes. */
export const storeTurnRows = 2_000
/** transaction ids computed, and blocks whose ids are read, per turn of the event loop: an id takes 5 µs to compute, so about a ms. */
export const txidsPerTurn = 200
export const txidBlocksPerTurn = 100
/** rows and bytes per read of a scan of the whole chain: 2 ms of the event loop, half a frame. */
export const storeScanRows = 500
export const storeScanBytes = 4 * 1024 * 1024
/** ms. How long a statement on the database thread waits for another process that holds the database. */
export const storeBusyMs = 5_000
/** ms. The same for a read on the main thread: only the recovery after a kill can make a read wait. */
export const storeReadBusyMs = 200
/** Prepared statements kept per connection; the store has fewer than 20. */
export const storeStatements = 64
/** bytes. The write-ahead log is truncated to this after a long reorg. */
export const storeLogBytes = 64 * 1024 * 1024
/** bytes. Page size of a new database: 16 typical blocks; half the pages of SQLite's default, measurably faster to write. */
export const storePageBytes = 8_192
/** ms. Closing waits this long for the database thread, then terminates it; committed data is safe either way. */
export const storeCloseMs = 4_000
/** Connections to a PostgreSQL server: one writes, the others read. */
export const storeConnections = 4
/**
 * bytes of a peer's answers waiting to be checked: eight chunks of blocks. Beyond this, the peer is not read until half are done; one
 * further message may be added.
 */
export const syncInboxBytes = 512 * 1024
/**
 * ms. A turn of the event loop while sync has messages to handle: they get what other work leaves of it, and at least `syncTurnLeastMs`; one step may
 * take longer. What arrives meanwhile, such as a ping or a question to the admin API, waits for it several times: to be read, and to be answered.
 */
export const syncTurnMs = 1.5
export const syncTurnLeastMs = 0.3
/**
 * blocks, and headers, checked in one step of a message: a twentieth of a ms of compiled code, and a few ms of code that runs for the first time. A block longer than
 * an answer's chunk is a step of its own.
 */
export const syncStepBlocks = 2
export const syncStepHeaders = 16
/** ms. A node that started from an empty disk accepts a reorg of any depth until this long after it was first in sync. */
export const settleAfterMs = 10 * 60_000
/** ms. Retry delay after a store failure (disk full, server gone). */
export const storeRetryMs = 10_000

/** ms. Acquiring the data directory's lock waits this long, because `status` probes the lock briefly. */
export const lockBusyMs = 250
/** ms. How often the holder of a lock checks that its file still exists: a system call. */
export const lockLookMs = 1_000

// --- test producer ----------------------------------------------------------------

/** ms. A turn of the devnet's test producers: one block per turn. */
export const produceEveryMs = 2_000
/** ms. Shortest and longest turn: below the minimum, checking itself is the load; above the maximum, no test waits for a block. */
export const produceEveryLeastMs = 100
export const produceEveryMostMs = 86_400_000
/** ms. How often a producer checks whether its turn has come. */
export const produceBeatMs = 100
/** bytes per read of a block file: about 500 blocks, whose validation takes 10 ms of the event loop. */
export const chainFileChunkBytes = 256 * 1024
/** Damaged databases kept beside the repaired one; at this limit, repair refuses until one is removed. */
export const damagedFiles = 99
/** ms. Retry interval for a fifo without a reader. */
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

/** large blocks. Indexed per step when a database without the index is opened: each is up to `ChainParams.maxBlockBytes`, 2 MiB. */
export const indexedAtOnce = 100
/** headers. Those of a shown branch that our chain has reached are dropped in batches of this many: dropping each alone moves all the others. */
export const branchDropAtOnce = 4_096
/** headers. Room of a new branch at least: one that grows block by block is not copied for each of the first. */
export const branchLeastHeaders = 16
/** bytes. What a message that waits for its turn holds besides its payload, about: an object, its fields and a place in a queue. */
export const waitingMessageBytes = 512
