/** Bounds and defaults, with unit and reason: what a process does besides: log, admin API, tests, a testnet of processes. Read them by way of `Limits`. */
import { deadMs } from "./PairLimits.ts"

// --- metrics ----------------------------------------------------------------------

/** ms. Upper bounds of the histogram of round trips: a machine, a town, a continent, the world, trouble; beyond the last a ping counts as quiet. */
export const rttBucketsMs = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 3_000] as const

/** ms. Upper bounds of the histogram of database operations: memory, a cached page, a disk, a slow disk, trouble. */
export const storeBucketsMs = [0.25, 1, 2.5, 10, 25, 100, 250, 1_000, 5_000] as const

/** ms. How often metrics go to an OTLP collector: as often as Prometheus usually asks. */
export const otlpEveryMs = 15_000
/** ms. A collector that has not answered by then is slow: its next snapshot is due. */
export const otlpAnswerMs = 10_000
/** bytes. Maximum length of a collector's answer, which has next to nothing to say. */
export const otlpAnswerBytes = 64 * 1024
/** ms. The last snapshot of a node that closes has so long to reach the collector: a tenth of `closeMs`. */
export const otlpCloseMs = 500

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
/** ms. Minimum time between two such messages to a peer: a mesh that forms within seconds is told in a few dozen, not in hundreds. */
export const gossipEveryMs = 250
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
/** Connections at once that have said something: an operator has a few. The oldest idle one gives way. */
export const adminConnections = 64
/**
 * Connections that have said nothing, which cost a socket each; at most `lobbyShare` of the open files. Twice what the kernel queues (Node's 511): one
 * that speaks at once is heard, however many come in the same turn.
 */
export const adminSilent = 1_024
/** Requests of one connection at once: clients wait for the answer before they ask again. More end the connection: 40 of them that ask four times each keep `status` waiting for half a second. */
export const adminPipelined = 1
/** bytes that the HTTP parser gets per turn of the event loop, of all connections together: at most 28 requests, half a ms. */
export const adminPieceBytes = 512
/** ms. An idle connection is closed after this; a reader of a reply that takes nothing for so long loses it. */
export const adminIdleMs = 5_000
export const adminReadMs = 10_000
/** ms. How long closing waits for responses in flight. */
export const adminShutdownMs = 500
/** ms. How long a client waits for an answer. A node answers in a few ms unless its event loop is busy. */
export const adminAnswerMs = 5_000

/** bytes. Of randomness in a token that a node makes: it cannot be guessed. Characters of one that an operator makes. */
export const adminTokenBytes = 32
export const adminTokenLeast = 16
export const adminTokenMost = 256
/** Netgroups whose refusals the admin API counts apart: a flood from more of them shows by its latest. */
export const refusalGroups = 256
/** Addresses of the book in one answer, and where the question names no number. */
export const bookPage = 1_000
export const bookPageUsual = 100
/** The latest events that the admin API keeps for readers that come late or come again: a mesh of 100 that drops and returns. */
export const eventsKept = 512
/** Readers of events at once: as many dashboards and followers as an operator has open, and room for connections besides. */
export const eventReaders = 16
/** events. A reader so far behind is cut off: a mesh of 100 that drops and returns, while the reader takes nothing. */
export const eventReaderLag = 512
/** ms. A reader hears of the node so often, so that it, and what lies between, knows that the connection lives. */
export const eventBeatMs = 15_000

// --- watch --------------------------------------------------------------------------

/** ms. How often timemesh watch asks the node unless told otherwise, and the range of that: it is a page that a person reads. */
export const watchEveryMs = 2_000
export const watchLeastMs = 500
export const watchMostMs = 3_600_000
/** ms. It looks so often whether the screen has to be drawn again: an event, or a terminal of another size, shows at once for the eye. */
export const watchDrawMs = 250
/** ms. A stream of events that ended is asked for again after that. */
export const watchAgainMs = 1_000
/** The latest events that it keeps: more than any terminal shows. */
export const watchEvents = 200

// --- doctor -------------------------------------------------------------------------

/** Least major version of Node. */
export const nodeMajor = 24
/** bytes. Below the first, a node's disk is full soon: a day of blocks and the journals of its databases. Below the second it will be. */
export const doctorDiskLeast = 1024 * 1024 * 1024
export const doctorDiskLow = 5 * doctorDiskLeast
/** ms. A file of the data directory that changed so much later than now shows a clock that was set back. */
export const doctorClockMs = 120_000
/** Descriptors that a node takes beside its peers: databases, the admin API, strangers in the lobby, dials. */
export const doctorDescriptorsBesides = 400

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
/** ms between two collections of a soak's node, whose live memory is read then: each stops it for some 50 ms. */
export const soakLiveMs = 60_000
/** KiB. The same of live memory, which no heap that finds its size explains: 22 MiB a day, and tables of peers and rings of traces that fill. */
export const soakLiveGrowthPerMinuteKib = 16
export const soakLiveGrowthOnceKib = 2 * 1024
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
