/** The bounds and defaults of simulations, each with its unit and its reason. Those of a node are in `domain/Limits.ts`. */
import * as Limits from "../../domain/Limits.ts"

// --- network and nodes -------------------------------------------------------------------

/** ms. A simulated disk takes up to this long to write: a busy solid-state disk with its flush. */
export const diskMs = 20
/** ms. A statement inside a transaction takes up to this long: some hundred rows. */
export const statementMs = 1
/** One in so many seeds keeps its nodes' chains in SQLite, behind the node's own store: every fsync and kill costs real time there. */
export const sqliteRuns = 8
/** ms. A simulated network's producers make a block this often: the TIME network's ten minutes would leave a day with few. */
export const produceMs = 120_000
/** nodes. In a larger network blocks come as many times less often: the messages that announce one grow with its square. */
export const produceNodes = 20
/** Producers in a simulated network, at most: each one's turn is to come within the hour. */
export const producers = 8
/** Nodes every node of a simulated network is told of at the start. */
export const seeds = 3
/** One in so many simulated nodes does not know its own address. */
export const unaware = 3
/** ms. One-way latency of a simulated link, least and most: a data centre, and half of the globe. */
export const latencyMinMs = 1
export const latencyMaxMs = 120
/** Greatest jitter of a simulated link, as a part of its latency. */
export const jitter = 0.25
/** ms. Wall clocks of simulated nodes are right within this, as with a time service. */
export const clockMs = 1_000
/** Clocks of simulated nodes run too fast or slow by at most this part: a bad quartz. */
export const clockRate = 100e-6
/** ms. Nodes of a simulated network start within this time. */
export const startMs = 2_000
/** ms. How often the invariants of the whole network are checked, and those that ask every node for its tables. */
export const checkMs = 5_000
/** ms. At the end of a run without faults: until every node counts right what is gone. Witnesses hold for 3 min after a silent link was noticed. */
export const countMs = 480_000
/** ms. How long a run of so many hours may last in all; where is counted at its end, pairs that met under faults know one another first. */
export const longestMs = (hours: number, isCounted: boolean): number =>
  Math.ceil(hours * 3_600_000) + (isCounted ? 3_600_000 : 0)
/** One run of so many has two masternodes with one key. */
export const sharedKeyRuns = 3
export const auditMs = 300_000
/** ms. A pair or a clock that nothing has disturbed for so long is as good as ever: what was delayed has arrived. */
export const aftermathMs = 60_000
/**
 * ms. So long after a fault has ended, a connection may still go down for it. Of 1,140 such Downs of 25 runs all but two came within
 * 5 s. After a machine was gone without a word, the next ping finds that out; where a connection is taken for dead because nothing
 * came, silence is borne for `deadMs` and an answer. The last two are for clocks that are slow by a twentieth.
 */
export const noticeMs = 15_000
export const vanishedNoticeMs = 17_000
export const silentNoticeMs = 53_000
/**
 * ms. How soon two nodes are connected again after the last fault that kept them apart (decision 0045): p99, and the worst when a process
 * or machine was gone, which dials everyone it knows when it is back, and when a link was. `plan/Bounds` says which fault is which.
 */
export const recoverOftenMs = 15_000
export const recoverProcessMs = 30_000
export const recoverMs = 60_000
/**
 * ms. How soon two nodes that know of one another are connected for the first time. They may have only been told: a dial per minute
 * (decision 0061), its spread, the dial itself and a slow clock.
 */
export const connectMs = 75_000
/** Recoveries of one kind from which on their p99 is judged: fewer have none. */
export const recoveriesJudged = 100
/** ms. The deliberate defect `flap-recovered` takes a recovered connection down after this. */
export const flapMs = 3_000
/** Pings beyond its pace that a node may send on one connection between two audits: challenges, at most one per `challengeSpacingMs`. */
export const challenges = 20
/** Part by which a clock may run slow: what the fault `drift` does at most, and a bad quartz. */
export const slowClock = 0.06
/** ms. So long two nodes may be connected twice where nothing disturbs them: some round trips, and a busy moment at each end. */
export const mergeMs = 5_000
/**
 * ms. A node is never behind a peer that both have long been well connected with for longer than the first of these; never by more than
 * `Limits.liarsHoldUpBlocks` for longer than the second, which is `liarsHoldUpMs` (decision 0025) as an audit every `checkMs` sees it.
 */
export const followMs = 60_000
export const heldUpMs = Limits.liarsHoldUpMs + 2 * checkMs
/** ms. What takes some time to be true of a node's sync (its peers are used, its core agrees) is by then. */
export const syncMs = 300_000
/** ms. An application's `send` has an outcome by then: the longest frame, then the dead time. */
export const sendMs = 200_000
/** Most violations a report lists. */
export const violations = 20

// --- networks with daemons of the TIME network ---------------------------------------------

