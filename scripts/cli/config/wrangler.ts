/** wrangler's configuration: where it lies, and which databases and buckets it binds. */

import { dirname, join, relative } from 'node:path';
import { parse as parseJsonc, type ParseError, printParseErrorCode } from 'jsonc-parser';
import { parse as parseToml } from 'smol-toml';

import { UsageError } from '../errors.js';
import { isFile, readText, workspacesOf } from './folders.js';

/** In the order in which wrangler looks for them; the first name wins over the whole way up. */
const names = ['wrangler.json', 'wrangler.jsonc', 'wrangler.toml'] as const;

/** A D1 database as a configuration binds it. */
export interface DatabaseBinding {
  readonly binding: string;
  readonly name: string | undefined;
  readonly id: string | undefined;
  readonly previewId: string | undefined;
}

/** An R2 bucket as a configuration binds it. */
export interface BucketBinding {
  readonly binding: string;
  readonly name: string | undefined;
  readonly jurisdiction: string | undefined;
}

/** What one environment binds. wrangler lets no environment inherit these. */
export interface Bindings {
  readonly databases: readonly DatabaseBinding[];
  readonly buckets: readonly BucketBinding[];
}

/** A configuration with one environment of it chosen. */
export class WranglerConfig {
  readonly path: string;
  readonly environment: string | undefined;
  readonly accountId: string | undefined;
  readonly #table: Table;

  /** Reads `path`; an environment that it does not have is an error that lists those it has. */
  constructor(path: string, environment: string | undefined) {
    this.path = path;
    this.environment = environment;
    const whole = read(path);
    const environments = Object.keys(tableOf(whole['env']));
    if (environment !== undefined && !environments.includes(environment)) {
      const known =
        environments.length === 0
          ? 'it has none: leave --env and CLOUDFLARE_ENV out'
          : `it has ${environments.join(', ')}`;
      throw new UsageError(`${this.shown} has no environment ${environment}; ${known}`);
    }
    const chosen = environment === undefined ? {} : tableOf(tableOf(whole['env'])[environment]);
    this.accountId = textOf(chosen['account_id']) ?? textOf(whole['account_id']);
    this.#table = environment === undefined ? whole : chosen;
  }

  /** The folder that wrangler keeps its local state beside. */
  get folder(): string {
    return dirname(this.path);
  }

  /** The path as people read it. */
  get shown(): string {
    const path = relative('.', this.path);
    return path.startsWith('..') ? this.path : path;
  }

  /** What is bound. Fails when only environments bind something and none was chosen. */
  bindings(): Bindings {
    const bindings = bindingsOf(this.#table);
    if (isEmpty(bindings) && this.environment === undefined) {
      const binding = Object.entries(tableOf(this.#table['env']))
        .filter(([, table]) => !isEmpty(bindingsOf(tableOf(table))))
        .map(([name]) => name);
      if (binding.length > 0) {
        throw new UsageError(
          `${this.shown} names databases and buckets only in its environments ${binding.join(', ')}: ` +
            `choose one with --env, such as --env ${binding[0] ?? ''}`,
        );
      }
    }
    return bindings;
  }
}

/**
 * The configuration that applies to a folder: on the way up from it, or else in one of the workspaces of its project.
 * Fails when several workspaces have one.
 */
export function findConfig(from: string): string | undefined {
  const above = names
    .flatMap((name) => upwards(from).map((folder) => join(folder, name)))
    .find(isFile);
  if (above !== undefined) return above;
  const below = workspacesOf(from)
    .map((folder) => names.map((name) => join(folder, name)).find(isFile))
    .filter((path) => path !== undefined);
  if (below.length > 1) {
    throw new UsageError(
      `several workspaces have a wrangler configuration (${below.join(', ')}): choose one with --config`,
    );
  }
  return below[0];
}

type Table = Readonly<Record<string, unknown>>;

function read(path: string): Table {
  let text: string;
  try {
    text = readText(path);
  } catch (error) {
    throw new UsageError(
      `cannot read the configuration ${path}: give --config a file that is there`,
      {
        cause: error,
      },
    );
  }
  // Errors say where, never what stands there: configurations hold secrets at times.
  if (path.endsWith('.toml')) {
    try {
      return parseToml(text);
    } catch (error) {
      throw unreadable(path, place(error));
    }
  }
  const errors: ParseError[] = [];
  const value: unknown = parseJsonc(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first !== undefined) {
    const line = text.slice(0, first.offset).split('\n').length;
    throw unreadable(path, ` at line ${String(line)} (${printParseErrorCode(first.error)})`);
  }
  return tableOf(value);
}

function unreadable(path: string, where: string): UsageError {
  return new UsageError(
    `${path} cannot be read${where}: correct it, or choose another by --config`,
  );
}

function place(error: unknown): string {
  return error instanceof Error && 'line' in error ? ` at line ${String(error.line)}` : '';
}

function bindingsOf(table: Table): Bindings {
  return {
    databases: tablesOf(table['d1_databases']).map((entry) => ({
      binding: textOf(entry['binding']) ?? '',
      name: textOf(entry['database_name']),
      id: textOf(entry['database_id']),
      previewId: textOf(entry['preview_database_id']),
    })),
    buckets: tablesOf(table['r2_buckets']).map((entry) => ({
      binding: textOf(entry['binding']) ?? '',
      name: textOf(entry['bucket_name']),
      jurisdiction: textOf(entry['jurisdiction']),
    })),
  };
}

function isEmpty({ databases, buckets }: Bindings): boolean {
  return databases.length === 0 && buckets.length === 0;
}

function upwards(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...upwards(parent)];
}

function tableOf(value: unknown): Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Table)
    : {};
}

function tablesOf(value: unknown): Table[] {
  return Array.isArray(value) ? value.map(tableOf) : [];
}

/** An empty text names nothing. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
