/**
 * Bounds and defaults, with unit and reason, for the rest of the process: log, admin API, tests, a testnet of processes. Import them from
 * `Limits`.
 */
import { deadMs } from "./PairLimits.ts"

// --- metrics ----------------------------------------------------------------------

/** ms. Upper bounds of the round-trip histogram: a machine, a town, a continent, the world, trouble; beyond the last, a ping counts as quiet. */
export const rttBucketsMs = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 3_000] as const

/** ms. Upper bounds of the database-operation histogram: memory, a cached page, a disk, a slow disk, trouble. */
export const storeBucketsMs = [0.25, 1, 2.5, 10, 25, 100, 250, 1_000, 5_000] as const

/** ms. How often metrics are pushed to an OTLP collector: the usual Prometheus scrape interval. */
export const otlpEveryMs = 15_000
/** ms. Timeout of a collector's answer; after it the next snapshot is due. */
export const otlpAnswerMs = 10_000
/** bytes. Maximum length of a collector's answer, which is nearly empty. */
export const otlpAnswerBytes = 64 * 1024
/** ms. Time for the last snapshot of a closing node to reach the collector: a tenth of `closeMs`. */
export const otlpCloseMs = 500

// --- flight recorder --------------------------------------------------------------

/** steps kept of one pair: about 50 connections or attempts, each of five or six steps. */
export const traceSteps = 256
/** steps up to which a trace is short and is not cut to make room for others: a connection and its end. */
export const traceLeastSteps = 8
/** Ups, Downs and attempts of one peer that the admin API shows: what 256 steps contain. */
export const pastShown = 50
/** bytes. Total over all pairs: 125 peers have about ten steps each, so there is room for 4,096 addresses and for flapping pairs. */
export const traceBytes = 8 * 1024 * 1024
/** bytes. Heap size of a step without its texts, and of a pair (measured: 235 and 400). */
export const traceStepBytes = 320
export const traceRingBytes = 512
/** bytes. Maximum size of a trace file: `traceSteps` of the largest steps, each about 2 KiB of JSON, many times over. */
export const traceFileBytes = 16 * 1024 * 1024

/** ms. Peers that come up within this time are gossiped in one message. */
export const gossipMs = 20
/** ms. Minimum time between two such messages to a peer: a mesh that forms within seconds takes a few dozen messages, not hundreds. */
export const gossipEveryMs = 250
/** ms. Time beyond `lingerMs` for a closing node to send its final Rejects. */
export const closeGraceMs = 500
/** ms. Maximum time to close a node. */
export const closeMs = 5_000
/** ms. Step by which a test's clock moves while a node stops, and waits for its final Reject to travel: at most `closeMs` in all. */
export const movingStepMs = 1_000
/** ms. After SIGINT or SIGTERM every command has ended by then, by SIGKILL if necessary: within the 5 s of service managers. */
export const stopMs = closeMs - 50
/** ms. Time for a stopping node to notify the service manager: well within `closeMs`. */
export const notifyStopMs = 1_000
/** ms. How long an ending command waits for a slow reader of its output. */
export const outputMs = 2_000
/** ms. How often a dial held back by isolation checks whether the isolation has ended. */
export const isolatedRedialMs = 250
/** ms. How often the process's processor time is read for metrics. */
export const processTimeMs = 1_000
/**
 * MiB. Size of a half of the young generation where we start the node (`--max-semi-space-size` in `ops/`): the collector stops the node while it copies what is
 * in use there. V8's own 64 MiB make each stop 8 times as long, and the node 100 MB larger.
 */
export const youngHalfMiB = 8
/**
 * nice value (0 to 19, more gives way more) of the thread that writes the database. With one CPU for both, a written batch kept answers and pings waiting for up to
 * 20 ms; with 10 it gets a tenth of a CPU that the main thread wants as well, and all of one that it does not.
 */
export const storeThreadNice = 10
/** ms. Lag below this is ordinary scheduling and is not counted. */
export const lagFloorMs = 100
/**
 * ms. A deadline that blames a peer and fires later than the first of these, but by no more than `lagFloorMs`, waits once more for the
 * second: in that time the node reads what is still in the kernel's buffers.
 */
export const lastLookFloorMs = 1
export const lastLookMs = 20

// --- log --------------------------------------------------------------------------

/** ms. Window over which the log limits lines of one kind. */
export const logWindowMs = 10_000
/** lines per window and kind that any remote host can trigger at will: 20 show what is happening without filling a disk. */
export const logLinesRemote = 20
/** lines per window and kind for Up and Down: all of `maxPeers` can drop and return twice. */
export const logLinesConnections = 500
/** lines about strangers, at once and per second, at Info and above: enough for a mesh of 100 to form twice; in the long run about 40 MB a day. */
export const logStrangers = { burst: 500, perSecond: 1 }
/** lines per window and kind for pings, pongs and dials, which appear at Debug only. */
export const logLinesDebug = 10_000

