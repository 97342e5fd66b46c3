import js from '@eslint/js';
import prettier from 'eslint-config-prettier/flat';
import vue from 'eslint-plugin-vue';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['coverage/', 'dist/', 'target/', 'index.js', 'index.d.ts'] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // Numbers read well in messages.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
    },
  },
  ...vue.configs['flat/recommended'],
  {
    files: ['**/*.vue'],
    // Types inside of components are vue-tsc's to check.
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { parserOptions: { parser: tseslint.parser, projectService: false } },
    rules: {
      // Our own components stand in no HTML, where one word could be an element's name.
      'vue/multi-word-component-names': 'off',
      'no-undef': 'off',
    },
  },
  prettier,
  {
    // What imports a component is vue-tsc's to check as well.
    files: ['**/*.mjs', '**/*.cjs', 'admin/panel/main.ts'],
    extends: [tseslint.configs.disableTypeChecked],
  },
);
