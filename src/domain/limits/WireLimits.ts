/** Bounds and defaults, with unit and reason: frames, both wires, TLS and the sockets below. Read them by way of `Limits`. */

// --- frames ---------------------------------------------------------------------

/** bytes. Frame limit (kind and body) before Up: a Hello fits many times over, and a native stream always begins `00 00`. */
export const frameBeforeUpBytes = 4 * 1024
/** bytes. Frame limit after Up: that of the TIME network. */
export const frameBytes = 8 * 1024 * 1024
/** ms. A frame must be complete this long after its first byte. */
export const frameMs = 120_000
/** bytes. Bulk data in a socket's buffer at once, so that a control frame never waits behind more; fits the CPU caches. */
export const undrainedBytes = 256 * 1024
/** bytes. Frames shorter than this are copied together before a write, up to the second size: a system call costs more than the copy. */
export const smallFrameBytes = 4_096
export const slabBytes = 64 * 1024
/** bytes. Buffers of written batches that a busy connection keeps for the next ones: what is written at once, four times over. */
export const spareSendBytes = 4 * undrainedBytes

// --- sockets: the byte streams below --------------------------------------------

/** ms. Idle time before TCP keepalive probes: a last resort after our own `deadMs`; keeps NAT entries open. */
export const keepAliveDelayMs = 60_000
/** Connections waiting in the kernel for accept, and in the process for a handler; more are dropped (Linux's cap was 128). */
export const backlog = 128
/** ms. How often a listener checks that file descriptors are left: Node does not report an accept that failed for want of one. */
export const descriptorsMs = 1_000
/** bytes. A socket this far ahead of its reader stops reading, so that the peer's TCP window closes. */
export const readAheadBytes = 256 * 1024
/** Chunks a socket may read ahead: a chunk of one byte costs about a hundred bytes of memory. */
export const readAheadChunks = 1024
/** The same while its first message is awaited, of a thousand sockets: then they are put together. */
export const unspokenChunks = 8

// --- TLS --------------------------------------------------------------------------

/** ms. ClientHello and TLS handshake of an inbound connection, each: five round trips of a bad link, and a slow machine. */
export const tlsHandshakeMs = 10_000
/** bytes. ClientHello: four times what the largest of today has (hybrid key shares, a session ticket). No list in it can be absurd. */
export const tlsHelloBytes = 8 * 1024
/**
 * Handshakes of strangers: begun per second, so that a flood has a tenth of a core (one costs 1 ms); and under way at once, some 50 KB each, so that at
 * that pace each has 2.5 s, a few round trips of a bad link, before it gives way.
 */
export const tlsHandshakeRate = { burst: 64, perSecond: 100 }
export const tlsHandshakes = 256
/** Connections of one IP whose handshake is not done: one counts in the end. As `endsPerPair`. */
export const tlsArrivalsPerIp = 4
/**
 * bytes. A peer's certificate: ten times one of ours. It comes alone: OpenSSL checks every signature of a chain, whatever we then make of it, and
 * 95 certificates of P-521 take 150 ms in which the node does nothing else.
 */
export const tlsCertificateBytes = 4 * 1024
/**
 * bytes. What TLS may receive of one connection in a second beside data, and that only while data is less than this share of it. A record of data has 22
 * bytes around it; KeyUpdates are all around and no data, cost 10 µs each, and no layer above sees them.
 */
export const tlsOverheadBytes = 32 * 1024
export const tlsOverheadShare = 1 / 8
/** ms. How often that is looked at, and which handshakes have taken too long. */
export const tlsLookMs = 1_000
/** peers known by their key: as many as are known at all. Each takes some 150 bytes. */
export const pins = 4_096
/**
 * ms. Redial of an endpoint that speaks TLS where we do not: its operator or ours must act first, and the TIME network's nodes ban who
 * tries ten times without an hour of quiet.
 */
export const otherTransportMs = 3_660_000
/** ms. As `lingerMs`, for all that a closed TLS connection still holds: 32 MiB take a second of one core. */
export const lingerTlsMs = 5_000
/** ms. Pins are written at most this often: after a crash a peer met since is met for the first time again. */
export const pinsEveryMs = 1_000

// --- native wire ----------------------------------------------------------------

/** bytes. Network name in a Hello: printable ASCII; every name in use is shorter than 10. */
export const networkNameBytes = 32
/** bytes of UTF-8. Software name in a Hello: a name, a version and a platform. */
export const softwareBytes = 64
/** bytes of UTF-8. Text of a Reject: two sentences for an operator. */
export const rejectTextBytes = 256
/** Extensions of one Hello: more than any version will define, few enough to scan linearly. */
export const helloExtensions = 16
/** bytes. All extensions of one Hello with their headers, so that a Hello stays well within `frameBeforeUpBytes`. */
export const helloExtensionsBytes = 2048
/** bytes. Body of one `Peers`: `peersPerMessage` of the longest addresses take 13 KiB. Checked before the body is decoded. */
export const peersBodyBytes = 16 * 1024
/** bytes. A Data payload shorter than this is copied after its header (one buffer to write); a longer one stays a view. */
export const copyPayloadBytes = 4096
/** bytes. Short payloads sent together become one buffer of about this size: a quarter of `undrainedBytes`. */
export const dataBatchBytes = 64 * 1024
/** bytes. Shorter chunks of an incomplete frame are gathered, so that single bytes cost no more memory than themselves. */
export const gatherChunkBytes = 4096
/** bytes. Maximum frame buffer reused for the next frame: a batch of blocks. Longer ones are rare. */
export const spareFrameBytes = 256 * 1024
/** bytes. Maximum buffer in which short chunks are gathered. */
export const gatherBufferBytes = 16 * 1024

