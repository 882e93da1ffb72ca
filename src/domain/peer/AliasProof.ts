/**
 * Detects one process at both ends of two connections: how it is proved, and which end acts on it. Two nodes with two addresses each (IPv4
 * and IPv6, say) may become connected twice, each from its first address to the other's second; the addresses do not show that. Process ids
 * do, but any host may copy them, so a process proves that it holds both connections.
 *
 * **The proof**, sent on one connection about the other: an HMAC-SHA-256, cut to its first 16 bytes. Key: the nonces of the other
 * connection's two Hellos, the verifier's first. Message: the verifier's address on the connection that carries the proof. No other process
 * knows the key. A process that receives a proof cannot relay it as long as each verifier knows its own address.
 */
import * as PeerIp from "./PeerIp.ts"

/** Nonces of the Hellos on the connection that the proof is about, by sending end. */
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
 * Whether this process is the one of the two that closes a connection: the one that it saw come up later. (The other process proves that it
 * is the same, and waits.) Both ids are lower-case hex of equal length.
 */
export const decides = (ownProcess: string, process: string): boolean => ownProcess < process
