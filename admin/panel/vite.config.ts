/**
 * Two builds: the page that the service serves, and (`--mode component`) the manager alone, for a panel that has Vue
 * and signs people in by itself.
 */

import vue from '@vitejs/plugin-vue';
import tailwindcss from 'tailwindcss';
import { defineConfig } from 'vite';
import type { BuildOptions } from 'vite';

/** What is bundled is handed on: its licences ask for their texts to go with it. */
const license = { fileName: 'LICENSES.md' };

const page: BuildOptions = {
  license,
  outDir: '../../dist/panel',
  emptyOutDir: true,
  // The service allows files of its own only: nothing may become a data: URL or an inline script.
  assetsInlineLimit: 0,
  modulePreload: false,
};

const component: BuildOptions = {
  license,
  outDir: '../../dist/component',
  // Its declarations lie there already.
  emptyOutDir: false,
  lib: {
    entry: 'DataDumpManager.vue',
    formats: ['es'],
    fileName: () => 'DataDumpManager.mjs',
    cssFileName: 'style',
  },
  rolldownOptions: { external: ['vue'] },
};

export default defineConfig(({ mode }) => ({
  root: import.meta.dirname,
  base: './',
  plugins: [vue()],
  css: {
    postcss: {
      plugins: [
        // The platform's own major version: its panel has the same classes.
        tailwindcss({ content: [`${import.meta.dirname}/**/*.{html,vue,ts}`], darkMode: 'media' }),
      ],
    },
  },
  // The icon is the page's.
  publicDir: mode === 'component' ? false : 'public',
  build: mode === 'component' ? component : page,
}));