// --- TIME pair: what the daemon's own rules ask for -------------------------------

/** ms. The lower IP waits so long for the higher one's dial, which comes within 30 s where it knows us. The daemon's own number. */
export const timeFallbackMs = 180_000
/** ms. A refusal is silence: without an Ack within this our dial was refused. Ten round trips of a bad link; the daemon answers at once. */
export const timeAckMs = 10_000
/** ms. A peer that dialled us says its Handshake within this: the daemon's own number. */
export const timeHandshakeMs = 10_000
/** ms. Least time between two dials of one peer: four refusals within 60 s are a violation there. */
export const timeDialSpacingMs = 30_000
/** ms. Longest wait after failed dials that the peer never noticed. */
export const timeDialMostMs = 300_000
/** Dials that may each be a violation there (silence, a handshake that broke off): the fifth without a quiet hour is a ban. */
export const timeRisks = 4
/** ms. Violations are forgotten there after an hour without one; and a minute, for two clocks. */
export const timeForgivenMs = 3_660_000
/** ms. Retry of a peer of another network or version: nothing changes before someone upgrades. */
export const timeIncompatibleMs = 3_600_000 + timeForgivenMs
/**
 * ms. No announcement so soon after Up, and with that after any disconnect: within 30 s each is a violation there. A connection that ends so soon after one
 * may have ended for it.
 */
export const timeAnnounceMs = 60_000
/** ms. Each peer is asked for its masternodes this often: half as often as the daemon asks. */
export const timeMasternodesMs = 60_000

/**
 * Messages that this node sends to a daemon in so many ms at the most: half of what the daemon reads, whose own limit stands beside each. It
 * drops what is more without a word.
 */
export const timeRates = {
  /** 5. */
  peers: { most: 2, ms: 60_000 },
  /** 6. */
  masternodes: { most: 3, ms: 60_000 },
  /** 12. */
  masternodeList: { most: 6, ms: 60_000 },
  /** 3. */
  announcement: { most: 1, ms: 60_000 },
  /** 100: one page per `timePageMs` is 50. */
  pages: { most: 50, ms: 10_000 },
  /** 10. */
  block: { most: 5, ms: 1_000 },
  /** 500. */
  pageServed: { most: 250, ms: 1_000 },
  /** 100. */
  general: { most: 50, ms: 1_000 }
} as const

// --- TIME wire ------------------------------------------------------------------

/** bytes of UTF-8. A name, an address or a version in a TIME message: the longest in use have fewer than 60. */
export const timeTextBytes = 256
/** bytes. A certificate, a signature or a proof of collateral: 96 at most today. */
export const timeProofBytes = 512
/** bytes of a certificate in an announcement of this node: the network has given certificates up, and its nodes send zeros. */
export const timeCertificateBytes = 64
/** bytes of UTF-8. Shown of a text for a person; the rest is dropped. */
export const timeWordsBytes = 512
/** entries of a list of addresses or masternodes: of all masternodes there are, many times over. */
export const timeListEntries = 4_096
/** blocks of one answer: the network's 50, and room for what earlier versions send. */
export const timeBlocks = 128
/** capabilities of a Version. */
export const timeCapabilities = 64

/** blocks of one page: the most that the daemon sends, and asks for. */
export const timePageBlocks = 50
/** ms. Least time between two pages: the daemon's own pace, and half of the requests that it reads. */
export const timePageMs = 200
/**
 * Pages in so many ms whose ends are both within so many heights of one another: half of the twenty from which on the daemon answers none and
 * counts a violation for each.
 */
export const timeAlikePages = 10
export const timeAlikeMs = 30_000
export const timeAlikeHeights = 100
/** ms. What is not answered by then is asked again: the daemon answers at once or, while it syncs itself, not at all. Below `stallFirstMs`. */
export const timeAnswerMs = 4_000
/** bytes of blocks that wait to be asked for, per peer: four of the longest blocks, or hundreds of pages of ordinary ones. */
export const timeKeptBytes = 16 * 1024 * 1024
/** Searches for the place where two chains part before a peer whose chain changes all the time is left for later. */
export const timeSearches = 3
/** ms. A daemon that has just been connected is shown no chain that leaves its own: it settles every 10 s whose word counts for one. */
export const timeForkQuietMs = 12_000
/** ms. Between two such pages: its lock holds for 120 s, and five in 300 s are a violation, on whatever connections. */
export const timeForkPauseMs = 130_000
/** ms. After a page below its tip it is looking for the fork, and what is above belongs to that. */
export const timeForkSearchMs = 10_000
/** ms. Each peer is asked for its tip this often: it announces a height without a hash, and no reorganisation. The daemon asks every 10 s. */
export const timeTipMs = 20_000
/**
 * ms. A peer of the TIME network whose blocks this node refuses is not disconnected: it may be right by rules of its own. It is not used for so long,
 * and then tried again.
 */
export const timeRefusedMs = 600_000

// --- walking a network (`timemesh crawl`) --------------------------------------------

/** ms. How long the walk waits for a connection, TLS included, and then for answers: a daemon answers at once, and a busy node within seconds. */
export const crawlDialMs = 8_000
export const crawlAnswerMs = 6_000
/** Addresses that are asked at once, and dials a second, usually and at most: each node is asked once, so this is for the way there. */
export const crawlAtOnce = 8
export const crawlPerSecond = 4
export const crawlPerSecondMost = 20
/** Addresses that are asked in all, usually and at most: whoever makes addresses up does not keep the walk going. */
export const crawlUsually = 1_000
export const crawlMost = 20_000
