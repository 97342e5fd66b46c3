/** `node package-dump.js DATABASE PHOTOS OUTPUT rows|thumbnails`: a data dump by this package. */

import { createDataDump } from '../../../index.js';
import { reportUsageAtExit } from '../usage.js';

const [, , file = '', directory = '', outputDir = '', what] = process.argv;
reportUsageAtExit();
const result = await createDataDump({
  database: { file },
  outputDir,
  ...(what === 'thumbnails' ? { photos: { directory } } : { thumbnails: 'none' }),
});
if (!result.complete)
  throw new Error(`the dump is not complete: ${JSON.stringify(result.warnings)}`);
