/** Addresses of a pair. The server has the higher one, so that in timemesh the client is the one to dial. */
export const clientIp = "127.0.0.1"
export const serverIp = "127.0.0.2"
