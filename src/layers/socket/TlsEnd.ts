/**
 * One end of a TLS connection whose handshake is done or under way: a `TcpEnd` whose errors are in words, and whose records are watched: those that carry no
 * data are never seen above, and each costs as much as a message.
 */
import { Effect, Schedule, Stream } from "effect"
import type { Scope } from "effect"
import type * as NodeTls from "node:tls"
import * as Limits from "../../domain/Limits.ts"
import { recordFlood } from "../../services/PeerSocket.ts"
import { systemError } from "./socketErrors.ts"
import { TcpEnd } from "./TcpEnd.ts"
import { recordError } from "./tlsWords.ts"

/** Bytes of the TCP connection below. Node counts them, and gives them by no other way for a connection that it dialled itself. */
const rawBytes = (conn: NodeTls.TLSSocket): number => {
  const handle: unknown = Reflect.get(conn, "_handle")
  const parent: unknown = typeof handle === "object" && handle !== null ? Reflect.get(handle, "_parent") : undefined
  const read: unknown = typeof parent === "object" && parent !== null ? Reflect.get(parent, "bytesRead") : undefined
  return typeof read === "number" ? read : 0
}

export class TlsEnd extends TcpEnd {
  declare readonly conn: NodeTls.TLSSocket
  private data = 0
  private overhead = 0

  protected override inWords(cause: Error): Error {
    return recordError(cause)
  }

  /** From now on records count, not the handshake. */
  watched(): void {
    this.data = this.conn.bytesRead
    this.overhead = rawBytes(this.conn) - this.data
  }

  /** Ends the connection if it received too much beside data since the last look. */
  look(): void {
    const { conn } = this
    const data = conn.bytesRead
    const overhead = rawBytes(conn) - data
    const [newData, newOverhead] = [data - this.data, overhead - this.overhead]
    this.data = data
    this.overhead = overhead
    if (newOverhead < Limits.tlsOverheadBytes || newData >= newOverhead * Limits.tlsOverheadShare) return
    conn.destroy(systemError(recordFlood, `${newOverhead} bytes of records with ${newData} of data`))
  }
}

/** The ends of a node, looked at until the scope closes. */
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
