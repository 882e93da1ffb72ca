/** Bounds and defaults, with unit and reason: frames, both wires, TLS and the underlying sockets. Import them from `Limits`. */

// --- frames ---------------------------------------------------------------------

/** bytes. Frame limit (kind and body) before Up: a Hello fits many times over, and a native stream always begins `00 00`. */
export const frameBeforeUpBytes = 4 * 1024
/** bytes. Frame limit after Up: the TIME network's. */
export const frameBytes = 8 * 1024 * 1024
/** ms. A frame must be complete this long after its first byte. */
export const frameMs = 120_000
/** bytes. Bulk data in a socket's buffer at once, so that a control frame never waits behind more; fits the CPU caches. */
export const undrainedBytes = 256 * 1024
/** bytes. Frames shorter than this are copied together before a write, up to the second size: a system call costs more than the copy. */
export const smallFrameBytes = 4_096
export const slabBytes = 64 * 1024
/** bytes of written buffers that a busy connection keeps for reuse: four times what is written at once. */
export const spareSendBytes = 4 * undrainedBytes

// --- sockets: the byte streams below --------------------------------------------

/** ms. Idle time before TCP keepalive probes: a last resort after our own `deadMs`; keeps NAT entries alive. */
export const keepAliveDelayMs = 60_000
/** Connections waiting in the kernel for accept, and in the process for a handler; more are dropped (Linux's cap was 128). */
export const backlog = 128
/** ms. How often a listener checks that file descriptors are left: Node does not report an accept that failed because there were none. */
export const descriptorsMs = 1_000
/** bytes. A socket this far ahead of its reader stops reading, so that the peer's TCP window closes. */
export const readAheadBytes = 256 * 1024
/** Chunks that a socket may read ahead: a one-byte chunk costs about a hundred bytes of memory. */
export const readAheadChunks = 1024
/** The same while the first message of each of a thousand sockets is awaited: beyond it, chunks are merged. */
export const unspokenChunks = 8

// --- TLS --------------------------------------------------------------------------

/** ms. Timeout of the ClientHello and of the TLS handshake of an inbound connection, each: five round trips of a bad link, and a slow machine. */
export const tlsHandshakeMs = 10_000
/** bytes. ClientHello: four times the largest in use today (hybrid key shares, a session ticket). Bounds every list in it. */
export const tlsHelloBytes = 8 * 1024
/**
 * Strangers' handshakes. Started per second, so that a flood takes a tenth of a core (one costs 1 ms). In flight at once, about 50 KB each:
 * at that pace each has 2.5 s before it is evicted, a few round trips of a bad link.
 */
export const tlsHandshakeRate = { burst: 64, perSecond: 100 }
export const tlsHandshakes = 256
/**
 * bytes. What TLS handles of strangers in one turn of the event loop: 2 ms of decryption. A message of a handshake takes as long as so many bytes
 * of records, and the shortest record as 4 KiB and more. Of several connections that have more, each has a share in turn. A few short
 * records that arrive alone never wait: of 125 peers they take 5 ms at the most.
 */
export const tlsTurnBytes = 640 * 1024
export const tlsFlightCostBytes = 320 * 1024
export const tlsRecordCostBytes = 4_096
export const tlsTurnShareBytes = 128 * 1024
export const tlsTurnFreeBytes = 256
/** Strangers' handshakes that begin within one ms: a burst of 64 would keep the event loop busy for 64 ms. */
export const tlsHandshakesAtOnce = 2
/** Connections of one IP whose handshake is unfinished; only one counts in the end. As `endsPerPair`. */
export const tlsArrivalsPerIp = 4
/**
 * ms of CPU time. What a stranger's handshake may cost; one that costs twice as much counts twice towards `tlsHandshakeRate`, and so on, so
 * that strangers together take no more than a fifth of a core. A usual one costs 1 ms.
 */
export const tlsHandshakeCostMs = 2
/** bytes. A peer's certificate, which must come alone: three times the size of ours. */
export const tlsCertificateBytes = 1_024
/**
 * bytes. What a stranger may send from its ClientHello to the end of the handshake: a certificate of that size, or a second ClientHello, and
 * 512. Ours sends 555. OpenSSL verifies every certificate that arrives before we can refuse it: 95 of P-521, 42 KB, take 150 ms. In this
 * there is room for three, 5 ms.
 */
