/** The bounds and defaults of simulations, each with its unit and its reason. Those of a node are in `domain/Limits.ts`. */
import * as Limits from "../../domain/Limits.ts"

// --- network and nodes -------------------------------------------------------------------

/** ms. A simulated disk takes up to this long to write: a busy solid-state disk with its flush. */
export const diskMs = 20
/** ms. A statement inside a transaction takes up to this long: some hundred rows. */
export const statementMs = 1
/** One in this many seeds keeps its nodes' chains in SQLite, behind the node's own store: each fsync and kill costs real time there. */
export const sqliteRuns = 8
/** ms. Block interval of a simulated network's producers: with the TIME network's ten minutes, a day would have few blocks. */
export const produceMs = 120_000
/** nodes. In a larger network blocks come proportionally less often, because their announcements grow with its square. */
export const produceNodes = 20
/** Maximum number of producers in a simulated network, so that each one's turn comes within the hour. */
export const producers = 8
/** Initial peers configured on every node of a simulated network. */
export const seeds = 3
/** One in this many simulated nodes does not know its own address. */
export const unaware = 3
/** ms. One-way latency of a simulated link, minimum and maximum: a data centre, and half the globe. */
export const latencyMinMs = 1
export const latencyMaxMs = 120
/** Maximum jitter of a simulated link, as a fraction of its latency. */
export const jitter = 0.25
/** ms. Wall clocks of simulated nodes are right to within this, as with a time service. */
export const clockMs = 1_000
/** Clocks of simulated nodes run fast or slow by at most this fraction: a bad quartz. */
export const clockRate = 100e-6
/** ms. Nodes of a simulated network start within this time. */
export const startMs = 2_000
/** ms. Intervals of the checks of the whole network's invariants, and of those that ask every node for its tables. */
export const checkMs = 5_000
/** ms. At the end of a run without faults: until every node correctly counts what is gone. Reports hold for 3 min after a silent link was noticed. */
export const countMs = 480_000
/** ms. Maximum total duration of a run with a count at its end: pairs that met during faults must first learn each other's address. */
export const longestMs = (hours: number, isCounted: boolean): number =>
  Math.ceil(hours * 3_600_000) + (isCounted ? 3_600_000 : 0)
/** One run in this many has two masternodes with the same key. */
export const sharedKeyRuns = 3
export const auditMs = 300_000
/** ms. A pair or a clock undisturbed for this long counts as healthy: delayed data has arrived. */
export const aftermathMs = 60_000
/**
 * ms. How long after the end of a fault a connection may still go down because of it. Of 1,140 such Downs in 25 runs, all but two came
 * within 5 s. After a machine vanished, the next ping finds out. Where a connection is evicted for silence,
 * that takes `deadMs` and an answer. The last two are for clocks that are slow by a twentieth.
 */
export const noticeMs = 15_000
export const vanishedNoticeMs = 17_000
export const silentNoticeMs = 53_000
/**
 * ms. How soon two nodes are connected again after the last fault that kept them apart (decision 0045): p99, the worst after a process or
 * machine was down (it dials every peer it knows on its return), and the worst after a link was. `plan/Bounds` says which fault is which.
 */
export const recoverOftenMs = 15_000
export const recoverProcessMs = 30_000
export const recoverMs = 60_000
/**
 * ms. How soon two nodes that know each other connect for the first time. They may know each other by gossip alone: a dial per minute
 * (decision 0061), its spread, the dial itself and a slow clock.
 */
export const connectMs = 75_000
/** p99 of a kind is judged only with at least this many recoveries. */
export const recoveriesJudged = 100
/** ms. The deliberate defect `flap-recovered` takes down a recovered connection after this delay. */
export const flapMs = 3_000
/** Extra pings that a node may send on one connection between two audits: challenges, at most one per `challengeSpacingMs`. */
export const challenges = 20
/** Fraction by which a clock may run slow: the maximum of the fault `drift`, and a bad quartz. */
export const slowClock = 0.06
/** ms. How long two undisturbed nodes may be connected twice: some round trips, and a busy moment at each end. */
export const mergeMs = 5_000
/**
 * ms. A node is never behind a peer, both long well connected, for longer than the first of these; never by more than
 * `Limits.liarsHoldUpBlocks` for longer than the second, which is `liarsHoldUpMs` (decision 0025) as an audit every `checkMs` observes it.
 */
