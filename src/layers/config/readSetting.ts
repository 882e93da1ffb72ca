/** Reads one setting from the collected texts. Errors name the source of the text, the text and the fix. */
import { Result } from "effect"
import { ConfigError } from "./ConfigError.ts"
import type * as ConfigSources from "./ConfigSources.ts"
import type * as Settings from "./Settings.ts"
import type * as Values from "./Values.ts"

export type Outcome<A> = Result.Result<A, ConfigError>

/** Reads a text; `where` names its source in the error. */
export const readText = <A>(
  where: string,
  text: string,
  read: (text: string) => Values.Read<A>
): Outcome<A> => Result.mapError(read(text), ([problem, fix]) => new ConfigError({ where, input: text, problem, fix }))

/** Reads a setting that is given at most once; `initial` if it is not given. */
export const one = <A>(
  given: ConfigSources.GivenSettings,
  setting: Settings.Setting,
  initial: A,
  read: (text: string) => Values.Read<A>
): Outcome<A> => {
  const from = given.get(setting.name)
  const text = from?.values[0]
  return from === undefined || text === undefined ? Result.succeed(initial) : readText(from.where, text, read)
}

/** Where the setting was given, for an error; its flag if it was not. */
export const where = (given: ConfigSources.GivenSettings, setting: Settings.Setting): string =>
  given.get(setting.name)?.where ?? `--${setting.name}`
