import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist/**", "**/dist/**", "**/node_modules/**", "sdks/**", "**/*.js", "**/*.cjs", "**/*.mjs", ".stackseal/**"] },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      // A leading underscore says "taken out, or handed in, and not wanted here".
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_", destructuredArrayIgnorePattern: "^_" }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      // A record's key is written as one (`x["key"]`): it says that the key may be absent.
      "@typescript-eslint/dot-notation": "off",
      // `as string` after a check that the compiler can't see says which type is meant; `!` says nothing.
      "@typescript-eslint/non-nullable-type-assertion-style": "off",
    },
  },
  { files: ["**/*.test.ts", "tests/**", "bench/**"], rules: { "@typescript-eslint/no-non-null-assertion": "off", "@typescript-eslint/no-unsafe-assignment": "off", "@typescript-eslint/no-unsafe-member-access": "off", "@typescript-eslint/no-unsafe-argument": "off", "@typescript-eslint/no-unsafe-return": "off", "@typescript-eslint/no-unsafe-call": "off" } },
);
