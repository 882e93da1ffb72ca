/** Text on a terminal: a peer's text cannot move the cursor, and its width in columns is known. Pure. */

const spaces = /\s+/gu
/** Both control sets, format characters (bidirectional ones, joiners), lone surrogates, private use. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu
const selectors = /[\u{FE00}-\u{FE0F}\u{E0100}-\u{E01EF}]/gu
/** Any number of marks would be drawn over the lines above and below. */
const marks = /(\p{M}{2})\p{M}+/gu

/** One line of printable text: other characters become `?`, and a letter keeps at most two marks. */
export const harmless = (text: string): string => printable(text.replace(spaces, " "))

/** As `harmless`, with the spaces that columns are made of: for a line that may hold a peer's words. */
const printable = (line: string): string =>
  line.replaceAll("\t", " ").replace(selectors, "").replace(unprintable, "?").replace(marks, "$1")

/** Lines of printable text. */
export const printableLines = (text: string): string => text.split("\n").map(printable).join("\n")

const ascii = /^[\x20-\x7e]*$/
const noWidth = /[\p{Mn}\p{Me}\p{Cf}\p{Cc}]/u
const emoji = /\p{Emoji_Presentation}/u

/** East Asian wide and full-width characters, first and last of each range. */
const wide: ReadonlyArray<readonly [first: number, last: number]> = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18cff],
  [0x1aff0, 0x1b2ff],
  [0x20000, 0x3fffd]
]

const cellsOf = (character: string): number => {
  if (noWidth.test(character)) return 0
  const code = character.codePointAt(0) ?? 0
  return code >= 0x1100 && (wide.some(([first, last]) => code >= first && code <= last) || emoji.test(character))
    ? 2
    : 1
}

/** Columns that the text takes; the larger number where terminals differ (emoji). */
export const widthOf = (text: string): number => {
  if (ascii.test(text)) return text.length
  let width = 0
  for (const character of text) width += cellsOf(character)
  return width
}

/** Padded with spaces. */
export const padded = (text: string, columns: number): string => text + " ".repeat(Math.max(0, columns - widthOf(text)))

/** At most this many columns; a text that is cut ends with `…`. */
export const cut = (text: string, columns: number): string => {
  if (columns < 1) return ""
  if (widthOf(text) <= columns) return text
  let kept = ""
  let width = 1
  for (const character of text) {
    width += cellsOf(character)
    if (width > columns) break
    kept += character
  }
  return `${kept}…`
}

/** At most this many columns; `…` stands for what is left out of the middle. */
export const cutMiddle = (text: string, columns: number): string => {
  if (widthOf(text) <= columns || columns < 5) return cut(text, columns)
  const characters = [...text]
  const half = Math.floor((columns - 1) / 2)
  let end = ""
  let width = 0
  for (const character of characters.toReversed()) {
    width += cellsOf(character)
    if (width > half) break
    end = character + end
  }
  return cut(text, columns - widthOf(end)) + end
}

// oxlint-disable-next-line no-control-regex
const colours = /\u001b\[[\d;]*m/g

/** Column where the line's last field begins; for a line without fields, two more than its own indent. */
const hangingIndent = (plain: string, width: number): number => {
  const leading = /^ */.exec(plain)?.[0].length ?? 0
  const columns = [...plain.matchAll(/\S( {2,})(?=\S)/g)]
  const last = columns.at(-1)
  const indent = last === undefined ? leading : last.index + last[0].length
  // Text in less than a third of the width is hard to read.
  return indent > leading && indent <= width * 2 / 3 ? indent : leading + (last === undefined ? 0 : 2)
}

const hangLine = (line: string, width: number): ReadonlyArray<string> => {
  const plain = line.replace(colours, "")
  if (widthOf(plain) <= width) return [line]
  const indent = hangingIndent(plain, width)
  const lines: Array<string> = []
  let [current, columns] = ["", 0]
  for (const [token] of line.matchAll(/ +|[^ ]+/g)) {
    const size = widthOf(token.replace(colours, ""))
    const isSpace = token.startsWith(" ")
    if (columns + size > width && (isSpace || current.trim() !== "")) {
      if (current.trim() !== "") lines.push(current.trimEnd())
      columns = isSpace ? indent : Math.max(0, Math.min(indent, width - size))
      current = " ".repeat(columns)
      if (isSpace) continue
    }
    current += token
    columns += size
  }
  return [...lines, current.trimEnd()]
}

/**
 * Wraps lines between words; continuation lines start below the line's last field. A word that is wider than that starts further to the left,
 * and one that is wider than the terminal stays whole on a line of its own, so that it can be copied. Colours take no columns. `undefined`:
 * unchanged.
 */
export const hang = (text: string, width: number | undefined): string =>
  width === undefined || width < 1 ? text : text.split("\n").flatMap((line) => hangLine(line, width)).join("\n")