/** bytes. Log output waiting for a slow reader or a suspended terminal; beyond it lines are dropped: a few thousand lines. */
export const logPendingBytes = 256 * 1024
/** ms. How often waiting log output is retried, and dropped lines are reported. */
export const logRetryMs = 1_000

// --- admin API ----------------------------------------------------------------------

/** characters of what a malformed request is answered: a sentence, not the request again. */
export const malformedTextChars = 300
/** bytes. Maximum body of a request: a list of a few hundred addresses. */
export const adminBodyBytes = 4 * 1024
/** bytes. Maximum headers of a request: a browser's cookies for the host fit. */
export const adminHeaderBytes = 8 * 1024
/** ms. A request must arrive whole within this. */
export const adminRequestMs = 10_000
/** Connections at once that have sent something: an operator has a few. The oldest idle one is evicted. */
export const adminConnections = 64
/**
 * Connections that have sent nothing, which cost a socket each; at most `lobbyShare` of the open-file limit. Twice what the kernel queues
 * (Node's 511), so that a connection that sends at once is served, however many arrive in the same turn.
 */
export const adminSilent = 1_024
/**
 * Requests of one connection at once: clients wait for the answer before they ask again. A connection with more is ended: 40 connections
 * with four requests each would delay `status` by half a second.
 */
export const adminPipelined = 1
/** bytes that the HTTP parser gets per turn of the event loop, over all connections: at most 28 requests, half a ms. */
export const adminPieceBytes = 512
/** ms. An idle connection is closed after this; so is one whose reader accepts nothing of a reply for this long. */
export const adminIdleMs = 5_000
export const adminReadMs = 10_000
/** ms. How long closing waits for responses in flight. */
export const adminShutdownMs = 500
/** ms. How long a client waits for an answer. A node answers in a few ms unless its event loop is busy. */
export const adminAnswerMs = 5_000

/** bytes of randomness in a token that a node makes, so that it cannot be guessed. Characters of a token that an operator makes. */
export const adminTokenBytes = 32
export const adminTokenLeast = 16
export const adminTokenMost = 256
/** Netgroups whose refusals the admin API counts separately; in a flood from more, the latest are shown. */
export const refusalGroups = 256
/** Addresses of the book in one answer, and the default if the request gives no number. */
export const bookPage = 1_000
export const bookPageUsual = 100
/** The latest events that the admin API keeps for readers that arrive late or reconnect: a mesh of 100 that drops and returns. */
export const eventsKept = 512
/** Readers of events at once: as many dashboards and followers as an operator has open, leaving room for other connections. */
export const eventReaders = 16
/** events. A reader this far behind is cut off: a mesh of 100 that drops and returns, while the reader takes nothing. */
export const eventReaderLag = 512
/** ms. Heartbeat interval of the event stream, so that the reader and any proxy know that the connection is alive. */
export const eventBeatMs = 15_000

// --- watch --------------------------------------------------------------------------

/** ms. How often `timemesh watch` asks the node by default, and the allowed range: a person reads the page. */
export const watchEveryMs = 2_000
export const watchLeastMs = 500
export const watchMostMs = 3_600_000
/** ms. How often it checks whether to redraw the screen: an event, or a resized terminal, shows immediately to the eye. */
export const watchDrawMs = 250
/** ms. Delay before reopening an event stream that ended. */
export const watchAgainMs = 1_000
/** The latest events that `timemesh watch` keeps: more than any terminal shows. */
export const watchEvents = 200

// --- doctor -------------------------------------------------------------------------

/** Minimum major version of Node. */
export const nodeMajor = 24
/**
 * bytes. Below the first, a node's disk is about to fill: a day of blocks and the journals of its databases. Below the second it will fill
 * eventually.
 */
export const doctorDiskLeast = 1024 * 1024 * 1024
export const doctorDiskLow = 5 * doctorDiskLeast
/** ms. A data-directory file modified this far in the future shows that the clock was set back. */
export const doctorClockMs = 120_000
/** Descriptors that a node uses besides its peers': databases, the admin API, strangers in the lobby, dials. */
export const descriptorsBesides = 400
/** Descriptors of a node without a connection: databases, threads, the event loop, standard streams (44 measured), and an admin request. */
export const descriptorsLeast = 64

// --- buffers of hashing and randomness ---------------------------------------------