/** One in so many nodes of a mixed network is a daemon: half of them. */
export const daemonEvery = 2
/** Blocks that its daemons begin with. The schedule has it so that the next is due ten minutes later. */
export const daemonBlocks = 120
/** bytes. Greatest frame of a daemon, and blocks that it puts on one page at the most: its own numbers. */
export const daemonFrameBytes = 8 * 1024 * 1024
export const daemonPageBlocks = 50
/** ms. How often it settles whose word counts for a chain, and how long it looks at no other chain after it refused one: its own numbers. */
export const daemonSettlesMs = 10_000
export const daemonLockMs = 120_000
/** ms. How often the daemon that makes blocks looks whether one is due. */
export const daemonLookMs = 5_000
/**
 * ms. How soon a node and a daemon are connected again: an hour of quiet after dials that the daemon may have counted (`timeForgivenMs`), then the
 * greatest distance between two dials, the wait of the lower end, and a slow clock.
 */
export const timePairMs = Math.ceil(
  (Limits.timeForgivenMs + Limits.timeDialMostMs + Limits.timeFallbackMs) * (1 + slowClock)
) + recoverMs
/** ms. So long a daemon may have a connection beside the one that it uses: silence is borne so long at the other end, and a dial may be on its way. */
export const timeUnusedMs = 2 * silentNoticeMs
/** ms. So long either end of such a pair may be behind the other: a daemon asks a peer for more once a minute, and a node asks for tips every 20 s. */
export const timeFollowMs = 300_000

// --- faults -------------------------------------------------------------

/** ms. Mean time between faults in a network of 10; grows and shrinks with the root of the number of nodes: a node of 50 has fewer. */
export const faultGapMs = 75_000
/** nodes. The network that `faultGapMs` is for. */
export const faultNodes = 10
/** Part of the faults that the next one follows within `burstMs`, and part of those that are at the same node. */
export const bursts = 0.2
export const burstsSameNode = 0.5
/** ms. Faults of a burst are at most this far apart; a third of them not at all. */
export const burstMs = 1_000
/** Part of the pauses between faults that are lulls, and how long a lull is, ms: longer than `backoffMaxMs`, so that the slowest recovery is seen to end. */
export const lulls = 0.04
export const lullMs = [400_000, 900_000] as const
/** Targets tried for a fault before it is left out, because all of them are busy. */
export const faultTries = 8
/**
 * How often each kind of fault happens beside the others, and how long it lasts: ms, least and most, spread evenly over the
 * orders of magnitude between. 0: it happens at one moment.
 */
export const faults = {
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
  fork: { weight: 4, ms: 0 },
  /** Who was told of it dials it until the end of the run. */
  alias: { weight: 4, ms: 0 }
} as const
/** One in so many hostile peers that advertise addresses is a crowd, and of how many: the table of peers fills, although half of them tell other things. */
export const crowds = 24
export const crowd = 24
/** Part of the kills that last longer, and how long, ms: the others have given up, the chain has gone on by hundreds of blocks. */
export const longKills = 0.08
export const longKillMs = [600_000, 1_200_000] as const
/** Part of the kills at which the process is back at once. */
export const atOnceKills = 0.1
/** Part of the kills after which the disk is empty. */
export const lostDisks = 0.25
/**
 * Part of the other kills that come in the middle of the node's next write, after how many statements of it, and ms that such a kill waits
 * for one: some blocks.
 */
export const killsInWrite = 0.3
export const killStatement = [1, 12] as const
export const writeWaitMs = 240_000
/** Part of the stalls that begin at a challenge, and ms that such a one waits for it: a dial and a handshake. */
export const stallsInChallenge = 0.4
export const challengeWaitMs = 6_000
/** Reboots of a crash loop; ms of each that the machine is down, and up. */
export const reboots = [2, 8] as const
export const rebootDownMs = [50, 2_000] as const
export const rebootUpMs = [300, 8_000] as const
/** Part of the cuts and partitions that stop one direction only. */
export const oneWay = 0.35
/** ms. Latency of a clogged link, and of all links in a storm: past `probeMinMs` and, there and back, past `helloMs`. */
export const clogMs = [500, 20_000] as const
export const stormMs = [100, 3_000] as const
/** bytes per second of a narrow node's links: a modem's worst to a bad mobile network. */
export const narrowBytes = [500, 50_000] as const
/** bytes until a reset: most are inside a handshake (Hello, Commit, Ack: some 300), the others soon after. */
export const resetBytes = 2_000
export const resetHandshakeBytes = 300
export const resetsInHandshake = 0.8
/** ms. By how much a clock is set: mostly minutes, as by hand or by a time server after a long sleep; at most hours (a time zone). */
export const jumpMs = [1_000, 600_000] as const
export const farJumpMs = [600_000, 7_200_000] as const
export const farJumps = 0.15
/** ms per 1,000 s. Greatest departure of a clock's rate: of a usual crystal, at its worst; and of a broken one. */
export const driftPpm = 200
export const greatDriftPpm = 50_000
export const greatDrifts = 0.2
/** bytes of a flood: from just over what an outbox takes. */
export const floodBytes = [33_000_000, 80_000_000] as const
/** blocks below the tip at which a fork leaves: usual ones, and those that are nearly too deep for a reorganisation. */
export const forkDepth = 8
export const deepForkDepth = 40
export const deepForks = 0.1

