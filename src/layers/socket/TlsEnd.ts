/**
 * One end of a TLS connection during or after its handshake: a `TcpEnd` with readable errors that also watches its records. Records without
 * data are invisible to the layers above, yet each costs as much as a message.
 */
import { Effect, Schedule, Stream } from "effect"
import type { Scope } from "effect"
import type * as Net from "node:net"
import type * as NodeTls from "node:tls"
import * as Limits from "../../domain/Limits.ts"
import { recordFlood } from "../../services/PeerSocket.ts"
import { systemError } from "./socketErrors.ts"
import { TcpEnd } from "./TcpEnd.ts"
import { recordError } from "./tlsWords.ts"

/** Bytes of the TCP connection below, of one that Node itself dialled: no public property gives them. */
const bytesBelow = (conn: NodeTls.TLSSocket): number => {
  const handle: unknown = Reflect.get(conn, "_handle")
  const parent: unknown = typeof handle === "object" && handle !== null ? Reflect.get(handle, "_parent") : undefined
  const read: unknown = typeof parent === "object" && parent !== null ? Reflect.get(parent, "bytesRead") : undefined
  return typeof read === "number" ? read : 0
}

/** Counts the bytes that TLS was given. What waits before it is no overhead. */
export type Given = Pick<Net.Socket, "bytesRead">

export class TlsEnd extends TcpEnd {
  declare readonly conn: NodeTls.TLSSocket
  /** The TCP connection below, unless Node itself dialled. */
  readonly raw: Net.Socket | undefined
  private readonly given: Given | undefined
  private data = 0
  private overhead = 0

  /** `given`: what TLS reads from, if that is not the TCP connection itself. */
  constructor(conn: NodeTls.TLSSocket, raw?: Net.Socket, given: Given | undefined = raw) {
    super(conn)
    this.raw = raw
    this.given = given
  }

  private get below(): number {
    return this.given?.bytesRead ?? bytesBelow(this.conn)
  }

  protected override inWords(cause: Error): Error {
    return recordError(cause)
  }

  /** Counts records from now on: the handshake is over. */
  watched(): void {
    this.data = this.conn.bytesRead
    this.overhead = this.below - this.data
  }

  /** Bytes besides data since the last look, if there was almost no data. Closes the connection if they are too many. */
  look(): number {
    const { conn } = this
    const data = conn.bytesRead
    const overhead = this.below - data
    const [newData, newOverhead] = [data - this.data, overhead - this.overhead]
    this.data = data
    this.overhead = overhead
    if (newData >= newOverhead * Limits.tlsOverheadShare) return 0
    if (newOverhead >= Limits.tlsOverheadBytes) this.floods(newOverhead)
    return newOverhead
  }

  floods(bytes: number): void {
    this.conn.destroy(
      systemError(recordFlood, `${bytes} bytes of records in ${Limits.tlsLookMs} ms with almost no data`)
    )
  }
}

/** Looks at all ends. If together they have too much, closes those that have most of it. */
const lookAt = (ends: Iterable<TlsEnd>): void => {
  const overheads = Array.from(ends, (end) => ({ end, bytes: end.look() }))
  let total = overheads.reduce((sum, { bytes }) => sum + bytes, 0)
  if (total <= Limits.tlsOverheadTotalBytes) return
  for (const { bytes, end } of overheads.toSorted((a, b) => b.bytes - a.bytes)) {
    if (total <= Limits.tlsOverheadTotalBytes) return
    total -= bytes
    if (!end.conn.destroyed) end.floods(bytes)
  }
}

/** Checks the ends of a node until the scope closes. */
export const watch: Effect.Effect<(end: TlsEnd) => void, never, Scope.Scope> = Effect.gen(function*() {
  const open = new Set<TlsEnd>()
  yield* Stream.fromSchedule(Schedule.spaced(Limits.tlsLookMs)).pipe(
    Stream.runForEach(() => Effect.sync(() => lookAt(open))),
    Effect.forkScoped
  )
  return (end) => {
    if (end.conn.destroyed) return
    end.watched()
    open.add(end)
    end.conn.once("close", () => open.delete(end))
  }
})