export const followMs = 60_000
export const heldUpMs = Limits.liarsHoldUpMs + 2 * checkMs
/** ms. Time for the slower properties of a node's sync to hold (its peers are used, its core agrees). */
export const syncMs = 300_000
/** ms. A node that stood still reads at once all blocks that were pushed meanwhile. They are on its disk so long after it goes on. */
export const caughtUpMs = 1_000
/** ms. An application's `send` has an outcome by then: the time for the longest frame, then the dead time. */
export const sendMs = 200_000
/** Maximum number of violations that a report lists. */
export const violations = 20

// --- networks with daemons of the TIME network ---------------------------------------------

/** One in this many nodes of a mixed network is a daemon: half of them. */
export const daemonEvery = 2
/** Initial blocks of its daemons. By the schedule, the next block is due ten minutes later. */
export const daemonBlocks = 120
/** bytes; blocks. Maximum frame of a daemon, and its maximum blocks per page: its own numbers. */
export const daemonFrameBytes = 8 * 1024 * 1024
export const daemonPageBlocks = 50
/** ms. How long it waits for a connection that it dials: its own number. */
export const daemonDialMs = 10_000
/** ms. How often it decides which peers' claims about a chain count, and how long it ignores other chains after refusing one: its own numbers. */
export const daemonSettlesMs = 10_000
export const daemonLockMs = 120_000
/** ms. How often the daemon that makes blocks checks whether one is due. */
export const daemonLookMs = 5_000
/**
 * ms. How soon a node and a daemon are connected again: an hour of quiet after dials that the daemon may have counted (`timeForgivenMs`), then
 * the maximum time between two dials, the wait of the lower end, and a slow clock.
 */
export const timePairMs = Math.ceil(
  (Limits.timeForgivenMs + Limits.timeDialMostMs + Limits.timeFallbackMs) * (1 + slowClock)
) + recoverMs
/** ms. How long a daemon may have an unused connection beside the used one: the other end tolerates silence this long, and a dial may be on its way. */
export const timeUnusedMs = 2 * silentNoticeMs
/** ms. How long a daemon may have no connection but one that it has forgotten: the node's patience, doubled where that happens twice, on a slow clock. */
export const timeForgottenMs = Math.ceil(2 * Limits.timeUnusedMs * (1 + slowClock)) + silentNoticeMs
/** ms. How long either end of such a pair may be behind the other: a daemon asks a peer for more once a minute, a node asks for tips every 20 s. */
export const timeFollowMs = 300_000

// --- faults -------------------------------------------------------------

/** ms. Mean time between faults in a network of 10. The fault rate grows with the square root of the number of nodes: a node of 50 has fewer. */
export const faultGapMs = 75_000
/** nodes. The network size that `faultGapMs` is for. */
export const faultNodes = 10
/** Fraction of the faults that the next one follows within `burstMs`, and fraction of those that hit the same node. */
export const bursts = 0.2
export const burstsSameNode = 0.5
/** ms. Faults of a burst are at most this far apart; a third of them coincide. */
export const burstMs = 1_000
/** Fraction of the pauses between faults that are lulls, and duration of a lull, ms: longer than `backoffMaxMs`, so that the slowest recovery ends in it. */
export const lulls = 0.04
export const lullMs = [400_000, 900_000] as const
/** Targets tried for a fault before it is dropped because all of them are busy. */
export const faultTries = 8
/**
 * Relative frequency of each kind of fault, and its duration: ms, minimum and maximum, log-uniform between.
 * 0: instantaneous.
 */
