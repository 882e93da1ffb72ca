/** Makes a directory, with those above it. */
import * as fs from "node:fs/promises"
import * as nodePath from "node:path"
import { systemCode } from "./systemError.ts"

const exists = (path: string): Promise<boolean> => fs.lstat(path).then(() => true, () => false)

/**
 * **Errors**: the system's. Of a read-only file system Node reports "no such file or directory" when it makes several directories at once; asked
 * for the first that is missing alone, the system says what it is.
 */
export const makeDirectory = async (path: string, mode?: number): Promise<void> => {
  try {
    await fs.mkdir(path, { recursive: true, mode })
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error
    let first = nodePath.resolve(path)
    while (!(await exists(nodePath.dirname(first)))) first = nodePath.dirname(first)
    await fs.mkdir(first, { mode })
    await fs.mkdir(path, { recursive: true, mode })
  }
}
