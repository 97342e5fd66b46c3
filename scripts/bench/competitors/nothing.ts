/** `node nothing.js`: only says what Node itself takes. */

import { reportUsageAtExit } from '../usage.js';

reportUsageAtExit();
