/** Settings out of the environment and `.env`, for the service and, as it is built, for the commands. */

import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'dotenv';

import { codeOf } from './codes.js';

/** What a `.env` says; nothing when there is none. One that is no use is a `Refusal`, the error of whoever reads it. */
export function readDotenv(
  path: string,
  Refusal: new (message: string, options?: ErrorOptions) => Error,
): Readonly<Record<string, string>> {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    // There is none, or nobody may look into its folder, or it is a folder, as Python's environments may be called.
    if (!existsSync(path) || codeOf(error) === 'EISDIR') return {};
    throw new Refusal(`cannot read ${path}: make it readable or move it away`, { cause: error });
  }
  // As PowerShell's `>` writes it: nothing in it would be found, and the error would ask to put it there.
  if (['fffe', 'feff'].includes(bytes.toString('hex', 0, 2))) {
    throw new Refusal(`${path} is UTF-16: save it as UTF-8`);
  }
  return parse(bytes);
}

/** The setting of the first layer that has it, by the name of its variable. An empty variable counts as unset. */
export function firstSet(
  layers: readonly Readonly<Record<string, string | undefined>>[],
  name: string,
): string | undefined {
  return layers.map((layer) => layer[name]).find((value) => value !== undefined && value !== '');
}
