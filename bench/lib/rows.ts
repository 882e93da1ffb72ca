/** The rows of the table: which number of which workload, how it reads, and what timemesh must reach. */
import type { Name } from "../impl/Implementation.ts"

/** A bar: `least` or `most`, absolute, or as a ratio to another implementation in the same round. */
export interface Bar {
  readonly kind: "least" | "most"
  readonly value: number
  readonly of?: Name
}

export interface Row {
  readonly workload: string
  /** The number's name in what the workload measured. */
  readonly key: string
  readonly label: string
  readonly unit: string
  readonly digits: number
  /**
   * Which of the rounds counts. `least` for round trips: what else runs on their CPUs only adds to them.
   */
  readonly of: "median" | "least"
  /** Of whom the bars are. */
  readonly subject: Name
  readonly bars: ReadonlyArray<Bar>
}

const row = (
  workload: string,
  key: string,
  label: string,
  unit: string,
  digits: number,
  bars: ReadonlyArray<Bar> = []
): Row => ({
  workload,
  key,
  label,
  unit,
  digits,
  of: workload.endsWith("rtt") ? "least" : "median",
  subject: workload.startsWith("tls-") ? "timemesh-tls" : "timemesh",
  bars
})

const least = (value: number, of?: Name): Bar =>
  of === undefined ? { kind: "least", value } : { kind: "least", value, of }
const most = (value: number, of?: Name): Bar => of === undefined ? { kind: "most", value } : { kind: "most", value, of }

export const rows: ReadonlyArray<Row> = [
  row("messages", "messages", "messages, 100 B", "/s", 0, [
    least(1_000_000),
    least(7, "libp2p"),
    least(0.85, "bare"),
    least(0.97, "blind"),
    least(1, "before")
  ]),
  row("messages", "receiverNs", "– CPU of the receiver", "ns/message", 0),
  row("messages", "senderNs", "– CPU of the sender", "ns/message", 0),
  row("bulk", "bulk", "bulk, 64 KiB", "MB/s", 0, [least(0.8, "bare"), least(1, "before")]),
  row("bulk", "receiverNs", "– CPU of the receiver", "ns/message", 0),
  row("bulk", "senderNs", "– CPU of the sender", "ns/message", 0),
  row("rtt", "idleP50", "RTT idle p50", "µs", 1, [most(1.5, "bare"), most(1, "before")]),
  row("rtt", "idleP99", "RTT idle p99", "µs", 1),
  row("rtt", "loadP50", "RTT loaded p50", "µs", 1),
  row("rtt", "loadP99", "RTT loaded p99", "µs", 1),
  row("mesh", "settleMs", "mesh settles", "ms", 0, [most(6_000)]),
  row("mesh", "dialsPerPair", "mesh dials/pair", "", 3, [most(1.05)]),
  row("mesh", "duplicates", "mesh duplicates", "", 0, [most(0)]),
  // 2 KiB for what the node observes of itself are 0.14 of 14.
  row("heap", "heapKiB", "heap per idle end", "KiB", 1, [most(16), most(1.14, "blind"), most(1, "before")]),
  row("heap", "rssKiB", "RSS per idle end", "KiB", 1),
  row("tls-rtt", "idleP50", "RTT over TLS, idle p50", "µs", 1, [most(1.5, "bare-tls")]),
  row("tls-rtt", "idleP99", "RTT over TLS, idle p99", "µs", 1),
  row("tls-bulk", "bulk", "bulk over TLS, 64 KiB", "MB/s", 0, [least(0.8, "bare-tls")]),
  row("tls-bulk", "receiverNs", "– CPU of the receiver", "ns/message", 0),
  row("tls-bulk", "senderNs", "– CPU of the sender", "ns/message", 0),
  row("tls-heap", "heapKiB", "heap per idle TLS end", "KiB", 1),
  row("tls-heap", "externalKiB", "– outside the heap (OpenSSL's not included)", "KiB", 1),
  row("tls-heap", "rssKiB", "RSS per idle TLS end", "KiB", 1),
  row("idle", "idleMsPerS", "CPU with 1,000 idle peers", "ms/s", 2, [most(0.6, "before")]),
  row("flat", "ns10", "message, 10 peers", "ns", 0),
  row("flat", "ns100", "message, 100 peers", "ns", 0),
  row("flat", "ns1000", "message, 1000 peers", "ns", 0),
  row("flat", "ns2000", "message, 2000 peers", "ns", 0),
  row("flat", "growth", "2000 ÷ 10 peers", "×", 2, [most(1.3)]),
  row("sync", "syncRate", "sync from 4 peers, stored", "blocks/s", 0, [least(20_000), least(1, "before")]),
  row("sync", "insertRate", "– bare insert of the same", "blocks/s", 0),
  row("sync", "checkRate", "– bare decode, hash, check", "blocks/s", 0),
  row("sync", "growth", "– last tenth ÷ first 10,000", "×", 2, [most(1.3)]),
  row("sync", "lagP99", "– event loop p99", "ms", 1, [most(50)]),
  row("sync", "pingMax", "– slowest ping", "ms", 1, [most(100)]),
  row("sync", "memoryMiB", "– live memory above idle", "MiB", 0, [most(200)]),
  row("sync", "rssMiB", "– RSS above idle, at most", "MiB", 0),
  row("api", "apiP50", "API, 125 peers, syncing, p50", "ms", 1),
  row("api", "apiP99", "– p99", "ms", 1, [most(20)]),
  row("api", "apiIdleP99", "– p99 before it syncs", "ms", 1),
  row("api", "metricsP50", "– /metrics p50", "ms", 1),
  row("api", "metricsP99", "– /metrics p99", "ms", 1, [most(10)]),
  row("api", "metricsIdleP99", "– /metrics p99 before it syncs", "ms", 1),
  row("api", "bareP50", "– bare node:http beside it, p50", "ms", 1),
  row("api", "bareP99", "– bare node:http beside it, p99", "ms", 1),
  row("api", "apiLagP99", "– event loop p99", "ms", 1),
  row("chaos", "recoveryMs", "kill −9, whole again", "ms", 0, [most(10_000)])
]
