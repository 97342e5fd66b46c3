/** Services over one database of people, each with folders of its own. */

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { folder, removeFolders } from '../../support';
import { panelOrigin } from './callers';
import { newestGeneration } from './people';
import { stopServices } from './service';

type Environment = Record<string, string>;

/** What a service of a spec's tests is started with; the services end with the test. */
export function surroundings(): (more?: Readonly<Environment>) => Environment {
  let base: string;
  let database: string;

  beforeAll(() => {
    base = folder();
    database = newestGeneration(base);
  });

  afterEach(stopServices);
  afterAll(removeFolders);

  return (more = {}) => {
    const own = join(base, randomUUID());
    return {
      SOURCE_DATABASE_FILE: database,
      ADMIN_PLATFORM_ROWS: '1',
      ADMIN_ORIGINS: panelOrigin,
      ADMIN_STATE_DIR: join(own, 'state'),
      BACKUP_OUTPUT_DIR: join(own, 'backups'),
      DUMPS_DIR: join(own, 'public'),
      ...more,
    };
  };
}
