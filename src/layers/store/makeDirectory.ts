/** Makes a directory, with those above it, and tells beforehand whether it could. */
import * as fs from "node:fs/promises"
import * as nodePath from "node:path"
import { systemCode } from "./systemError.ts"

const isDirectory = (path: string): Promise<boolean> => fs.stat(path).then((stats) => stats.isDirectory(), () => false)

/** Makes one directory. Another process may have made it in the meantime. */
const makeOne = async (path: string, mode: number | undefined): Promise<void> => {
  try {
    await fs.mkdir(path, { mode })
  } catch (error) {
    if (systemCode(error) !== "EEXIST" || !(await isDirectory(path))) throw error
  }
}

/** The first directory on the way to the path that is missing. */
const firstMissing = async (path: string): Promise<string> => {
  const above = nodePath.dirname(path)
  if (above === path) return path
  const isThere = await fs.stat(above).then(() => true, (error: unknown) => systemCode(error) !== "ENOENT")
  return isThere ? path : await firstMissing(above)
}

/**
 * One directory at a time. Node's own way with several (`recursive`) reports "no such file or directory" of a read-only file system, and never
 * ends in one where directories cannot be made (`/proc`).
 *
 * **Errors**: the system's; `EEXIST`: it is a file.
 */
export const makeDirectory = async (path: string, mode?: number): Promise<void> => {
  const target = nodePath.resolve(path)
  let next = await firstMissing(target)
  await makeOne(next, mode)
  while (next !== target) {
    const [name = ""] = nodePath.relative(next, target).split(nodePath.sep)
    next = nodePath.join(next, name)
    await makeOne(next, mode)
  }
}

/** The nearest directory above a missing path, in which it would be made. */
export const placeOf = async (path: string): Promise<string> =>
  nodePath.dirname(await firstMissing(nodePath.resolve(path)))

/** Whether `makeDirectory` could make a missing directory; changes nothing. **Errors**: as of `makeDirectory`. */
export const checkCanMake = async (path: string): Promise<void> =>
  await fs.access(await placeOf(path), fs.constants.W_OK | fs.constants.X_OK)
