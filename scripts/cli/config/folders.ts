/** Where a project keeps things: the folders of its workspaces, and wrangler's local state in them. */

import { readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';

/** Below the folder of the configuration; the layout of miniflare 3 and later. */
const state = join('.wrangler', 'state', 'v3');

/** The folders that package.json lists as workspaces; `name/*` stands for every folder in `name`. */
export function workspacesOf(project: string): string[] {
  return patterns(project).flatMap((pattern) => {
    const parts = pattern.split('/').filter((part) => part !== '' && part !== '.');
    const last = parts.pop();
    if (last === undefined) return [];
    const folder = join(project, ...parts);
    return last === '*' ? foldersIn(folder) : [join(folder, last)].filter(isFolder);
  });
}

/** wrangler's state beside a configuration or in one of the workspaces below: all of them that are there. */
export function statesOf(folder: string): string[] {
  return [folder, ...workspacesOf(folder)]
    .map((place) => join(place, state))
    .filter((place) => isFolder(join(place, 'd1')));
}

/** Where wrangler would keep the state of a configuration in `folder`. */
export function defaultState(folder: string): string {
  return join(folder, state);
}

export function isFile(path: string): boolean {
  return look(path)?.isFile() ?? false;
}

function isFolder(path: string): boolean {
  return look(path)?.isDirectory() ?? false;
}

/** What may not be looked at, as below another user's home, is taken for not there. */
function look(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** The text of a file. Windows' editors begin one with a byte order mark, and npm and wrangler skip it. */
export function readText(path: string): string {
  return readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
}

function patterns(project: string): string[] {
  try {
    const { workspaces } = JSON.parse(readText(join(project, 'package.json'))) as {
      workspaces?: string[] | { packages?: string[] };
    };
    return Array.isArray(workspaces) ? workspaces : (workspaces?.packages ?? []);
  } catch {
    // Without a package.json that can be read there are no workspaces to look into.
    return [];
  }
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .sort()
      .map((name) => join(folder, name))
      .filter(isFolder);
  } catch {
    return [];
  }
}
