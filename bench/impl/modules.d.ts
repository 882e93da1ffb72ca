/** The part of `@hyperswarm/secret-stream` used here; the package has no types. */
declare module "@hyperswarm/secret-stream" {
  import type { Socket } from "node:net"

  export default class NoiseSecretStream {
    constructor(isInitiator: boolean, rawStream: Socket)
    /** False when the handshake failed. */
    readonly opened: Promise<boolean>
    on(event: "data", listener: (data: Uint8Array) => void): this
    on(event: "connect" | "drain" | "error" | "close", listener: () => void): this
    write(data: Uint8Array): boolean
    destroy(): void
  }
}