export const faults = {
  /** The commonest fault of a real network: restarts for upgrades and after crashes, at once by a supervisor or later by an operator. */
  kill: { weight: 12, ms: [100, 120_000] },
  /** Shorter and longer than `deadMs`: a suspended laptop, a swapping machine. */
  pause: { weight: 7, ms: [1_000, 120_000] },
  /** Garbage collection, a slow disk: around `probeMinMs` and `helloMs`, always below `deadMs`. */
  stall: { weight: 8, ms: [100, 10_000] },
  /** Shorter and longer than `deadMs`: the machine is back before or after its peers have noticed. */
  vanish: { weight: 6, ms: [5_000, 300_000] },
  /** A service that its supervisor restarts again and again. */
  "crash-loop": { weight: 3, ms: 0 },
  /** From a lost packet's retransmission to well over `deadMs`. */
  cut: { weight: 10, ms: [500, 300_000] },
  /** Some are long enough for two chains to diverge by hundreds of blocks. Touches all nodes: rare. */
  partition: { weight: 4, ms: [5_000, 600_000] },
  clog: { weight: 6, ms: [10_000, 300_000] },
  /** Touches many links, each for part of the time. */
  swizzle: { weight: 3, ms: [5_000, 60_000] },
  /** Touches all nodes: rare and short. */
  storm: { weight: 2, ms: [5_000, 120_000] },
  /** A Hello at 500 B/s takes a second; a block takes minutes. */
  narrow: { weight: 5, ms: [10_000, 180_000] },
  /** Hits every byte of a handshake, so it needs many. Lasts until the bytes have passed, at most as long as some pings. */
  reset: { weight: 12, ms: [1, 60_000] },
  /** Makes the backoff grow, so that later recoveries start from a long one. */
  refuse: { weight: 4, ms: [10_000, 300_000] },
  jump: { weight: 5, ms: [10_000, 600_000] },
  drift: { weight: 4, ms: [60_000, 1_800_000] },
  /** Shorter and longer than `deadMs`. */
  "slow-reader": { weight: 4, ms: [1_000, 180_000] },
  /** More than `outboxBytes` at once: each costs tens of MB of memory. */
  flood: { weight: 2, ms: [1_000, 60_000] },
  readdress: { weight: 3, ms: [60_000, 900_000] },
  /** Longer than the waits of rule H2 and the first steps of the backoff of `in-use`. */
  twin: { weight: 3, ms: [10_000, 300_000] },
  hostile: { weight: 8, ms: [30_000, 600_000] },
  /** Expensive: a whole branch of blocks has to be made. */
  fork: { weight: 4, ms: 0 },
  /** Every node given the address dials it until the end of the run. */
  alias: { weight: 4, ms: 0 }
} as const
/** One in this many hostile peers that advertise addresses is a crowd, and the crowd's size: the peer table fills, although half of them do other things. */
export const crowds = 24
export const crowd = 24
/** Fraction of the kills that last longer, and their duration, ms: peers have given up, and the chain has grown by hundreds of blocks. */
export const longKills = 0.08
export const longKillMs = [600_000, 1_200_000] as const
/** Fraction of the kills after which the process restarts at once. */
export const atOnceKills = 0.1
/** Fraction of the kills after which the disk is empty. */
export const lostDisks = 0.25
/**
 * Fraction of the other kills that come in the middle of the node's next write, after how many of its statements, and how long such a kill
 * waits for a write, ms: some blocks.
 */
export const killsInWrite = 0.3
export const killStatement = [1, 12] as const
export const writeWaitMs = 240_000
/** Fraction of the stalls that begin at a challenge, and how long such a stall waits for one, ms: a dial and a handshake. */
export const stallsInChallenge = 0.4
export const challengeWaitMs = 6_000
/** Reboots of a crash loop; how long each time the machine is down, and up, ms. */
export const reboots = [2, 8] as const
export const rebootDownMs = [50, 2_000] as const
export const rebootUpMs = [300, 8_000] as const
/** Fraction of the cuts and partitions that stop one direction only. */
export const oneWay = 0.35
/** ms. Latency of a clogged link, and of all links in a storm: above `probeMinMs` and, as a round trip, above `helloMs`. */
export const clogMs = [500, 20_000] as const
export const stormMs = [100, 3_000] as const
/** bytes per second of a narrow node's links: from the worst of a modem to a bad mobile network. */
export const narrowBytes = [500, 50_000] as const
/** bytes until a reset: most fall inside a handshake (Hello, Commit, Ack: some 300), the others soon after. */
export const resetBytes = 2_000
export const resetHandshakeBytes = 300
export const resetsInHandshake = 0.8
/** ms. How far a clock is set off: mostly minutes, as by hand or by a time server after a long sleep; at most hours (a time zone). */
export const jumpMs = [1_000, 600_000] as const
export const farJumpMs = [600_000, 7_200_000] as const
export const farJumps = 0.15
/** ms per 1,000 s. Maximum deviation of a clock's rate: an ordinary crystal at its worst, and a broken one. */
export const driftPpm = 200
export const greatDriftPpm = 50_000
export const greatDrifts = 0.2
/** bytes of a flood: from just above the capacity of an outbox. */
export const floodBytes = [33_000_000, 80_000_000] as const
/** blocks below the tip at which a fork leaves: common depths, and those almost too deep for a reorg. */
export const forkDepth = 8
export const deepForkDepth = 40
export const deepForks = 0.1

// --- search and shrinking -------------------------------------------------

/** runs. Maximum used to shrink a failure; some 40 faults of 10 nodes take about half. */
export const shrinkRuns = 200
/**
 * Total steps of those runs, so that a failure shrinks equally on every machine: five minutes of two busy cores. An hour of
 * 10 nodes is some 200,000.
 */