export const tlsClientFlightBytes = 1_536
/** bytes. The same for a host that we dial, from its first byte on. Ours sends 2,011, of which 1,120 are a post-quantum key share. */
export const tlsServerFlightBytes = 3_072
/** addresses that have sent more than that, or a chain: from then on they are treated as strangers, even if well known. */
export const tlsSuspects = 1_024
/**
 * bytes. TLS overhead that one connection may receive per second, enforced only while data is less than this share of it. A data record has
 * 22 bytes of overhead; KeyUpdates are all overhead, cost 10 µs each, and are invisible to the layers above.
 */
export const tlsOverheadBytes = 32 * 1024
export const tlsOverheadShare = 1 / 8
/** bytes. The same of all connections together: 10,000 KeyUpdates a second, a tenth of a core. Those with most of it are closed. */
export const tlsOverheadTotalBytes = 256 * 1024
/** ms. How often overhead and overdue handshakes are checked. */
export const tlsLookMs = 1_000
/** peers known by their key: as many as are known at all. Each takes about 150 bytes. */
export const pins = 4_096
/** ms. A key shown again this long after the first time is kept as long as there are others: a flood of new keys does not displace it. */
export const pinLastingMs = 3_600_000
/** Warnings about peers that show another key, at once and per second after that: each takes a stranger two connections. */
export const pinWarnings = { burst: 16, perSecond: 0.1 }
/**
 * ms. Redial of an endpoint that speaks TLS where we do not: its operator or ours must act first, and TIME network nodes ban a peer that
 * tries ten times without an hour of quiet.
 */
export const otherTransportMs = 3_660_000
/** ms. As `lingerMs`, for everything still queued in a closed TLS connection: 32 MiB take a second of one core. */
export const lingerTlsMs = 5_000
/** ms. Pins are written at most this often, all of them, which takes some ms: after a crash, a peer first met since the last write counts as new again. */
export const pinsEveryMs = 10_000

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
/** bytes. Shorter chunks of an incomplete frame are gathered, so that single bytes cost no more memory than their own size. */
export const gatherChunkBytes = 4096
/** bytes. Maximum frame buffer reused for the next frame: a batch of blocks. Longer ones are rare. */
export const spareFrameBytes = 256 * 1024
/** bytes. Maximum buffer in which short chunks are gathered. */
export const gatherBufferBytes = 16 * 1024

// --- TIME pair: what the daemon's own rules ask for -------------------------------

/** ms. How long the lower IP waits for the higher one's dial, which comes within 30 s if it knows us. The daemon's own number. */
export const timeFallbackMs = 180_000
/** ms. The daemon refuses silently: without an Ack within this, our dial was refused. Ten round trips of a bad link; the daemon answers at once. */
export const timeAckMs = 10_000
/** ms. A peer that dialled us must send its Handshake within this: the daemon's own number. */
export const timeHandshakeMs = 10_000
/** ms. Minimum time between two dials of one peer: the daemon counts four refusals within 60 s as a violation. */
export const timeDialSpacingMs = 30_000
/** ms. Maximum wait after failed dials that the peer never noticed. */
export const timeDialMostMs = 300_000
/** Dials that the daemon may each count as a violation (silence, a broken-off handshake): the fifth without a quiet hour leads to a ban. */
export const timeRisks = 4
/** ms. The daemon forgets violations after an hour without one; plus a minute for the difference between two clocks. */
export const timeForgivenMs = 3_660_000
/** ms. Retry of a peer of another network or version: nothing changes before someone upgrades. */
export const timeIncompatibleMs = 3_600_000 + timeForgivenMs
/**
 * ms. No announcement this soon after Up, and therefore after any disconnect: the daemon counts each one within 30 s as a violation. If a
 * connection ends this soon after an announcement, the announcement may be the cause.
 */
export const timeAnnounceMs = 60_000
/**
 * ms. A connection on which a daemon asks nothing for this long is one that it has forgotten. A daemon asks each connection for the tip every 10 s, and
 * every 30 s where a sync holds it up: six times that.
 */
