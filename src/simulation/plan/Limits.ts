/** The bounds and defaults of simulations; part of `Limits`. */

// --- simulation -------------------------------------------------------------------

/** ms. A simulated disk takes up to this long to write: a busy solid-state disk with its flush. */
export const simDiskMs = 20
/** ms. A simulated network's producers make a block this often: the TIME network's ten minutes would leave a day with few. */
export const simProduceMs = 120_000
/** nodes. In a larger network blocks come as many times less often: the messages that tell of one grow with its square. */
export const simProduceNodes = 20
/** Producers in a simulated network, at most: each one's turn is to come within the hour. */
export const simProducers = 8
/** Nodes every node of a simulated network is told of at the start. */
export const simSeeds = 3
/** One in so many simulated nodes does not know its own address. */
export const simUnaware = 3
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
/** ms. So long two nodes may be connected twice where nothing disturbs them: some round trips, and a busy moment at each end. */
export const simMergeMs = 5_000
/** ms. A node that has an undisturbed peer with a better chain has it too within this time. */
export const simSyncMs = 300_000
/** ms. An application's `send` has an outcome by then: the longest frame, then the dead time. */
export const simSendMs = 200_000
/** Most violations a report lists. */
export const simViolations = 20

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
  fork: { weight: 4, ms: 0 },
  /** Who was told of it dials it until the end of the run. */
  alias: { weight: 4, ms: 0 }
} as const
/** One in so many hostile peers that advertise addresses is a crowd, and of how many: the table of peers fills, although half of them tell other things. */
export const simCrowds = 24
export const simCrowd = 24
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
