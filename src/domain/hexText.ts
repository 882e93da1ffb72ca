/** Lower-case hex of bytes as one flat string. A string concatenated byte by byte stays a tree of fragments, ten times its size. */
const digits = Uint8Array.from("0123456789abcdef", (c) => c.charCodeAt(0))

/** `length` bytes from `at`, at most a few thousand. */
export const hexText = (bytes: Uint8Array, at = 0, length = bytes.length - at): string => {
  const codes = new Uint8Array(2 * length)
  for (let i = 0; i < length; i++) {
    const byte = bytes[at + i] ?? 0
    codes[2 * i] = digits[byte >> 4] ?? 0
    codes[2 * i + 1] = digits[byte & 15] ?? 0
  }
  return String.fromCharCode(...codes)
}