/** bytes. Block texts up to this size are read by a loop over ASCII, which is faster than calling a decoder. */
export const shortTextBytes = 64
/** bytes. Initial size of the transaction hashing buffer: a transaction with one input and one output takes less than half. */
export const txidBufferBytes = 1024
/** bytes. A transaction hashing buffer that grew beyond this is not kept for reuse. */
export const txidSpareBytes = 64 * 1024
/** bytes. Nonces come from a block of random bytes of this size, so that a handshake costs no system call. */
export const entropyBlockBytes = 4_096

// --- soak and leak tests ----------------------------------------------------------

/** ms. Sampling interval of a soak: often enough for a slope, rare enough not to disturb what it measures. */
export const soakSampleMs = 10_000
/**
 * KiB. Permitted memory growth of a node in the second half of a soak: per minute (90 MiB a day, which an operator would notice), and once
 * (what a heap gains before its first full collection).
 */
export const soakGrowthPerMinuteKib = 64
export const soakGrowthOnceKib = 8 * 1024
/** ms between two garbage collections of a soak's node, after which live memory is read: each pauses it for about 50 ms. */
export const soakLiveMs = 60_000
/** KiB. The same for live memory, where heap sizing explains nothing: 22 MiB a day, and peer tables and trace rings that fill up. */
export const soakLiveGrowthPerMinuteKib = 16
export const soakLiveGrowthOnceKib = 2 * 1024
/** Standard errors by which growth must exceed the permitted growth: samples of one process are not independent. */
export const soakSigmas = 3
/** File descriptors by which a node's last sample may exceed its first: a request or a dial in flight. */
export const soakFdSlack = 4
/** ms. Interval between faults of a soak: longer than any recovery. */
export const soakFaultEveryMs = 30_000
/** ms. Pauses of a process: one that no peer may take for a death, and one beyond `deadMs` that every peer must. */
export const soakPauseShortMs = 8_000
export const soakPauseLongMs = deadMs + 15_000
/** ms. No fault this close to the end, so that the last recovery fits. */
export const soakQuietEndMs = 12_000

// --- testnet of processes ---------------------------------------------------------

/** ms. How often each node of a testnet is polled, and how long a sample waits for an answer: less, so that samples do not queue. */
export const testnetSampleMs = 1_000
export const testnetAnswerMs = 900
/** ms. How often a testnet checks whether it is whole: before its partition begins, and while its end waits. */
export const testnetLookMs = 250
/** ms. How long the end waits for an unfinished recovery, or for one tip. */
export const testnetPatienceMs = 4_000
/** ms. Time from a kill to the respawn, and the time by which the killed node must be connected to every other again. */
export const testnetRespawnMs = 1_000
export const testnetRecoveryMs = 10_000
/** ms. No kill this close to the end, so that the last recovery fits. */
export const testnetQuietEndMs = 12_000
/** ms. A node that has not stopped this long after SIGTERM is killed. It closes within `closeMs` when peers do not answer; on one machine they do. */
export const testnetStopMs = 4_000
/** s. Extra time of a partitioned testnet: to connect beforehand, and to agree afterwards. */
export const testnetPartitionRoomSeconds = 12
/** s. Each half of a partitioned testnet makes a block every 2 s, and no node follows a reorg deeper than 100 blocks. */
export const testnetPartitionMaxSeconds = 180
/** ms. How long after a cut has healed the ends of a cut connection may still notice it. */
export const testnetCutNoticeMs = 1_000
/** nodes. A testnet on one machine: 127.0.0.1 to 127.0.0.100, about 100 MiB each. */
export const testnetNodes = 100
/** s. Duration of a testnet: long enough for pings both ways, at most a day. After a partition, the same again. */
export const testnetSeconds = 20
export const testnetMostSeconds = 86_400
/** blocks. Chain of a testnet's first node: 380 years of ten-minute blocks. */
export const testnetMostBlocks = 20_000_000
/** Unexpected Downs that the verdict lists one by one; it counts all. */
export const testnetDownsShown = 20

// --- what commands show and files keep ----------------------------------------------

/** Causes of missing peers that `status` lists, the most frequent ones: a screen has room for them. */
export const causesShown = 5
/** Refused entries that `peers import` lists for a person; `--json` lists all. */
export const refusedShown = 20
/** characters. Text of a peer in one line of the log: more than any reason that a node gives. */
export const peerTextCharacters = 200
/** Damaged files kept beside each other, `.bad` and `.bad-2` to `.bad-9`; beyond it, the last name is reused. */
export const setAsideFiles = 9
/** Symbolic links followed for one file name, as Linux does. */
export const fileLinks = 40
