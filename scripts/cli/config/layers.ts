/** What the layers below the flags say of databases and buckets, read once. */

import { dirname, resolve } from 'node:path';

import { UsageError } from '../errors.js';
import { statesOf } from './folders.js';
import { type Environment, Settings } from './settings.js';
import {
  type Bindings,
  type BucketBinding,
  type DatabaseBinding,
  findConfig,
  WranglerConfig,
} from './wrangler.js';

/** Flags that choose among what a configuration binds. */
export interface ChoiceFlags {
  config?: string;
  env?: string;
  databaseId?: string;
  bucket?: string;
  stateDir?: string;
}

/** The names that the platform gives its bindings; they decide where a configuration binds several. */
const platform = { database: 'DB', bucket: 'PHOTOS_BUCKET' } as const;

export class Layers {
  readonly config: WranglerConfig | undefined;
  readonly settings: Settings;
  readonly #flags: ChoiceFlags;

  constructor(flags: ChoiceFlags, environment: Environment) {
    const found = flags.config ?? findConfig(resolve('.'));
    if (found === undefined && flags.env !== undefined) {
      throw new UsageError(
        `--env ${flags.env} chooses in a wrangler configuration, and there is none from here upwards: give --config FILE`,
      );
    }
    const path = found === undefined ? undefined : resolve(found);
    const folders = new Set(['.', ...(path === undefined ? [] : [dirname(path)])]);
    this.settings = new Settings(environment, [...folders]);
    const named = flags.env ?? this.settings.get('CLOUDFLARE_ENV');
    // As for wrangler, an empty name chooses none.
    const chosen = named === '' ? undefined : named;
    this.config = path === undefined ? undefined : new WranglerConfig(path, chosen);
    this.#flags = flags;
  }

  /** How a message names the place of a setting in the configuration. */
  get configShown(): string {
    return this.config?.shown ?? 'wrangler.toml';
  }

  /** A variable among the places an id can come from; none where `--env` makes it count for nothing. */
  idVariable(name: string): readonly string[] {
    return this.#flags.env === undefined ? [name] : [];
  }

  /** wrangler's local state; none, one, or the several that there are. */
  get states(): readonly string[] {
    if (this.#flags.stateDir !== undefined) return [this.#flags.stateDir];
    return statesOf(this.config?.folder ?? resolve('.'));
  }

  /** The account at Cloudflare; wrangler lets environments inherit that of the configuration. */
  get accountId(): string | undefined {
    const variable = 'CLOUDFLARE_ACCOUNT_ID';
    return this.#setting(variable) ?? this.config?.accountId ?? this.settings.get(variable);
  }

  /** The database, or undefined where no layer names one. An id that was named has an empty binding. */
  database(): DatabaseBinding | undefined {
    const { databaseId: flag } = this.#flags;
    const id = flag ?? this.#setting('D1_DATABASE_ID');
    if (id === undefined) {
      const { databases } = this.#bindings();
      const shown = ({ binding, name, id }: DatabaseBinding): string =>
        `${binding}: ${name ?? 'no name'}, id ${id ?? 'none'}`;
      return this.#only(databases, platform.database, shown, '--database-id');
    }
    const bound = this.#boundIfChosen().databases.find((entry) => entry.id === id);
    // A flag is taken to the letter; the variable names a database, whose local copy may have an id of its own.
    const previewId = flag === undefined ? bound?.previewId : undefined;
    return { binding: '', name: bound?.name, id, previewId };
  }

  /** The bucket, or undefined where no layer names one. */
  bucket(): BucketBinding | undefined {
    const name = this.#flags.bucket ?? this.#setting('R2_BUCKET_NAME');
    if (name === undefined) {
      const { buckets } = this.#bindings();
      const shown = ({ binding, name }: BucketBinding): string =>
        `${binding}: ${name ?? 'no name'}`;
      return this.#only(buckets, platform.bucket, shown, '--bucket');
    }
    const bound = this.#boundIfChosen().buckets.find((entry) => entry.name === name);
    return bound ?? { binding: '', name, jurisdiction: undefined };
  }

  /** An environment that was chosen by flag beats ids from lower layers. */
  #setting(name: string): string | undefined {
    return this.#flags.env === undefined ? this.settings.get(name) : undefined;
  }

  #bindings(): Bindings {
    return this.config?.bindings() ?? { databases: [], buckets: [] };
  }

  /** What is bound, as far as that can be said without choosing an environment. */
  #boundIfChosen(): Bindings {
    try {
      return this.#bindings();
    } catch {
      return { databases: [], buckets: [] };
    }
  }

  #only<T extends { binding: string }>(
    bound: readonly T[],
    preferred: string,
    shown: (binding: T) => string,
    flag: string,
  ): T | undefined {
    if (bound.length <= 1) return bound[0];
    const found = bound.find(({ binding }) => binding === preferred);
    if (found !== undefined) return found;
    throw new UsageError(
      `${this.configShown} binds several (${bound.map(shown).join('; ')}): choose one with ${flag}`,
    );
  }
}
