/** What is wrong and what to do about it. They stay apart until they are shown, so that no reader has to split a text. */

export interface Problem {
  /** A statement: `no peers known`. */
  readonly what: string
  /** In the imperative: `name one with --peer IP:PORT`. */
  readonly fix?: string | undefined
}

/** `no peers known; name one with --peer IP:PORT`. */
export const text = ({ fix, what }: Problem): string => fix === undefined ? what : `${what}; ${fix}`
