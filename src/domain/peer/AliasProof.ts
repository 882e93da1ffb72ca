/**
 * One process at both ends of two connections: how it is proven, and which end acts on it. Two nodes with two addresses each (IPv4
 * and IPv6, say) may come to be connected twice, each from its first address to the other's second: the addresses tell nothing.
 * Process ids tell, but anyone may copy them: so a process proves that it has both connections.
 *
 * **The proof**, sent on one connection about the other: an HMAC-SHA-256, cut to its first 16 bytes. Key: the nonces of the two
 * Hellos of the other connection, the verifier's first. Message: the verifier's address on the connection that carries the proof.
 * No other process knows the key, and a process that is given a proof cannot pass it on as long as each verifier knows its own address.
 */
import * as PeerIp from "./PeerIp.ts"

/** Nonces of the Hellos on the connection that the proof is about: which end sent which. */
export interface Nonces {
  readonly verifier: bigint
  readonly prover: bigint
}

/** bytes. Length of a proof. */
export const proofBytes = 16

/** 16 bytes. */
export const proofKey = ({ prover, verifier }: Nonces): Uint8Array => {
  const key = new DataView(new ArrayBuffer(16))
  key.setBigUint64(0, verifier)
  key.setBigUint64(8, prover)
  return new Uint8Array(key.buffer)
}

/** 16 bytes. */
export const proofInput = (verifier: PeerIp.PeerIp): Uint8Array => PeerIp.toBytes(verifier)

/**
 * Whether this process, of the two, closes one of the connections: the one that came up later, as it saw it. (The other proves
 * that it is the same, and waits.) Both are lower-case hex of one length.
 */
export const decides = (ownProcess: string, process: string): boolean => ownProcess < process
