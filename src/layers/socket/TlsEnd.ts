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

export class TlsEnd extends TcpEnd {
  declare readonly conn: NodeTls.TLSSocket
  /** The TCP connection below, unless Node itself dialled. */
  readonly raw: Net.Socket | undefined
  private data = 0
  private overhead = 0

  constructor(conn: NodeTls.TLSSocket, raw?: Net.Socket) {
    super(conn)
    this.raw = raw
  }

  private get below(): number {
    return this.raw?.bytesRead ?? bytesBelow(this.conn)
  }

  protected override inWords(cause: Error): Error {
    return recordError(cause)
  }

  /** Counts records from now on: the handshake is over. */
  watched(): void {
    this.data = this.conn.bytesRead
    this.overhead = this.below - this.data
  }

  /** Closes the connection if it received too many bytes besides data since the last check. */
  look(): void {
    const { conn } = this
    const data = conn.bytesRead
    const overhead = this.below - data
    const [newData, newOverhead] = [data - this.data, overhead - this.overhead]
    this.data = data
    this.overhead = overhead
    if (newOverhead < Limits.tlsOverheadBytes || newData >= newOverhead * Limits.tlsOverheadShare) return
    conn.destroy(systemError(recordFlood, `${newOverhead} bytes of records with ${newData} of data`))
  }
}

/** Checks the ends of a node until the scope closes. */
export const watch: Effect.Effect<(end: TlsEnd) => void, never, Scope.Scope> = Effect.gen(function*() {
  const open = new Set<TlsEnd>()
  yield* Stream.fromSchedule(Schedule.spaced(Limits.tlsLookMs)).pipe(
    Stream.runForEach(() =>
      Effect.sync(() => {
        for (const end of open) end.look()
      })
    ),
    Effect.forkScoped
  )
  return (end) => {
    if (end.conn.destroyed) return
    end.watched()
    open.add(end)
    end.conn.once("close", () => open.delete(end))
  }
})
