/** What is said where one end speaks TLS and the other does not. One wording each: `Situation` recognises the cause by it. */

/** This node dialled over TLS. */
export const noTlsThere = "the endpoint does not speak TLS"
/** An accepted connection began without TLS. */
export const noTlsArrived = "speaks no TLS, and this node takes no plain connection"
/** The fault of a plain stream that is unexpectedly TLS. Such a peer is not redialled soon: see `Limits.otherTransportMs`. */
export const tlsThere = "this endpoint speaks TLS, and this node does not: one of the two needs another --transport"

const tlsFailure = "TLS handshake failed ("

/** A dial whose TLS handshake failed, with TLS's own words. */
export const tlsFailed = (words: string): string => `${tlsFailure}${words})`

/** Whether a detail is one of `tlsFailed`. */
export const isTlsFailed = (detail: string): boolean => detail.startsWith(tlsFailure)

/** Whether such a detail of an attempt means that the two ends do not agree on TLS. */
export const isMismatch = (detail: string | undefined): boolean =>
  detail === noTlsThere || detail === noTlsArrived || detail === tlsThere ||
  (detail !== undefined && isTlsFailed(detail))
