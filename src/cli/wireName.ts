/** Display name of a wire. An older node does not name its wire: it is the native one. */
export const wireName = (wire: string | undefined): string => wire === "time" ? "TIME" : wire ?? "native"
