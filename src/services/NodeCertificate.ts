/**
 * The key by which peers recognise this node, and the certificate that carries it. It names no host: a peer that sees it pins the key
 * (`PeerPins`).
 */
import { Context } from "effect"

export class NodeCertificate extends Context.Service<NodeCertificate, {
  /** PEM, ECDSA P-256, self-signed. */
  readonly certificate: string
  /** PEM, PKCS #8. */
  readonly privateKey: string
}>()("timemesh/services/NodeCertificate") {}
