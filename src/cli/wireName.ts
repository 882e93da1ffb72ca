/** The name of a wire for a person. An older node does not say which it speaks: it is ours. */
export const wireName = (wire: string | undefined): string => wire === "time" ? "TIME" : wire ?? "native"