export const shrinkSteps = 30_000_000
/** ms of virtual time. A shorter plan may fail this much later than the longer one: without some faults, events take another course. */
export const shrinkSlackMs = 600_000
/** seeds. A worker process is replaced after this many, so that anything a run leaves behind does not accumulate. */
export const seedsPerProcess = 25
/** ms between two application messages of a simulated node, on average, and their maximum size, bytes. */
export const trafficMs = 30_000
export const trafficBytes = 8_000
/** Steps a simulation runs before it yields (to a progress bar, an interrupt): some 50 ms of real time. */
export const sliceSteps = 20_000
/** bytes. Maximum chunk sizes of simulated links, equally likely: a loopback write, an Ethernet segment, a path with small segments. */
export const chunkBytes = [64 * 1024, 64 * 1024, 1_460, 1_460, 536, 100] as const
/** ms. How long a node may act on outdated knowledge: a few round trips. */
export const newsMs = 1_000
/** ms. A worker process handles a signal between two slices of a simulation; after this time it is killed. */
export const workerStopMs = 2_000
/** characters kept of a worker's standard error: the end of a stack trace. */
export const workerErrorCharacters = 4_000
/** hours. A run of more than a year is a mistake, and so is one below a second. */
export const maxHours = 8_784
export const minHours = 0.001
/** characters of a trace buffered before they are written. */
export const traceBufferCharacters = 64 * 1024

// --- hostile peers ------------------------------------------------------

/**
 * frames and bytes per second that a simulated hostile peer sends on average (600 frames and 1.9 MB a minute), and how many ms of
 * both it may send at once after being quiet: bursts that hurt, in simulations that stay fast.
 */
export const hostileFramesPerSecond = 10
export const hostileBytesPerSecond = 32 * 1024
export const hostileBurstMs = 30_000
/** ms. Minimum and maximum time between two visits of a hostile peer. */
export const hostileWaitMinMs = 500
export const hostileWaitMaxMs = 20_000
/** ms. Minimum and maximum duration of a visit that no peer ends: below a handshake, and beyond every timer but `frameMs`. */
export const hostileVisitMinMs = 2_000
export const hostileVisitMaxMs = 240_000
/** ms. A visit that sends or awaits one of the longest frames: the pace of its bytes, and `frameMs` twice. */
export const hostileLongVisitMs = 600_000
/** Simultaneous connections of a hostile peer that holds them open: more than a node allows all unidentified peers together. */
export const hostileSwarm = Limits.endsWithoutHello + 8
/** Simultaneous connections that a hostile peer accepts, or that compete as one peer: twice `endsPerPair`. */
export const hostileConnections = 8
/** bytes. Maximum random bytes in one piece: a few frames before Up. */
export const hostileNoiseBytes = 2 * Limits.frameBeforeUpBytes
/** bytes of an answer that a hostile peer sends at one byte per second: an hour's worth. */
export const hostileDripBytes = 3_600
/** One in this many hostile peers that hold up sync is a crowd of this size. */
export const holdUpCrowds = 3
export const holdUpCrowd = 20
/** ms. Minimum and maximum time between two unsolicited messages of a hostile peer. */
export const hostileBeatMinMs = 100
export const hostileBeatMaxMs = 15_000
/** blocks of the chain that a hostile peer makes up: 20 ms of work, and enough for several messages of every kind. */
export const hostileChainBlocks = 400
/** blocks. How far above the real tip a hostile peer's modest lies reach. */
export const hostileTipBlocks = 10_000
/** addresses that a hostile peer remembers to advertise again, at most. */
export const hostileHeard = 1_024
/** addresses a hostile peer advertises in one visit, at most: the peer table fills, although some of them are refused. */
export const hostileAddresses = Limits.knownPeers + 4 * Limits.peersPerMessage
/** bytes. Approximate cost of an answer to a node: a hostile peer's budget is charged as much for the question. */
export const hostileAnswerBytes = 8 * 1024
/** ms between two pieces of a frame that is to last for ever. */
export const hostileDripMs = 1_000
/** shards of many seeds, at most: more parts than a batch engine gives one job. */
export const maxShards = 100_000
/** bytes of a shard's file that `simulate merge` reads: a seed of a day with 50 nodes takes about 100 KB. */
export const shardFileBytes = 400 * 1024 * 1024

// --- the command --------------------------------------------------------------------------

/** Random seeds end here: short enough to type. */
export const randomSeedMost = 999_999_999
/** Worker processes of many seeds: more than the processors of any machine it was meant for. */
export const jobsMost = 256