// --- search and shrinking -------------------------------------------------

/** runs. A failure is made shorter with at most so many; some 40 faults of 10 nodes take about half. */
export const shrinkRuns = 200
/**
 * Steps of all those runs together, so that the same failure is made equally short on every machine: five minutes of two busy cores. An hour of
 * 10 nodes is some 200,000.
 */
export const shrinkSteps = 30_000_000
/** ms of virtual time. A shorter plan may fail this much later than the longer one did: what follows is another course of events. */
export const shrinkSlackMs = 600_000
/** seeds. A worker process is replaced after so many, so that what a run may leave behind does not add up. */
export const seedsPerProcess = 25
/** ms between two application messages of a simulated node, on average, and their greatest size, bytes. */
export const trafficMs = 30_000
export const trafficBytes = 8_000
/** Steps a simulation runs before others have a turn (a progress bar, an interrupt): some 50 ms of real time. */
export const sliceSteps = 20_000
/** bytes. Largest chunks of simulated links, each as likely: as one loopback write, Ethernet segments, and a path of small ones. */
export const chunkBytes = [64 * 1024, 64 * 1024, 1_460, 1_460, 536, 100] as const
/** ms. A node may act so long on what was true before: a few round trips. */
export const newsMs = 1_000
/** ms. A worker process notices a signal between two slices of a simulation; after this it is killed. */
export const workerStopMs = 2_000
/** characters kept of a worker's standard error: the end of a stack trace. */
export const workerErrorCharacters = 4_000
/** hours. A run of more than a year is a mistake, and less than a second too. */
export const maxHours = 8_784
export const minHours = 0.001
/** characters of a trace that are gathered before they are written. */
export const traceBufferCharacters = 64 * 1024

// --- hostile peers ------------------------------------------------------

/**
 * frames and bytes per second that a simulated hostile peer sends in the long run (600 frames and 1.9 MB a minute), and ms of
 * both that it may send at once after it was quiet: bursts that hurt, and simulations that stay fast.
 */
export const hostileFramesPerSecond = 10
export const hostileBytesPerSecond = 32 * 1024
export const hostileBurstMs = 30_000
/** ms. Minimum and maximum time between two visits of a hostile peer. */
export const hostileWaitMinMs = 500
export const hostileWaitMaxMs = 20_000
/** ms. Minimum and maximum time that a visit lasts if no peer ends it: below a handshake, and beyond every timer but `frameMs`. */
export const hostileVisitMinMs = 2_000
export const hostileVisitMaxMs = 240_000
/** ms. A visit that sends or awaits one of the longest frames: what its bytes cost, and `frameMs` twice. */
export const hostileLongVisitMs = 600_000
/** Connections at once of a hostile peer that holds them open: more than a node allows all unidentified peers together. */
export const hostileSwarm = Limits.endsWithoutHello + 8
/** Connections at once that a hostile peer accepts, or that compete as one peer: twice `endsPerPair`. */
export const hostileConnections = 8
/** bytes. Most random bytes in one piece: a few frames before Up. */
export const hostileNoiseBytes = 2 * Limits.frameBeforeUpBytes
/** bytes of an answer that a hostile peer sends at one a second: an hour's worth. */
export const hostileDripBytes = 3_600
/** One in so many of those that hold sync up are so many at once. */
export const holdUpCrowds = 3
export const holdUpCrowd = 20
/** ms. Minimum and maximum time between two things that a hostile peer sends unasked. */
export const hostileBeatMinMs = 100
export const hostileBeatMaxMs = 15_000
/** blocks of the chain that a hostile peer makes up: 20 ms of work, and enough for several messages of every kind. */
export const hostileChainBlocks = 400
/** blocks. How far above the real tip a hostile peer's lies reach, when they are modest. */
export const hostileTipBlocks = 10_000
/** addresses that a hostile peer remembers to advertise again, at most. */
export const hostileHeard = 1_024
/** addresses a hostile peer advertises in one visit, at most: the table of peers fills, although some of them are refused. */
export const hostileAddresses = Limits.knownPeers + 4 * Limits.peersPerMessage
/** bytes. What an answer costs a node, about: a hostile peer's budget pays as much for the question. */
export const hostileAnswerBytes = 8 * 1024
/** ms between two pieces of a frame that is to last for ever. */
export const hostileDripMs = 1_000
/** shards of many seeds, at most: more parts than a batch engine gives one job. */
export const maxShards = 100_000
/** bytes of a shard's file that `simulate merge` reads: a seed of a day with 50 nodes has about 100 KB. */
export const shardFileBytes = 400 * 1024 * 1024
