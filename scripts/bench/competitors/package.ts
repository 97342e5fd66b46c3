/** `node package.js DATABASE PHOTOS OUTPUT drill|no-drill`: a backup by this package. */

import { createBackup } from '../../../index.js';
import { reportUsageAtExit } from '../usage.js';

const [, , file = '', directory = '', outputDir = '', drill] = process.argv;
reportUsageAtExit();
const result = await createBackup({
  database: { file },
  photos: { directory },
  outputDir,
  drill: drill === 'drill',
});
if (!result.complete)
  throw new Error(`${result.path} is not complete: ${JSON.stringify(result.warnings)}`);
