/**
 * Sockets for which every peer is a known one, as each peer is after its first good connection. Over TLS, connections with known peers take
 * the native path, without the bounds that strangers get: tests and benchmarks of what follows a first contact need no first contact.
 */
import { Effect } from "effect"
import { PeerSocket } from "../services/PeerSocket.ts"

/** The same sockets. A door that refuses a peer still refuses it. */
export const among = (sockets: PeerSocket["Service"]): PeerSocket["Service"] =>
  PeerSocket.of({
    ...sockets,
    dial: (to, options) => sockets.dial(to, { ...options, isKnown: true }),
    listen: (...where) =>
      Effect.map(sockets.listen(...where), (listener) => ({
        ...listener,
        run: (handler, door, anteroom) =>
          listener.run(
            handler,
            {
              failed: (from, failure) => door?.failed(from, failure),
              admits: (from) => door?.admits(from) === "refused" ? "refused" : "known"
            },
            anteroom
          )
      }))
  })