export const timeUnusedMs = 180_000
/** ms. Maximum of the same after doublings, for a peer that never asks: one reconnection an hour costs neither side anything. */
export const timeUnusedMostMs = 3_600_000
/** ms. How often each peer is asked for its masternodes: half as often as the daemon asks. */
export const timeMasternodesMs = 60_000

/**
 * Maximum messages that this node sends to a daemon in this many ms: half of the daemon's own read limit, which stands beside each. The
 * daemon silently drops the excess.
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
/** bytes of a certificate in this node's announcement: the network no longer uses certificates, and its nodes send zeros. */
export const timeCertificateBytes = 64
/** bytes of UTF-8 of a text that are shown to people; the rest is dropped. */
export const timeWordsBytes = 512
/** entries of a list of addresses or masternodes: many times the existing masternodes. */
export const timeListEntries = 4_096
/** blocks of one answer: the network's 50, with room for what earlier versions send. */
export const timeBlocks = 128
/** capabilities of a Version. */
export const timeCapabilities = 64

/** blocks of one page: the most that the daemon sends and asks for. */
export const timePageBlocks = 50
/** ms. Minimum time between two pages: the daemon's own pace, and half of the request rate that it reads. */
export const timePageMs = 200
/**
 * Pages in this many ms whose starts, and whose ends, are within this many heights of one another: half of the twenty from which on the daemon answers
 * none and counts a violation for each.
 */
export const timeAlikePages = 10
export const timeAlikeMs = 30_000
export const timeAlikeHeights = 100
/** ms. A request unanswered after this is repeated: the daemon answers at once or, while it syncs itself, not at all. Below `stallFirstMs`. */
export const timeAnswerMs = 4_000
/**
 * Pages in a row without an answer, after which the next waits twice as long each time, up to this many ms. On a line that holds up what this node sends,
 * all of them arrive at once; the 21st alike is a violation. So that takes a quarter of an hour.
 */
export const timeUnanswered = 4
export const timeUnansweredMostMs = 60_000
/** bytes of blocks held until they are requested, per peer: four of the longest blocks, or hundreds of ordinary pages. */
export const timeKeptBytes = 16 * 1024 * 1024
/** Searches for the fork of two chains before a peer whose chain keeps changing is postponed. */
export const timeSearches = 3
/** ms. A newly connected daemon is shown no chain that forks from its own: every 10 s it settles which peers' claims count. */
export const timeForkQuietMs = 12_000
/** ms. Time between two such pages: the daemon's lock lasts 120 s, and five in 300 s are a violation, over all connections. */
export const timeForkPauseMs = 130_000
/** ms. For this long after requesting a page below its tip, a daemon is searching for the fork, and its requests above belong to that search. */
export const timeForkSearchMs = 10_000
/** ms. How often each peer is asked for its tip: it announces a height without a hash, and no reorganisation. The daemon asks every 10 s. */
export const timeTipMs = 20_000
/**
 * ms. A TIME network peer whose blocks this node refuses is not disconnected, since its own rules may allow them. It is not used for this
 * long, then tried again.
 */
export const timeRefusedMs = 600_000

// --- walking a network (`timemesh crawl`) --------------------------------------------

/** ms. How long the crawl waits for a connection, TLS included, and then for answers: a daemon answers at once, a busy node within seconds. */
export const crawlDialMs = 8_000
export const crawlAnswerMs = 6_000
/** Addresses queried at once, and dials a second, by default and at most: each node is asked once, so the limit protects the path, not the nodes. */
export const crawlAtOnce = 8
export const crawlPerSecond = 4
export const crawlPerSecondMost = 20
/** Addresses queried in all, by default and at most, so that a peer that makes up addresses cannot keep the crawl running. */
export const crawlUsually = 1_000
export const crawlMost = 20_000

/** bytes. Largest read of a link in memory, and what it takes before it is full: as Node reads a TCP socket, and as Linux buffers one. */
export const memoryChunkBytes = 64 * 1024
export const memoryBufferBytes = 256 * 1024

/** bytes. The buffer for a ClientHello that arrives in pieces begins with this: that of a classical client fits. */
export const gatheredBytes = 512
